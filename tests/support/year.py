"""The world of a simulated year: who makes and changes which keys, and what is due from then on.

Its oracle is tests/support/year_life.py; tests/support/year_runs.py lets the year go by, tests/support/year_breaches.py
judges what came of it.
"""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from models import ApiKey, KeySecret, Member, database
from models.actor import COMMAND_LINE
from tests.support.cast import Person, make_key
from tests.support.keys import refusal, works
from tests.support.year_life import DAY, Fact, Life, Place, Reader

# Both changes of the clocks of Berlin and of New York are in it.
START = datetime(2026, 1, 1, tzinfo=UTC)
CHANGES = [datetime(2026, *day, tzinfo=UTC) for day in ((3, 8), (3, 29), (10, 25), (11, 1))]
LIVES = (30, 60, 90, 180, 300, None)
DEEDS = ("revoke", "extend", "rotate", "rotate", "use", "wake", "exempt")
MICROSECOND = timedelta(microseconds=1)


class World:
    """Its keys, its clock, and what was due."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.places: list[tuple[Place, list[Person]]] = []
        self.lives: list[Life] = []
        # What is due since when.
        self.due: dict[Fact, datetime] = {}
        # What the webhook is to hear, how often.
        self.events: Counter[tuple[str, ...]] = Counter()
        # Old secrets: the end, the key, the moment of its rotation, and the secret in clear.
        self.overlaps: list[tuple[datetime, Life, datetime, str]] = []
        # Ends of overlaps that were looked at.
        self.checked: list[datetime] = []
        self.wrong: list[str] = []

    def clock(self, moment: datetime) -> None:
        """Let the oracle note what the jobs have to find at this moment."""
        for life in self.lives:
            if life.revoked or (life.ends and moment - life.ends > 31 * DAY):
                continue
            before = len(life.stages)
            for fact in life.clean_up(moment):
                self.due.setdefault(fact, moment)
            for step, _ in life.stages[before:]:
                self.tell(life, step)
            for fact in life.due(moment):
                self.due.setdefault(fact, moment)
            self.announce(life, moment)
        for place, _ in self.places:
            self.sum_up(place, moment)

    def sum_up(self, place: Place, moment: datetime) -> None:
        """The week that is over is told of if anything happened in it."""
        day = moment.replace(hour=0, minute=0)
        monday = day - timedelta(days=day.weekday() + 7)
        mine = [each for each in self.lives if each.place is place]
        happened = [each.made for each in mine] + [each.revoked for each in mine if each.revoked]
        if any(monday <= each < monday + 7 * DAY for each in happened):
            year, week, _ = monday.isocalendar()
            self.due.setdefault(Fact("weekly", place.workspace.id, f"{year}-W{week:02}"), moment)

    def announce(self, life: Life, moment: datetime) -> None:
        """Webhooks hear of an end at each threshold, unless the key was made within it; and of the end itself."""
        if life.ends is None or life.revoked or moment - life.ends >= 3 * DAY:
            return
        if moment >= life.ends:
            self.tell(life, "expired", life.ends.isoformat())
        elif (days := life.days_left(moment)) and life.ends - life.made >= days * DAY:
            self.tell(life, "expiring", life.ends.isoformat(), str(days))

    def tell(self, life: Life, what: str, *more: str) -> None:
        """The webhook of the cleaned workspace is to hear of it: with `more` once, else each time anew."""
        if life.place.staged:
            event = (f"api_key.{what}", life.key.id, *more)
            self.events[event] = 1 if more else self.events[event] + 1

    def make(self, moment: datetime, life: int | None, at: int, maker: int, ends: datetime | None = None) -> None:
        """Somebody makes a key. Every third one is in use all the time."""
        number, (place, people) = len(self.lives), self.places[at]
        if life is not None:
            ends = moment + timedelta(days=life, minutes=self.chance.randrange(1440))
        with database.at(moment):
            key, text = make_key(people[maker], name=f"Key of {number} lives", expires_at=ends)
            secret = KeySecret.current_of(key.id).id
        made = Life(key, place, moment, ends, people[maker].member.email, secret, text, busy=number % 3 == 0)
        self.lives.append(made)
        self.due[Fact("key_created", key.id, "")] = moment
        self.tell(made, "created")

    def meddle(self, moment: datetime) -> None:
        """Somebody changes a key now and then."""
        living = [each for each in self.lives if each.is_live(moment)]
        if living and self.chance.random() < 0.3:
            what = self.chance.choice(DEEDS)
            waiting = [each for each in living if each.flagged and what in ("use", "wake", "exempt")]
            waiting = self.chance.choice((waiting, []))
            life = self.chance.choice(waiting or living)
            with database.at(moment):
                getattr(self, what)(life, ApiKey.get_by_id(life.key.id), moment)

    def revoke(self, life: Life, key: ApiKey, moment: datetime) -> None:
        key.revoke(by=COMMAND_LINE)
        life.revoked = moment
        self.tell(life, "revoked")

    def extend(self, life: Life, key: ApiKey, moment: datetime) -> None:
        if life.ends:
            life.ends_before.append((moment, life.ends))
            life.ends += 40 * DAY
            key.edit(replace(key.settings, expires_at=life.ends), version=key.version, by=COMMAND_LINE)
            self.tell(life, "widened")

    def rotate(self, life: Life, key: ApiKey, moment: datetime) -> None:
        overlap = "none" if KeySecret.retiring_of(key.id, moment) else self.chance.choice(("none", "24h", "7d"))
        old, life.text = life.text, key.rotate(by=COMMAND_LINE, overlap=overlap).reveal()
        life.rotations.append(moment)
        life.secret, life.secret_made = KeySecret.current_of(key.id).id, moment
        life.secrets.append(life.secret)
        self.tell(life, "rotated")
        end = moment + {"none": 0, "24h": 1, "7d": 7}[overlap] * DAY
        self.overlaps.append((min(end, life.ends or end), life, moment, old))

    def use(self, life: Life, key: ApiKey, moment: datetime) -> None:
        ApiKey.update(last_used_at=moment).where(ApiKey.id == key.id).execute()
        life.used = moment
        life.uses.append(moment)

    def wake(self, life: Life, key: ApiKey, moment: datetime) -> None:
        key.wake(by=COMMAND_LINE)
        if life.flagged or life.quarantined:
            life.woken, life.flagged, life.quarantined = moment, None, None
            life.stages.append(("woken", moment))
            self.tell(life, "woken")

    def exempt(self, life: Life, key: ApiKey, moment: datetime) -> None:
        if life.place.staged and not life.exempt:
            key.exempt("It is for the day when all else fails.", by=COMMAND_LINE)
            life.exempt, life.flagged = True, None
            life.stages.append(("exempted", moment))
            self.tell(life, "exempted")

    def demote(self, moment: datetime, person: Person) -> None:
        """Whoever made some of the keys manages keys no more."""
        with database.at(moment):
            member = Member.get_by_id(person.member.id)
            member.change({"role": "member"}, by=COMMAND_LINE)
        for life in self.lives:
            if life.maker == person.member.email:
                life.maker_gone = life.maker_gone or member.managed_until

    def busy(self, moment: datetime) -> None:
        """The keys that are in use are used."""
        some = [each for each in self.lives if each.busy and each.is_live(moment)]
        ApiKey.update(last_used_at=moment).where(ApiKey.id.in_([each.key.id for each in some])).execute()
        for life in some:
            life.used = moment
            life.uses.append(moment)

    def end_overlaps(self, moment: datetime) -> None:
        """An old secret works until the very end of its overlap, the new one on; whatever stops the key is older."""
        for over in [each for each in self.overlaps if each[0] <= moment]:
            end, life, rotated, old = over
            self.overlaps.remove(over)
            stopped = any(rotated < each < end for each in life.rotations) or (life.revoked and life.revoked <= end)
            if end > rotated and not stopped and (life.ends is None or life.ends > end):
                self.tell(life, "overlap_ended")
            if life.rotations[-1] != rotated or life.quarantined or not life.is_live(end):
                continue
            self.checked.append(end)
            with database.at(end):
                if works(old) or not works(life.text):
                    self.wrong.append(f"{life.name}: at {end} its old secret ends, and the new one works")
            with database.at(end - MICROSECOND):
                if end > rotated and not works(old):
                    self.wrong.append(f"{life.name}: its old secret works until {end}, but: {refusal(old)}")

    def readers(self) -> list[Reader]:
        return [each for place, _ in self.places for each in place.readers]
