"""Puts a message together from what is true now: text and HTML, with the headers that a mail program needs."""

import bisect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from jobs import mail_headlines, mail_parts, mail_words
from jobs.mail_headers import Fields
from jobs.mail_parts import Item, Place
from models import mail_kinds, mail_recipients, text, unsubscribe
from models.database import now
from models.mail import Mail
from models.mail_kinds import CONFIRMATION, DIGEST
from models.mail_truth import Told
from models.settings import Settings

# So many keys of a kind are listed; of the others a mail says how many there are, and where.
LISTED = 25
# And so many of all kinds together, as far as each has one: Gmail cuts off what is longer than 102 KB, with its foot.
LISTED_IN_ALL = 40
UNKNOWN = "Was this not you or somebody you know of? Revoke the key, and ask who is signed in to your workspace."
TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters.update(count=mail_parts.count, wrap=mail_parts.wrap, row=mail_parts.row)


@dataclass
class Section:
    """The keys of one kind in one workspace. What is kept of thousands are the first and their number."""

    kind: str
    workspace_id: str
    workspace: str
    items: list[Item] = field(default_factory=list)
    total: int = 0
    # What else was told of the same key.
    again: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        return mail_kinds.title(self.kind)

    @property
    def keys(self) -> int | None:
        """How many it is about; none when it sums up a week."""
        return None if self.kind == mail_words.SUMMARY else self.total

    @property
    def more(self) -> int:
        return self.total - len(self.items)

    def told(self, workspaces: list[str]) -> str:
        """What is added to the title: where there are others the workspace, and of several keys how many."""
        of = [self.workspace] if len(workspaces) > 1 else []
        return ", ".join(of + ([mail_parts.count(self.total, "key")] if self.keys and self.total > 1 else []))

    def others(self, item: Item) -> tuple[tuple[str, str], ...]:
        """What came from more places than the one that is shown."""
        more = self.again[item.of]
        return (("Also from", mail_parts.count(more, "other place")),) if more else ()

    def add(self, item: Item) -> None:
        self.total += 1
        bisect.insort(self.items, item, key=lambda each: (each.sort, each.name))
        del self.items[LISTED:]


def compose(mail: Mail, facts: Iterable[Told], settings: Settings) -> bytes | None:
    """The whole message, or None when nothing is left to tell."""
    whom = mail_recipients.known(mail.recipient)
    zone = whom.zone if whom else mail_recipients.UTC
    place = Place(settings.base_url, zone)
    sections, keys = _sections(facts, place)
    if not sections:
        return None
    stop = f"{settings.base_url}/unsubscribe/{unsubscribe.token_for(mail.recipient, settings.secret_keys)}"
    context = {
        **_head(sections, keys),
        "sections": sections,
        "place": place,
        "why": _why(mail, sections[0].workspace),
        "unknown": UNKNOWN,
        "stop_url": stop if mail.lane == DIGEST else None,
        # Who is asked has no account there.
        "settings_url": mail.kind != CONFIRMATION and place.notifications(sections[0].workspace_id),
        "today": place.day(now()),
    }
    return _message(mail, settings, context)


def _sections(facts: Iterable[Told], place: Place) -> tuple[list[Section], int]:
    """Sections in order of urgency, and the number of keys. Several thresholds of a key are one line."""
    found: dict[tuple[str, str], Section] = {}
    seen: set[tuple[str, str]] = set()
    for told in facts:
        about = told.notice.key_id or told.notice.subject
        if told.notice.kind == mail_words.SUMMARY:
            about += told.notice.threshold
        subject = (told.notice.kind, about)
        group = (told.notice.workspace_id, told.notice.kind)
        if subject in seen:
            found[group].again[subject[1]] += 1
            continue
        seen.add(subject)
        if group not in found:
            found[group] = Section(told.notice.kind, group[0], mail_parts.clean(told.workspace.name, 80))
        found[group].add(replace(mail_words.item(told, place), of=subject[1]))
    order = {kind: rank for rank, kind in enumerate(mail_words.ORDER)}
    ranked = sorted(found.values(), key=lambda each: (order.get(each.kind, 99), each.workspace, each.workspace_id))
    _share_room(ranked)
    return ranked, len({key for kind, key in seen if kind != mail_words.SUMMARY})


def _share_room(sections: list[Section]) -> None:
    """Short sections are listed whole, and leave their room to the long ones."""
    room = LISTED_IN_ALL
    for place, section in enumerate(sorted(sections, key=lambda each: len(each.items))):
        del section.items[max(1, room // (len(sections) - place)) :]
        room = max(0, room - len(section.items))


def _head(sections: list[Section], keys: int) -> dict[str, Any]:
    """What stands above the sections: in the list of mails, before it is opened, and when it is."""
    about = [section for section in sections if section.keys is not None] or sections
    kinds = list(dict.fromkeys(section.kind for section in about))
    preview = "; ".join(f"{section.title}: {section.items[0].name or section.title}" for section in sections)
    items = about[0].items
    return {
        "subject": mail_headlines.subject(kinds, items, keys, _workspaces(about)),
        "heading": mail_headlines.heading(kinds, items, keys),
        "preview": items[0].sentence if keys == 1 and items[0].sentence else mail_parts.clean(preview),
        "workspaces": _workspaces(sections),
    }


def _workspaces(sections: list[Section]) -> list[str]:
    return list({section.workspace_id: section.workspace for section in sections}.values())


def _why(mail: Mail, workspace: str) -> str:
    """Why they get it."""
    if mail.kind == CONFIRMATION:
        return "You do not know what this is about? Then do nothing, and no other mail will come."
    if mail.recipient.startswith("team_"):
        return f"This address is a team address of {workspace}. An owner can change that."
    if mail.lane == DIGEST:
        return "You get this once a day at most, because you manage API keys."
    return f"You get this because you manage the API keys of {workspace}. Security mail cannot be turned off."


def _message(mail: Mail, settings: Settings, context: dict[str, Any]) -> bytes:
    to = text.mail_address(mail.address)
    message = EmailMessage(policy=Fields(utf8=not to.isascii()))
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = mail_parts.clean(context["subject"], 150)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{mail.id}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    # Nobody's holiday notice is wanted (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if context["stop_url"]:
        message["List-Unsubscribe"] = f"<{context['stop_url']}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    name = "digest" if mail.lane == DIGEST else "security"
    # Seven bits, since not every server takes eight, and one that converts them breaks signatures.
    coded = "quoted-printable"
    message.set_content(_templates.get_template(f"{name}.txt").render(context), cte=coded)
    message.add_alternative(_templates.get_template(f"{name}.html").render(context), subtype="html", cte=coded)
    message.set_boundary(f"=_{mail.id}")
    return message.as_bytes()
