"""The judge of a simulated year: each breach of a promise about mail, webhooks and the clean-up, by name."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from peewee import JOIN

from models import AuditEvent, Mail, Notice
from models.mail_kinds import KINDS
from tests.support.mailbox import Arrived
from tests.support.year import CHANGES
from tests.support.year_life import DAY, SECURITY, Fact, Life, Reader
from tests.support.year_runs import GONE, SOON, Year

HOUR = timedelta(hours=1)
# The next digest may be a day away, be full by then, and be refused for some hours.
LATEST = 4 * DAY
# Of what does not wait for a digest, but may be refused for some hours.
SOONEST = 2 * DAY
STAGES = ("flagged", "unflagged", "quarantined", "revoked", "woken", "exempted")


@dataclass(frozen=True)
class Letter:
    """One copy of a message, as it can be read in a mailbox."""

    id: str
    address: str
    raw: bytes
    answered: bool
    # What was going on when it came.
    run: int
    arrived: datetime
    # When it was put together.
    written: datetime
    subject: str
    text: str

    def names(self, fact: Fact, what: str, place: str) -> bool:
        """Whether it tells of the fact: in the part about its kind and workspace."""
        if fact.kind in SECURITY:
            return what in self.subject and what in self.text
        head, *parts = re.split(r"\n\n(?=.+\n-+\n)", self.text)
        for part in parts:
            title, _, body = part.partition("\n")
            if title.startswith(KINDS[fact.kind].title) and (place in title or place in head):
                return bool(re.search(rf"^\* {re.escape(what)}(  |$)|^And [0-9]+ other", body, re.MULTILINE))
        return False


def letters(year: Year) -> list[Letter]:
    found, run = [], 0
    for number, each in enumerate(year.mailbox.arrived):
        while number >= year.runs[run].letters:
            run += 1
        found.append(_letter(each, run, year.runs[run].clock))
    return found


def _letter(each: Arrived, run: int, clock: datetime) -> Letter:
    message = each.message
    written = parsedate_to_datetime(str(message["Date"]))
    return Letter(
        str(message["Message-ID"]).strip("<>").partition("@")[0], each.to[0], each.raw, each.answered, run, clock,
        written, str(message["Subject"]), each.text.replace("\r\n", "\n"),
    )  # fmt: skip


class Judge:
    """Of one year and of what it left in the mailboxes, which a test may tamper with."""

    def __init__(self, year: Year, found: list[Letter]) -> None:
        self.year, self.letters = year, found
        self.lives = {life.key.id: life for life in year.lives}
        # A rotation is due of a secret.
        self.lives |= {secret: life for life in year.lives for secret in life.secrets}
        self.places = {place.workspace.id: place for place, _ in year.places}
        self.by_id: dict[tuple[str, str], list[Letter]] = defaultdict(list)
        for each in found:
            self.by_id[each.id, each.address].append(each)
        rows = Notice.select(Notice, Mail).join(Mail, JOIN.LEFT_OUTER)
        self.notices = {(Fact(row.kind, row.subject, row.threshold), row.address): row for row in rows}

    def breaches(self) -> Iterator[str]:
        yield from self.year.wrong
        yield from self.facts()
        yield from self.copies()
        yield from self.digests()
        yield from self.stages()
        yield from self.webhooks()

    def facts(self) -> Iterator[str]:
        """Each one reached each person in its time, or was no longer true when its mail went out."""
        due: set[tuple[Fact, str]] = set()
        for fact, moment in self.year.due.items():
            life = self.lives.get(fact.subject)
            place = life.place if life else self.places[fact.subject]
            for reader in place.told(fact.kind, life.maker if life else ""):
                due.add((fact, reader.address))
                if breach := self.reached(fact, moment, life, reader):
                    yield f"{fact} of {life.name if life else 'a week'}, {moment}, for {reader.address}: {breach}"
        for fact, address in self.notices.keys() - due:
            yield f"{fact} was told to {address}, and was never due"

    def reached(self, fact: Fact, moment: datetime, life: Life | None, reader: Reader) -> str:
        notice: Any = self.notices.get((fact, reader.address))
        if notice is None:
            return "never promised"
        if notice.created_at != moment:
            return f"promised at {notice.created_at}"
        if notice.status == "dropped":
            # A clock that was set back knows of what it calls the future.
            true = life is None or life.is_true(fact, moment, notice.dropped_at + HOUR)
            return f"dropped though true: {notice.reason}" if true else ""
        if reader.address == GONE:
            return (
                "" if notice.status == "dead" and notice.why.startswith("550") else f"no dead letter: {notice.status}"
            )
        if notice.status != "sent":
            return f"{notice.status}: {notice.why}"
        got = self.by_id.get((notice.mail_id, reader.address))
        if not got:
            return "never arrived"
        what, where = _named(fact, life), notice.workspace.name
        return self.told_well(got[0], fact, moment, life, reader, what, where)

    def told_well(
        self, letter: Letter, fact: Fact, moment: datetime, life: Life | None, reader: Reader, what: str, where: str
    ) -> str:
        if not letter.names(fact, what, where):
            return f"{letter.id} does not name {what}"
        if life and not life.is_true(fact, moment, letter.written):
            return f"told at {letter.written}, when it was not true"
        if fact.kind in SECURITY:
            return "" if moment <= letter.written <= letter.arrived <= moment + SOONEST else f"came at {letter.arrived}"
        due = reader.digest_after(moment)
        if letter.written < due:
            return f"written at {letter.written}, before their hour at {due}"
        if letter.arrived - moment > LATEST:
            return f"came late, at {letter.arrived}"
        eves = {change - DAY for change in CHANGES}
        if moment.replace(hour=0, minute=0) in eves and moment.hour >= 12 and letter.arrived > due + 3 * SOON:
            return f"came at {letter.arrived}, and their hour was {due}"
        return ""

    def copies(self) -> Iterator[str]:
        """One each, and one more for each attempt that was left without an answer, word for word."""
        spare = {number for number, run in enumerate(self.year.runs) if run.killed}
        for (identity, address), several in self.by_id.items():
            if len({each.raw for each in several}) != 1:
                yield f"{identity} for {address} came in two versions"
            unanswered = sum(not each.answered or self.year.runs[each.run].hasty for each in several)
            for _ in range(len(several) - 1 - unanswered):
                # A sender that was killed knows of no answer: it was at this one, and at no other.
                deaths = {number for each in several for number in (each.run, each.run - 1)} & spare
                if not deaths:
                    yield f"{identity} came to {address} {len(several)} times, {unanswered} of them unanswered"
                    break
                spare.discard(max(deaths))
        yield from (f"{each.address} got {each.id}" for each in self.letters if each.address == GONE)

    def digests(self) -> Iterator[str]:
        """One a person and day."""
        begun = Counter(
            (reader.address, mail.recipient, mail.created_at.astimezone(reader.zone).date())
            for mail in Mail.select().where(Mail.lane == "digest")
            for reader in {each.address: each for each in self.year.readers()}.values()
            if reader.address == mail.address
        )
        yield from (
            f"{count} digests of {day} for {address}" for (address, _, day), count in begun.items() if count > 1
        )

    def stages(self) -> Iterator[str]:
        """Each key of the cleaned workspace went through the stages at its moments, and no other did."""
        told: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        actions = [f"api_key.{step}" for step in STAGES]
        oldest = self.year.runs[-1].clock - 360 * DAY
        for event in AuditEvent.select().where(AuditEvent.action.in_(actions), AuditEvent.at > oldest):
            told[event.subject].append((event.action.removeprefix("api_key."), event.at))
        for life in self.year.lives:
            wanted = [*life.stages]
            if life.revoked and ("revoked", life.revoked) not in wanted:
                wanted.append(("revoked", life.revoked))
            wanted = [(step, at) for step, at in wanted if at > oldest]
            if sorted(told[life.key.id]) != sorted(wanted):
                yield f"{life.name} of {life.made} went through {sorted(told[life.key.id])}, not {sorted(wanted)}"

    def webhooks(self) -> Iterator[str]:
        """Each event was delivered, under one id, word for word, and again only if need be."""
        calls: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        run = 0
        for number, call in enumerate(self.year.receiver.got):
            while number >= self.year.runs[run].calls:
                run += 1
            calls[call.id].append((run, call))
        heard: Counter[tuple[str, ...]] = Counter()
        spare = {number for number, each in enumerate(self.year.runs) if each.killed}
        for identity, several in calls.items():
            heard[_event(several[0][1].body)] += 1
            if len({call.body for _, call in several}) != 1:
                yield f"webhook {identity} came in two versions"
            if not any(call.answer == 200 for _, call in several):
                yield f"webhook {identity} was never accepted"
            accepted = sum(call.answer == 200 for _, call in several)
            deaths = {number for run, _ in several for number in (run, run - 1)} & spare
            if accepted - 1 > len(deaths):
                yield f"webhook {identity} was accepted {accepted} times"
        yield from (f"{event} was not told to the webhook" for event in (self.year.events - heard))
        yield from (f"{event} was told to the webhook, and was never due" for event in (heard - self.year.events))


def _named(fact: Fact, life: Life | None) -> str:
    if life:
        return life.name
    monday = datetime.strptime(f"{fact.threshold}-1", "%G-W%V-%u")
    sunday = monday + 6 * DAY
    return f"{monday:%b} {monday.day} to {sunday:%b} {sunday.day}"


def _event(body: bytes) -> tuple[str, ...]:
    said = json.loads(body)
    data = said["data"]
    if said["type"] == "api_key.expiring":
        return said["type"], data["key_id"], data["expires_at"], str(data["days"])
    if said["type"] == "api_key.expired":
        return said["type"], data["key_id"], data["expires_at"]
    return said["type"], data["subject"]
