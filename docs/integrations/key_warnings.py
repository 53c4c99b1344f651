"""Fails a build before its key does: an event hook for httpx and for requests, which take it as it is.

    http = httpx.Client(event_hooks={"response": [fail_before_the_outage]})
    session.hooks["response"].append(fail_before_the_outage)  # of a requests.Session()

Run alone it asks the API once, with the key in GRAVITY_API_KEY.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

DAYS = int(os.environ.get("GRAVITY_KEY_DAYS", "7"))


def fail_before_the_outage(answer: httpx.Response, **_: object) -> None:
    """End the program when the key was replaced, or stops working within some days."""
    sunset, replaced = answer.headers.get("Sunset"), "Deprecation" in answer.headers
    if sunset is None:
        return
    left = parsedate_to_datetime(sunset) - datetime.now(UTC)
    if replaced or left < timedelta(days=DAYS):
        page = answer.links.get("sunset", {}).get("url", "")
        sys.exit(f"This API key {'was replaced' if replaced else 'expires'}: it stops working on {sunset}. {page}")


def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['GRAVITY_API_KEY']}"}
    hooks = {"response": [fail_before_the_outage]}
    with httpx.Client(headers=headers, event_hooks=hooks, timeout=30) as http:
        http.get(f"{os.environ.get('GRAVITY_API', 'http://127.0.0.1:8000')}/api/v2/key").raise_for_status()


if __name__ == "__main__":
    main()
