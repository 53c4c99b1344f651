"""A year of jobs that are killed, doubled and set back, and of a mail server that fails: every due fact arrives.

An oracle that knows nothing of tables follows the keys and says what is due; what people got is compared with it.
"""

import logging
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from peewee import JOIN

from jobs import flag_keys, purge, send_mail, weekly_summary
from models import ApiKey, Mail, Notice, TeamAddress, database
from models.actor import COMMAND_LINE
from models.mail_kinds import DIGESTS
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.dying import dies
from tests.support.mailbox import Mailbox
from tests.support.threads import at_once

# Both changes of the clocks of Berlin and of New York are in it.
START = datetime(2026, 1, 1, tzinfo=UTC)
LIVES = (30, 60, 90, 180, 300, None)
GONE, TEAM = "gone@example.com", "ops@example.com"
FAILURES = ("421", "450", "451", "cut", "hang")


class Fact(NamedTuple):
    key: str
    kind: str
    threshold: str


@dataclass
class Life:
    """What the oracle knows of a key."""

    key: ApiKey
    name: str
    made: datetime
    ends: datetime | None
    revoked: datetime | None = None
    # Moments at which something made earlier notices untrue.
    turns: list[datetime] = field(default_factory=list)

    def due(self, moment: datetime) -> Fact | None:
        """What is to be told of its end at a moment."""
        if self.ends is None or (self.revoked and self.revoked <= moment) or moment < self.made:
            return None
        left = self.ends - moment
        if left <= timedelta(0):
            return Fact(self.name, "expired", "expired") if left > -timedelta(days=30) else None
        days = next((days for days in (1, 7, 14) if left <= timedelta(days=days)), None)
        return Fact(self.name, "expiring", f"{days}d") if days else None


class Year:
    """The world of one run: its keys, its clock, and what was due."""

    def __init__(self, seed: int, url: str, mailbox: Mailbox, ada: Person) -> None:
        self.chance, self.url, self.mailbox, self.ada = random.Random(seed), url, mailbox, ada
        self.lives: list[Life] = []
        self.due: dict[Fact, datetime] = {}
        self.deaths = 0

    def make_keys(self, count: int, days: int) -> dict[int, list[int]]:
        """On which day how many keys with which life are made."""
        plan: dict[int, list[Any]] = defaultdict(list)
        for number in range(count):
            plan[self.chance.randrange(max(1, days - 45))].append(LIVES[number % len(LIVES)])
        return plan

    def make(self, moment: datetime, life: int | None) -> None:
        ends = None if life is None else moment + timedelta(days=life, minutes=self.chance.randrange(1440))
        name = f"Key of {len(self.lives)} lives"
        with database.at(moment):
            key, _ = make_key(self.ada, name=name, expires_at=ends)
        self.lives.append(Life(key, name, moment, ends))

    def meddle(self, moment: datetime) -> None:
        """Somebody revokes, extends or rotates a key now and then."""
        living = [each for each in self.lives if not each.revoked and (each.ends is None or each.ends > moment)]
        if not living or self.chance.random() > 0.25:
            return
        life, what = self.chance.choice(living), self.chance.choice(("revoke", "extend", "rotate"))
        key = ApiKey.get_by_id(life.key.id)
        with database.at(moment):
            if what == "revoke":
                key.revoke(by=COMMAND_LINE)
                life.revoked = moment
            elif what == "rotate":
                key.rotate(by=COMMAND_LINE)
            elif life.ends:
                life.ends += timedelta(days=40)
                key.edit(replace(key.settings, expires_at=life.ends), version=key.version, by=COMMAND_LINE)
        life.turns.append(moment)

    def work(self, moment: datetime) -> None:
        """All jobs at a moment: in order, twice, two at once, set back, or killed and then done."""
        for each in self.lives:
            if (fact := each.due(moment)) and fact not in self.due:
                self.due[fact] = moment
        how = self.chance.choice(("once", "once", "twice", "two at once", "set back", "killed"))
        if how == "killed":
            self.deaths += dies(self.url, lambda: jobs(moment), self.chance.randrange(150))
            database.connect(self.url)
        elif how == "two at once":
            assert not [each for each in at_once(2, lambda _: jobs(moment)) if isinstance(each, Exception)]
        elif how == "twice":
            jobs(moment)
        elif how == "set back":
            jobs(moment - timedelta(hours=1))
        jobs(moment)

    def fail_at_times(self) -> None:
        """The mail server answers the next message to each address as it likes; one it knows no more."""
        self.mailbox.plans.clear()
        self.mailbox.plans[GONE] = ["550"] * 50
        for address in ("ada@example.com", "olga@example.com", TEAM):
            if self.chance.random() < 0.2:
                self.mailbox.plans[address] = [self.chance.choice(FAILURES)]


