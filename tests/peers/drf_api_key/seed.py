"""Makes the keys of this peer, which expire and have no scopes, since it knows none."""

import json
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import call_command
from django.utils import timezone

KEYS = 100


def main() -> None:
    django.setup()
    from rest_framework_api_key.models import APIKey

    call_command("migrate", verbosity=0)
    end = timezone.now() + timedelta(days=90)
    made = [APIKey.objects.create_key(name=f"Key {number}", expiry_date=end) for number in range(KEYS)]
    Path("keys.json").write_text(json.dumps([secret for _, secret in made]))


if __name__ == "__main__":
    main()
