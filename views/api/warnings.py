"""What tells a client, in the answers that it gets anyway, that its secret will stop working: in time to act.

`Sunset` (RFC 8594), `Deprecation` (RFC 9745) and `Link`, and the same in the body of `GET /api/v2/key`.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from flask import current_app
from werkzeug.http import http_date

from models import database
from models.verification import Credential
from views.format import iso

# An overlap is shorter, so a secret that retires is always near its end.
NEAR = timedelta(days=14) // database.MICROSECOND
RETIRING = "This secret was replaced. Use the new one: this one stops working at its end."
EXPIRING = "This key expires soon. Ask an owner or admin to give it more time, or for another key."

Fields = list[tuple[str, str]]


def fields(credential: Credential, end: int) -> Fields:
    """The header fields for a secret that stops working at this moment, which is near."""
    page = f"<{page_of(credential)}>"
    found = [("Sunset", http_date(end // 1_000_000))]
    if credential.retired_at is None:
        return [*found, ("Link", f'{page}; rel="sunset"; type="text/html"')]
    links = ", ".join(f'{page}; rel="{each}"; type="text/html"' for each in ("deprecation", "sunset"))
    return [*found, ("Deprecation", f"@{credential.retired_at // 1_000_000}"), ("Link", links)]


def facts(credential: Credential, moment: int) -> dict[str, Any]:
    """The same for the body that tells what a key is."""
    end, retired = credential.end, credential.retired_at
    warning = None
    if end is not None and end - moment <= NEAR:
        warning = {
            "sunset": time_of(end),
            "deprecation": time_of(retired),
            "link": page_of(credential),
            "detail": EXPIRING if retired is None else RETIRING,
        }
    status = "current" if retired is None else "retiring"
    return {"secret_status": status, "secret_ends_at": time_of(end), "warning": warning}


def page_of(credential: Credential) -> str:
    """The page of the key, where people see what it is about and rotate it."""
    base_url = current_app.config["SETTINGS"].base_url
    return f"{base_url}/w/{credential.workspace_id}/settings/api-keys/{credential.key_id}"


@lru_cache(maxsize=4096)
def time_of(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso(database.from_microseconds(microseconds))
