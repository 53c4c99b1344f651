"""A year of jobs that are killed, doubled and set back, and of mail servers and receivers that fail: all that is due
arrives. An oracle that knows nothing of tables follows the keys; what people got is compared with what it says.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from jobs import send_mail
from models import Member, TeamAddress, Webhook, database
from models.mail_choice import MailChoice
from models.mail_kinds import DIGESTS
from models.settings import Settings
from tests.support.cast import Person, joined
from tests.support.keys import on_plan
from tests.support.mailbox import Mailbox
from tests.support.policies import rule
from tests.support.receiver import Receiver
from tests.support.year import START
from tests.support.year_breaches import STAGES, Judge, Letter, letters
from tests.support.year_life import Place, Reader
from tests.support.year_runs import GONE, WAYS, Year, live_through

TEAM = "ops@example.com"
ZONES = {"ada": ("Europe/Berlin", 2), "olga": ("America/New_York", 8), "mallory": ("Asia/Kolkata", 6)}


@pytest.fixture
def year(
    mailbox: Mailbox, receiver: Receiver, connected: str, settings: Settings, ada: Person, olga: Person, mallory: Person
) -> Callable[[int], Year]:
    """A year that may begin: two workspaces, the second one cleaned up in stages, with Ada in both."""
    # Its server tells every line that it hears.
    for name in ("mail.log", "jobs.mail", "jobs.webhooks"):
        logging.getLogger(name).setLevel(logging.WARNING)
    mel = joined(ada.workspace, "Mel Ross", "admin")
    for person, (zone, hour) in zip((ada, olga, mallory), ZONES.values(), strict=True):
        person.user.choose_zone(zone)
        person.user.digest_hour = hour
        person.user.save()
    for person in (ada, mallory):
        on_plan(person, "business")
    guest = {"workspace": mallory.workspace, "user": ada.user, "name": "Ada Byron", "email": "ada@example.com"}
    Member.create(role="admin", **guest)
    MailChoice.choose(mel.member.id, [])
    for address in (TEAM, GONE):
        names = " ".join(DIGESTS)
        TeamAddress.create(workspace=ada.workspace, address=address, kind_names=names, confirmed_at=START)
    rule(mallory, staged_cleanup=True, unused_days=25)
    with database.at(START):
        Webhook.add(mallory.workspace, url=receiver.url, events=["*"], by=mallory.actor)

    def begun(seed: int) -> Year:
        tried = replace(mailbox.settings(settings), smtp=mailbox.smtp())
        send_mail.use(tried)
        made = Year(seed, connected, mailbox, receiver, tried)
        utc = ZoneInfo("UTC")
        read = [Reader(f"{name}@example.com", ZoneInfo(zone), hour) for name, (zone, hour) in ZONES.items()]
        first = [replace(read[0], owner=True), read[1], Reader("mel@example.com", utc, quiet=True)]
        first += [Reader(address, utc) for address in (TEAM, GONE)]
        second = [read[0], replace(read[2], owner=True)]
        made.places = [
            (Place(ada.workspace, first), [ada, mel]),
            (Place(mallory.workspace, second, unused_days=25, staged=True), [mallory]),
        ]
        return made

    return begun


@pytest.mark.parametrize(
    ("database_url", "days", "keys", "seed"),
    [("sqlite", 365, 200, 1), ("postgresql", 365, 200, 2)],
    indirect=["database_url"],
)
def test_all_that_is_due_reaches_everybody(year: Callable[[int], Year], days: int, keys: int, seed: int) -> None:
    lived = year(seed)
    live_through(lived, days, keys)
    got = letters(lived)
    found = list(Judge(lived, got).breaches())
    assert not found, f"{len(found)} breaches, such as:\n" + "\n".join(found[:20])
    # So much went on that little can be missing.
    assert {fact.kind for fact in lived.due} == {*DIGESTS, "key_created"}
    assert {step for life in lived.lives for step, _ in life.stages} == set(STAGES)
    assert min(lived.ways[way] for way in WAYS) > days / 20 < lived.ways["died"]
    assert len(lived.checked) > days / 20
    each_is_named(lived, got)


def each_is_named(lived: Year, got: list[Letter]) -> None:
    """What goes wrong on the way, once each: the judge can see it."""
    plain = {number for number, run in enumerate(lived.runs) if not (run.hasty or run.killed)}
    came = Counter((each.id, each.address) for each in got)
    sure = [each for each in got if came[each.id, each.address] == 1 and {each.run - 1, each.run} <= plain]
    lost, twice, changed = [each for each in sure if "Expires soon" in each.text][5:8]
    kept = [each for each in got if each.id != lost.id]
    again = twice, replace(changed, raw=changed.raw + b"!")
    repeats = Counter(call.id for call in lived.receiver.got)
    missed = next(call for call in lived.receiver.got if repeats[call.id] == 1)
    lived.receiver.got.remove(missed)
    found = "\n".join(Judge(lived, [*kept, *again, replace(lost, address=GONE)]).breaches())
    for what in (
        f"for {lost.address}: never arrived",
        f"{twice.id} came to {twice.address} 2 times",
        f"{changed.id} for {changed.address} came in two versions",
        f"{GONE} got {lost.id}",
        f"('api_key.created', '{json.loads(missed.body)['data']['subject']}') was not told to the webhook",
    ):
        assert what in found, what
