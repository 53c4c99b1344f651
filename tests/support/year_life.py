"""What an oracle that knows no tables says of a key: what is due at a moment, and what is true at one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
STAGE = 14 * DAY
SECURITY = {"key_created"}


class Fact(NamedTuple):
    """What people are to be told, by the names of the outbox."""

    kind: str
    subject: str
    threshold: str


@dataclass(frozen=True)
class Reader:
    """Somebody who gets mail, with the hour of their digest."""

    address: str
    zone: ZoneInfo
    hour: int = 8
    owner: bool = False
    # Of no digest.
    quiet: bool = False

    def digest_after(self, moment: datetime) -> datetime:
        """The first half hour after it at which a day of theirs has come to their hour, found by looking at each."""
        day = moment.astimezone(self.zone).date()
        while (found := _comes_to(day, self.hour, self.zone)) <= moment:
            day += DAY
        return found


@cache
def _comes_to(day: date, hour: int, zone: ZoneInfo) -> datetime:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - DAY
    for step in range(120):
        moment = begin + step * timedelta(minutes=30)
        here = moment.astimezone(zone)
        if here.date() == day and here.hour >= hour:
            return moment
    raise AssertionError(f"{day} has no such hour in {zone}")


@dataclass(eq=False)
class Place:
    """A workspace: who reads of its keys, and when it thinks of a key as unused."""

    workspace: Any
    readers: list[Reader]
    unused_days: int = 90
    staged: bool = False

    def told(self, kind: str, maker: str) -> list[Reader]:
        """Whoever is to hear of it."""
        if kind in SECURITY:
            return [each for each in self.readers if each.owner or each.address == maker]
        return [each for each in self.readers if not each.quiet]


@dataclass(eq=False)
class Life:
    """One key. The present is in its fields, the past in its lists."""

    key: Any
    place: Place
    made: datetime
    ends: datetime | None
    maker: str
    # The id of its current secret, and that in clear.
    secret: str
    text: str
    busy: bool
    revoked: datetime | None = None
    used: datetime | None = None
    woken: datetime | None = None
    flagged: datetime | None = None
    quarantined: datetime | None = None
    exempt: bool = False
    maker_gone: datetime | None = None
    secret_made: datetime = field(init=False)
    secrets: list[str] = field(init=False)
    # Of the clean-up, in order: what happened to it when.
    stages: list[tuple[str, datetime]] = field(default_factory=list)
    # When it was rotated, used, and given another end (with the end before).
    rotations: list[datetime] = field(default_factory=list)
    uses: list[datetime] = field(default_factory=list)
    ends_before: list[tuple[datetime, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.secret_made, self.secrets = self.made, [self.secret]

    @property
    def name(self) -> str:
        return str(self.key.name)

    @property
    def idle_since(self) -> datetime:
        since = self.used or self.made
        return max(since, self.woken or since)

    def is_live(self, moment: datetime) -> bool:
        return self.revoked is None and (self.ends is None or moment < self.ends)

    def is_unused(self, moment: datetime) -> bool:
        days = self.place.unused_days if self.used else min(30, self.place.unused_days)
        return self.is_live(moment) and moment - self.idle_since >= days * DAY

    def clean_up(self, moment: datetime) -> Iterator[Fact]:
        """One run of the clean-up in stages: flagged at N days, put aside at N+14, revoked at N+28."""
        if not self.place.staged or self.exempt or not self.is_live(moment):
            return
        step, kind = "", ""
        if self.quarantined:
            if moment - max(self.quarantined, self.used or self.quarantined) >= STAGE:
                step, kind, self.revoked = "revoked", "cleaned_up", moment
        elif self.flagged and not self.is_unused(moment):
            step, self.flagged = "unflagged", None
        elif self.flagged and moment - self.flagged >= STAGE:
            step, kind, self.quarantined = "quarantined", "quarantined", moment
        elif not self.flagged and self.is_unused(moment):
            step, kind, self.flagged = "flagged", "unused", moment
        if step:
            self.stages.append((step, moment))
        if kind:
            day = f"+{(moment + STAGE).date().isoformat()}" if kind == "unused" else ""
            yield Fact(kind, self.key.id, f"{self.idle_since.isoformat()}{day}/")

    def due(self, moment: datetime) -> Iterator[Fact]:
        """What is to be told of it by the day."""
        if self.revoked or (self.ends and moment - self.ends > 30 * DAY):
            return
        if not self.is_live(moment):
            yield Fact("expired", self.key.id, f"{self.ends.isoformat()}/expired")  # type: ignore[union-attr]
            return
        if self.ends and (days := self.days_left(moment)):
            yield Fact("expiring", self.key.id, f"{self.ends.isoformat()}/{days}d")
        if not self.place.staged and self.is_unused(moment):
            yield Fact("unused", self.key.id, f"{self.idle_since.isoformat()}/")
        if moment - self.secret_made >= 90 * DAY:
            yield Fact("rotation_due", self.secret, "")
        if self.maker_gone:
            yield Fact("maker_left", self.key.id, f"{self.key.creator_id}/{self.maker_gone.isoformat()}")

    def days_left(self, moment: datetime) -> int:
        """The smallest of the thresholds that it is within, or 0."""
        assert self.ends
        return next((days for days in (1, 7, 14) if self.ends - moment <= days * DAY), 0)

    def is_true(self, fact: Fact, promised: datetime, moment: datetime) -> bool:
        """Whether a fact that was promised then is one still."""
        if fact.kind in ("key_created", "cleaned_up"):
            return True
        if self.revoked and self.revoked <= moment:
            return False
        if fact.kind == "expired":
            return True
        if (end := self.end_at(moment)) and end <= moment:
            return False
        if fact.kind == "expiring":
            return end is not None and fact.threshold.startswith(end.isoformat())
        if fact.kind == "rotation_due":
            return not any(promised < each <= moment for each in self.rotations)
        if fact.kind == "unused" and not self.place.staged:
            return not any(promised < each <= moment for each in self.uses)
        steps = [step for step, at in self.stages if at <= moment]
        if fact.kind == "quarantined":
            # Whoever spares it from what follows does not wake it.
            return [step for step in steps if step != "exempted"][-1:] == ["quarantined"]
        return fact.kind != "unused" or steps[-1:] in (["flagged"], ["quarantined"])

    def end_at(self, moment: datetime) -> datetime | None:
        """The end that it had then."""
        return next((before for changed, before in self.ends_before if changed > moment), self.ends)
