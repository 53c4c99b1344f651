"""The formats of texts that the schema of a collection may ask for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

from models import text

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# RFC 3339, section 5.6.
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
URI = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+", re.ASCII)
LONGEST_EMAIL = 254


@dataclass(frozen=True)
class Format:
    fits: Callable[[str], bool]
    sentence: str


def _is_date(value: str) -> bool:
    return bool(DATE.fullmatch(value)) and _parses(date.fromisoformat, value)


def _is_date_time(value: str) -> bool:
    found = DATE_TIME.fullmatch(value)
    # Python knows six digits of a second.
    return bool(found) and _parses(datetime.fromisoformat, value.replace(found[1] or ".", "", 1) if found else value)


def _is_email(value: str) -> bool:
    return len(value) <= LONGEST_EMAIL and value == value.strip() and _parses(text.email, value)


def _is_uri(value: str) -> bool:
    return bool(URI.fullmatch(value)) and _parses(urlsplit, value) and bool(urlsplit(value).scheme)


def _parses(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True


FORMATS = {
    "date": Format(_is_date, "Use a date, like 2026-03-31."),
    "date-time": Format(_is_date_time, "Use a time with a zone, like 2026-03-31T09:00:00Z."),
    "email": Format(_is_email, "Use an e-mail address, like ada@example.com."),
    "uri": Format(_is_uri, "Use a whole address, like https://example.com/."),
    "uuid": Format(lambda value: bool(UUID.fullmatch(value)), "Use a UUID, like 8c1d2e3f-4a5b-4c6d-8e9f-0a1b2c3d4e5f."),
}
