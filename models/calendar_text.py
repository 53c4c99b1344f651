"""A calendar as text for other programs (RFC 5545): events, escaped and folded."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

PRODUCT = "-//Gravity Rail//API Keys//EN"
# A line has at most so many octets, without its end.
LONGEST_LINE = 75
TITLES = {"expiry": "API key expires: {}", "rotation": "Rotate API key: {}"}
TEXTS = {
    "expiry": "Requests with it are refused from then on. Extend it or replace it before.",
    "rotation": "Its secret is due to be replaced. The old one can work on for up to 7 days.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happens to a key. `uid` names it for ever, `sequence` grows with each change."""

    uid: str
    kind: str
    at: datetime
    name: str
    key_id: str
    sequence: int


def write(title: str, entries: Iterable[Entry], *, key_url: str, host: str, moment: datetime) -> str:
    """The whole calendar. `key_url` has `{}` in the place of the key's id."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN"]
    lines += [f"NAME:{escaped(title)}", f"X-WR-CALNAME:{escaped(title)}"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT6H", "X-PUBLISHED-TTL:PT6H"]
    for entry in entries:
        lines += _event(entry, key_url.format(entry.key_id), host, moment)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def _event(entry: Entry, url: str, host: str, moment: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}@{host}",
        f"DTSTAMP:{_utc(moment)}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTART:{_utc(entry.at)}",
        f"DTEND:{_utc(entry.at + timedelta(minutes=15))}",
        "SUMMARY:" + escaped(TITLES[entry.kind].format(entry.name)),
        "DESCRIPTION:" + escaped(f"{TEXTS[entry.kind]}\n{url}"),
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def escaped(value: str) -> str:
    """A value of type TEXT (section 3.3.11)."""
    value = re.sub(r"([\\;,])", r"\\\1", value)
    return re.sub(r"\r\n|\r|\n", r"\\n", value)


def folded(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, never within a character (section 3.1)."""
    part, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > LONGEST_LINE:
            yield part
            part, size = " ", 1
        part, size = part + char, size + width
    yield part


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
