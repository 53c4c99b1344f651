"""Whatever a mail server answers and wherever a sender is killed: each fact reaches each person, in one message.

A message may come once more for each attempt that was left without an answer, word for word; what is refused for good
is a dead letter. Hypothesis looks for a course of events in which that is not so.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs import send_mail
from models import ApiKey, Mail, Notice, database, outbox
from models.mail import LEASE
from tests.support.cast import Person, joined, make_key
from tests.support.mailbox import Mailbox

START = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
FACTS = range(8)
PEOPLE = ("ada@example.com", "olga@example.com")
# Where a sender dies: the method of `Mail` before whose first call, or after it.
DEATHS = (("keep", "before"), ("keep", "after"), ("sent", "before"), ("sent", "after"), ("refused", "before"))

fact = st.tuples(st.just("fact"), st.sampled_from(FACTS))
answer = st.tuples(
    st.just("answer"), st.sampled_from(PEOPLE), st.sampled_from(["421", "450", "451", "550", "554", "cut"])
)
passing = st.tuples(st.just("run"), st.floats(0, 30))
death = st.tuples(st.just("death"), st.sampled_from(DEATHS))
backwards = st.tuples(st.just("back"), st.floats(0, 1))
courses = st.lists(st.one_of(fact, fact, answer, passing, passing, death, backwards), min_size=3, max_size=20)


class Killed(BaseException):
    """As SIGKILL, for one process that holds several senders."""


@dataclass
class Story:
    """One course of events, and what it entitles people to."""

    mailbox: Mailbox
    keys: list[ApiKey]
    monkeypatch: pytest.MonkeyPatch
    moment: datetime = START
    promised: set[int] = field(default_factory=set)
    # By message: attempts that were left without an answer.
    doubts: Counter[str] = field(default_factory=Counter)

    def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("fact", number):
                self.promise(number)
            case ("answer", address, plan):
                self.mailbox.plans[address].append(plan)
            case ("run", hours):
                self.run(hours)
            case ("death", (method, when)):
                self.die(method, when)
            case ("back", hours):
                self.moment -= timedelta(hours=hours)

    def promise(self, number: int) -> None:
        """Even ones are told at once, odd ones in the digest."""
        key, kind = self.keys[number], "unused" if number % 2 else "key_leaked"
        with database.at(self.moment):
            outbox.promise(kind, key.workspace_id, key.id, "x", key=key, facts={"name": key.name})
        self.promised.add(number)

    def run(self, hours: float) -> None:
        self.moment += timedelta(hours=hours)
        send_mail._state.quiet_until = 0.0
        with database.at(self.moment):
            send_mail.run()

    def die(self, method: str, when: str) -> None:
        """The next run ends at this point."""
        real = getattr(Mail, method)

        def deadly(mail: Mail, *args: Any) -> Any:
            if when == "after":
                real(mail, *args)
            if (method, when) == ("sent", "before"):
                self.doubts[mail.id] += 1
            raise Killed

        with self.monkeypatch.context() as patched:
            patched.setattr(Mail, method, deadly)
            try:
                self.run(0.5)
            except Killed:
                database.forget_connection()

    def end(self) -> None:
        """The server takes everything from now on, and time goes by."""
        self.mailbox.plans.clear()
        self.moment = max(self.moment, START)
        for _ in range(6):
            self.run(LEASE / timedelta(hours=1) + 14)

    def judge(self) -> None:
        """Names each breach."""
        for row in Notice.select(Notice, Mail).join(Mail):
            assert row.status in ("sent", "dead"), f"{row.kind} for {row.address} is {row.status}: {row.why}"
            if row.status == "dead":
                assert row.why.startswith(("550", "554", "Given up")), row.why
        assert Notice.select().where(Notice.mail.is_null()).count() == 0, "a fact is in no message"
        assert Notice.select().count() == len(self.promised) * len(PEOPLE)
        self.judge_copies()
        for address in PEOPLE:
            dead = {
                row.key_id
                for row in Notice.select(Notice, Mail).join(Mail)
                if (row.status, row.address) == ("dead", address)
            }
            for number in self.promised:
                told = {each.id for each in self.mailbox.to(address) if f"Fact {number}." in each.text}
                # A dead letter may have arrived in an attempt before that was left without an answer.
                least = 0 if self.keys[number].id in dead else 1
                assert least <= len(told) <= 1, f"Fact {number} came to {address} in {len(told)} messages"

    def judge_copies(self) -> None:
        copies: dict[str, list[bytes]] = {}
        for each in self.mailbox.arrived:
            copies.setdefault(each.id, []).append(each.raw)
            if not each.answered:
                self.doubts[each.id.strip("<>").partition("@")[0]] += 1
        for name, raw in copies.items():
            assert len(set(raw)) == 1, f"{name} came in different words"
            doubts = self.doubts[name.strip("<>").partition("@")[0]]
            assert len(raw) <= 1 + doubts, f"{name} came {len(raw)} times after {doubts} attempts without an answer"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(course=courses)
# A digest in doubt must not take up what is due meanwhile, since its words are settled.
@example(course=[("fact", 1), ("answer", PEOPLE[0], "cut"), ("run", 20.5), ("fact", 3), ("run", 24.0)])
# A digest that was refused must.
@example(course=[("fact", 1), ("answer", PEOPLE[0], "450"), ("run", 20.5), ("fact", 3), ("run", 24.0)])
@example(course=[("fact", 0), ("fact", 1), ("death", ("sent", "before")), ("run", 20.5), ("death", ("sent", "before"))])
def test_each_fact_reaches_each_person_in_one_message(
    course: list[tuple[Any, ...]], people: list[ApiKey], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Notice.delete().execute()
    Mail.delete().execute()
    mailbox.arrived.clear()
    mailbox.plans.clear()
    story = Story(mailbox, people, monkeypatch)
    for step in course:
        story.take(step)
    story.end()
    story.judge()


@pytest.fixture
def people(mailbox: Mailbox, ada: Person) -> list[ApiKey]:
    """The keys that facts are about. Two people are told."""
    with database.at(START - timedelta(days=100)), outbox.quiet():
        joined(ada.workspace, "Olga Ladyzhenskaya", "admin")
        return [make_key(ada, name=f"Fact {number}.")[0] for number in FACTS]
