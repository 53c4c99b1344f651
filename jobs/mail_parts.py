"""What the words of mails are made of: items with links, places where links lead, and text that cannot mislead."""

import textwrap
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from models.database import now
from models.mail_truth import Told
from models.text import BIDI

# Of text, in characters.
WIDTH = 72


@dataclass(frozen=True, slots=True)
class Link:
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """A key in a mail. `sort` decides which come first, and which are only counted where there are many."""

    name: str
    sentence: str
    links: tuple[Link, ...]
    rows: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    # Of a mail about this key alone: the subject with two gaps, for its name and its workspace, and what stands above.
    subject: str = ""
    heading: str = ""
    # Tells it from the others of its kind.
    of: str = ""
    sort: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class Place:
    """Where links lead, and the zone in which times are told."""

    base_url: str
    zone: ZoneInfo

    def keys(self, workspace: str, path: str = "") -> str:
        return f"{self.base_url}/w/{workspace}/settings/api-keys{path}"

    def key(self, told: Told, verb: str = "") -> str:
        if verb == "copy":
            return self.keys(told.workspace.id, f"/new?copy={told.notice.key_id}")
        return self.keys(told.workspace.id, f"/{told.notice.key_id}{verb and '/' + verb}")

    def webhook(self, workspace: str, webhook_id: str) -> str:
        return f"{self.base_url}/w/{workspace}/settings/webhooks/{webhook_id}"

    def notifications(self, workspace: str) -> str:
        return f"{self.base_url}/w/{workspace}/settings/notifications"

    def team_address(self, token: str) -> str:
        return f"{self.base_url}/team-address/{token}"

    def time(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{local:%b} {local.day}, {local.year}, {local:%H:%M} {local:%Z}"

    def day(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        return f"{local:%b} {local.day}, {local.year}"


def clean(text: object, longest: int = 200) -> str:
    """Text from people or requests on one line, without what could mislead a reader or break a header."""
    kept = (" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in str(text) if char not in BIDI)
    line = " ".join("".join(kept).encode("utf-8", "replace").decode().split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def wrap(text: object, indent: int = 0) -> str:
    """As a plain client shows it without a scroll bar; addresses stay whole, so that they can be followed."""
    gap = " " * indent
    return textwrap.fill(str(text), WIDTH, subsequent_indent=gap, break_long_words=False, break_on_hyphens=False)


def row(label: str, value: str, width: int) -> str:
    """A line of a table, as text."""
    start = f"  {label + ':':{width}} "
    return wrap(start + value, len(start)) if " " in value else start + value


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