def jobs(moment: datetime) -> None:
    send_mail._state.quiet_until = 0.0
    with database.at(moment):
        flag_keys.run()
        weekly_summary.run()
        send_mail.run()


def mail_only(moment: datetime) -> None:
    send_mail._state.quiet_until = 0.0
    with database.at(moment):
        send_mail.run()


def live_through(year: Year, days: int, keys: int) -> None:
    plan = year.make_keys(keys, days)
    for day in range(days):
        morning = START + timedelta(days=day)
        for life in plan.get(day, ()):
            year.make(morning + timedelta(minutes=year.chance.randrange(60)), life)
        # Less than a day between two runs, or nobody can be told of the last day of a key.
        for begins in (timedelta(hours=2), timedelta(hours=13)):
            moment = morning + begins + timedelta(minutes=year.chance.randrange(600))
            year.meddle(moment - timedelta(minutes=30))
            year.fail_at_times()
            year.work(moment)
            for later in (7, 25):
                mail_only(moment + timedelta(minutes=later))
        if day % 30 == 0:
            with database.at(morning):
                purge.run()
    # The last ones have their time.
    year.mailbox.plans.clear()
    year.mailbox.plans[GONE] = ["550"] * 1000
    for hour in range(0, 100, 5):
        mail_only(START + timedelta(days=days, hours=hour))


def check_facts(year: Year, people: set[str]) -> None:
    """Each due fact reached each person, or was no longer true when its mail went out."""
    lives = {each.name: each for each in year.lives}
    ids = {each.key.id: each.name for each in year.lives}
    told: dict[tuple[Fact, str], Notice] = {}
    for notice in (
        Notice.select(Notice, Mail).join(Mail, JOIN.LEFT_OUTER).where(Notice.kind.in_(["expiring", "expired"]))
    ):
        fact = Fact(ids[notice.key_id], notice.kind, notice.threshold_shown)
        told[fact, notice.address] = notice
    texts = {address: "\n".join(each.text for each in year.mailbox.to(address)) for address in people}
    for fact, moment in year.due.items():
        for address in people:
            found = told.get((fact, address))
            assert found, f"{fact} of {moment} was never promised to {address}"
            if found.status == "dropped":
                ended = lives[fact.key].ends
                turns = [*lives[fact.key].turns, *([ended] if ended else [])]
                assert any(moment <= turn <= found.at for turn in turns), f"{fact} dropped: {found.reason}"
            else:
                assert found.status == "sent", f"{fact} for {address} is {found.status}: {found.why}"
                assert fact.key in texts[address]
    assert {notice.status for (_, address), notice in told.items() if address == GONE} <= {"dead", "dropped"}


def check_copies(year: Year) -> None:
    """Once each; again only where the answer did not come through, word for word."""
    copies: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for each in year.mailbox.arrived:
        copies[each.id, each.to[0]].append(each)
    beyond = 0
    for (identity, address), several in copies.items():
        assert len({each.raw for each in several}) == 1, f"{identity} for {address} came in two versions"
        unanswered = sum(not each.answered for each in several)
        beyond += max(0, len(several) - 1 - unanswered)
    assert beyond <= year.deaths, "only a sender that was killed before it noted the answer repeats a message"
    digests = Counter((each.to[0], each.id) for each in year.mailbox.arrived if "List-Unsubscribe" in each.message)
    assert digests


@pytest.mark.parametrize(
    ("database_url", "days", "keys", "seed"),
    [("sqlite", 365, 200, 1), ("postgresql", 100, 60, 2)],
    indirect=["database_url"],
)
def test_every_due_fact_reaches_each_person(
    mailbox: Mailbox, connected: str, settings: Settings, ada: Person, olga: Person, days: int, keys: int, seed: int
) -> None:
    # Its server tells every line that it hears.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    ada.workspace.plan_slug = "business"
    ada.workspace.save()
    for person, zone in ((ada, "Europe/Berlin"), (olga, "America/New_York")):
        person.user.choose_zone(zone)
    for address in (TEAM, GONE):
        TeamAddress.create(workspace=ada.workspace, address=address, kind_names=" ".join(DIGESTS), confirmed_at=START)
    send_mail.use(replace(mailbox.settings(settings), smtp=mailbox.smtp(timeout=0.3)))
    year = Year(seed, connected, mailbox, ada)
    live_through(year, days, keys)
    assert len(year.due) > keys / 2 and year.deaths > days / 20
    check_facts(year, {"ada@example.com", "olga@example.com", TEAM})
    check_copies(year)
