"""Whatever people and programs do to a key meanwhile: no stage of the clean-up before its days, none unannounced."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ApiKey, Workspace, cleanup, database, policy_effect
from models.database import now
from tests.support.cast import Person
from tests.support.key_pages import fresh
from tests.support.policies import policy_of, rule
from tests.support.stages import DAY, run_at, stage, used_at

MakeKey = Callable[..., tuple[ApiKey, str]]
Step = tuple[int, str]

STAGE = timedelta(days=14)
WAITS = {"wait 20": 20, "wait 40": 40}
# Days between two runs, and what is done before the second one, if anything.
GAPS = (1, 13, 14, 15, 20, 30, 40)
DEEDS = ["", "", "", "use", "disable", "enable", "keep", "release", "quarantine", "wake", "off", "on", *WAITS]
names = count()


class Model:
    """What may happen to a key, told without the code that does it: since when nothing spoke for it."""

    def __init__(self, born: datetime) -> None:
        self.stage = "none"
        # The last use or word for the key; since when its stage counts.
        self.idle = self.since = born
        self.used = self.disabled = self.kept = False
        self.on, self.wait = True, 40

    def told(self, deed: str, at: datetime) -> None:
        """Somebody did this."""
        if deed in WAITS:
            self.wait = WAITS[deed]
        elif deed in ("on", "off"):
            self._switched(deed == "on", at)
        elif deed == "use":
            self.used, self.idle = True, at
            self.since = at if self.stage == "quarantined" else self.since
        elif deed == "quarantine" and self.stage != "quarantined":
            self.stage, self.since = "quarantined", at
        elif deed == "disable":
            self.disabled = True
        elif deed == "keep":
            self.kept = True
            self._unflagged()
        else:
            self._spoken_for(deed, at)

    def _spoken_for(self, deed: str, at: datetime) -> None:
        moot = {"enable": not self.disabled, "release": not self.kept, "wake": self.stage == "none"}
        if deed not in moot or moot[deed]:
            return
        self.idle = self.since = at
        self.disabled &= deed != "enable"
        self.kept &= deed != "release"
        if deed == "wake":
            self.stage = "none"
        self._unflagged()

    def _switched(self, on: bool, at: datetime) -> None:
        if on and not self.on:
            self.since = at
        if not on:
            self._unflagged()
        self.on = on

    def _unflagged(self) -> None:
        self.stage = "none" if self.stage == "flagged" else self.stage

    def expected(self, at: datetime) -> str:
        """The stage after the run of this moment."""
        is_idle = at - self.idle >= timedelta(days=self.wait if self.used else min(30, self.wait))
        if not self.on:
            return self.stage
        if self.stage == "flagged" and not is_idle:
            return "none"
        if self.disabled or self.kept:
            return self.stage
        if self.stage == "none":
            return "flagged" if is_idle else "none"
        following = {"flagged": "quarantined", "quarantined": "revoked"}[self.stage]
        return following if at - self.since >= STAGE else self.stage

    def moved(self, at: datetime) -> None:
        after = self.expected(at)
        if after != self.stage:
            self.stage, self.since = after, at


def do(ada: Person, key: ApiKey, deed: str, at: datetime) -> None:
    if deed in WAITS:
        rule(ada, unused_days=WAITS[deed])
    elif deed in ("on", "off"):
        rule(ada, staged_cleanup=deed == "on")
    elif deed == "use":
        used_at(key, at)
    elif deed == "keep":
        fresh(key).exempt("Wanted", by=ada.actor)
    elif deed == "release":
        fresh(key).end_exemption(by=ada.actor)
    else:
        getattr(fresh(key), deed)(by=ada.actor)


def announced(ada: Person, key: ApiKey, at: datetime) -> str:
    """What the pages of this moment say will be the next stage of the key, if it is already time for it."""
    found, policy = fresh(key), policy_of(ada)
    if not policy.staged_cleanup:
        return stage(key)
    if (end := cleanup.revoked_from(found)) and end <= at:
        return "revoked"
    if key.id in {each.id for each in cleanup.due(Workspace.get_by_id(ada.workspace.id), policy, at)}:
        return "flagged"
    is_free = found.exempt_reason is None and found.disabled_at is None
    if found.flagged_at and not found.quarantined_at:
        if not found.is_unused(at, policy):
            return "none"
        return "quarantined" if is_free and found.flagged_at + STAGE <= at else "flagged"
    return stage(key)


@pytest.mark.usefixtures("app")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(GAPS), st.sampled_from(DEEDS)), min_size=3, max_size=14))
def test_a_key_goes_through_the_stages_as_announced(ada: Person, make_key: MakeKey, steps: list[Step]) -> None:
    """A scheduler that runs at times; whatever is done between two runs is done right before one."""
    rule(ada, staged_cleanup=True, unused_days=40)
    start = at = now()
    with database.at(start):
        key, _ = make_key(ada, name=f"Walked {next(names)}")
    model = Model(start)
    for days, deed in steps:
        at += days * DAY
        if deed:
            with database.at(at):
                do(ada, key, deed, at)
            model.told(deed, at)
        said = announced(ada, key, at)
        run_at(at)
        model.moved(at)
        assert stage(key) == model.stage == said, deed
        if model.stage == "revoked":
            return
    fresh(key).revoke(by=ada.actor)


@pytest.mark.usefixtures("app")
def test_the_report_before_they_are_switched_on_is_what_then_happens(ada: Person, make_key: MakeKey) -> None:
    """Of keys in every state: who is flagged by the first run, and who is revoked after the days of quarantine."""
    start = now()
    with database.at(start):
        made = {name: make_key(ada, name=name)[0] for name in ("idle", "used", "kept", "off", "aside", "called")}
        made["ends"] = make_key(ada, name="ends", expires_at=start + 39 * DAY)[0]
        made["later"] = make_key(ada, name="later", starts_at=start + 30 * DAY)[0]
        for name in ("aside", "called"):
            made[name].quarantine(by=ada.actor)
        made["kept"].exempt("Wanted", by=ada.actor)
        made["off"].disable(by=ada.actor)
    at = start + 40 * DAY
    used_at(made["used"], at)
    with database.at(at):
        stored = Workspace.get_by_id(ada.workspace.id)
        wanted = policy_of(ada).__class__(staged_cleanup=True)
        report = policy_effect.of(stored, wanted, at)
        rule(ada, staged_cleanup=True)
    assert ([key.name for key in report.flagged], [key.name for key in report.aside]) == (["idle"], ["aside", "called"])
    assert run_at(at) == "flagged: 1" and stage(made["idle"]) == "flagged"
    used_at(made["called"], at + DAY)
    assert run_at(at + 14 * DAY) == "revoked: 1, quarantined: 1"
    assert {name: stage(key) for name, key in made.items()} == {
        "idle": "quarantined", "used": "none", "kept": "none", "off": "none", "aside": "revoked",
        "called": "quarantined", "ends": "none", "later": "none",
    }  # fmt: skip
