"""Puts a message together from what is true now: text and HTML, with the headers that a mail program needs."""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from jobs import mail_parts, mail_words
from jobs.mail_parts import Item, Place
from models import mail_kinds, mail_recipients, unsubscribe
from models.database import now
from models.mail import Mail
from models.mail_kinds import DIGEST
from models.mail_truth import Told
from models.settings import Settings

# So many keys of a kind are listed; of the others a mail says how many there are, and where.
LISTED = 25
TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html"], default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["count"] = mail_parts.count


@dataclass
class Section:
    """The keys of one kind in one workspace. What is kept of thousands are the first and their number."""

    kind: str
    workspace_id: str
    workspace: str
    items: list[Item] = field(default_factory=list)
    total: int = 0

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
    subject = _digest_subject(sections, keys) if mail.lane == DIGEST else _security_subject(sections[0])
    stop = f"{settings.base_url}/unsubscribe/{unsubscribe.token_for(mail.recipient, settings.secret_keys)}"
    context = {
        "subject": subject,
        "sections": sections,
        "place": place,
        "is_team": mail.recipient.startswith("team_"),
        "stop_url": stop if mail.lane == DIGEST else None,
        "settings_url": f"{settings.base_url}/w/{sections[0].workspace_id}/settings/notifications",
        "today": place.day(now()),
    }
    return _message(mail, settings, context)


def _sections(facts: Iterable[Told], place: Place) -> tuple[list[Section], int]:
    """Sections in order of urgency, and the number of keys. Several thresholds of one key are one line."""
    found: dict[tuple[str, str], Section] = {}
    seen: set[tuple[str, str]] = set()
    for told in facts:
        subject = (told.notice.kind, told.notice.key_id or told.notice.subject)
        if subject in seen:
            continue
        seen.add(subject)
        group = (told.notice.workspace_id, told.notice.kind)
        if group not in found:
            found[group] = Section(told.notice.kind, group[0], mail_parts.clean(told.workspace.name, 80))
        found[group].add(mail_words.item(told, place))
    order = {kind: rank for rank, kind in enumerate(mail_words.ORDER)}
    ranked = sorted(found.values(), key=lambda each: (each.workspace, each.workspace_id, order.get(each.kind, 99)))
    return ranked, len({key for kind, key in seen if kind != mail_words.SUMMARY})


def _digest_subject(sections: list[Section], keys: int) -> str:
    names = list(dict.fromkeys(section.workspace for section in sections))
    where = names[0] if len(names) == 1 else f"{len(names)} workspaces"
    if keys == 0:
        return f"Last week in {where}"
    if keys == 1:
        return f"API key “{mail_parts.clean(sections[0].items[0].name, 60)}” of {where} needs a look"
    return f"{keys:,} API keys of {where} need a look"


def _security_subject(section: Section) -> str:
    return mail_words.headline(section.kind, section.workspace, section.items, section.total)


def _message(mail: Mail, settings: Settings, context: dict[str, Any]) -> bytes:
    local, _, domain = mail.address.rpartition("@")
    message = EmailMessage(policy=SMTP if local.isascii() else SMTPUTF8)
    message["From"] = settings.mail_from
    message["To"] = f"{local}@{domain.encode('idna').decode()}"
    message["Subject"] = mail_parts.clean(context["subject"], 150)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{mail.id}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    # Nobody's holiday notice is wanted (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if context["stop_url"]:
        message["List-Unsubscribe"] = f"<{context['stop_url']}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    name = "digest" if mail.lane == DIGEST else "security"
    message.set_content(_templates.get_template(f"{name}.txt").render(context))
    message.add_alternative(_templates.get_template(f"{name}.html").render(context), subtype="html")
    message.set_boundary(f"=_{mail.id}")
    return message.as_bytes()
