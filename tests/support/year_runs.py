"""How a simulated year goes by: jobs that are killed, doubled and set back, and other sides that fail."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs import announce_expiry, clean_up, end_overlaps, flag_keys, purge, send_mail, send_webhooks, weekly_summary
from models import database
from models.settings import Settings
from tests.support.dying import ANSWERS, DEEDS, dies
from tests.support.mailbox import Mailbox
from tests.support.receiver import Receiver
from tests.support.threads import at_once
from tests.support.year import CHANGES, LIVES, START, World
from tests.support.year_life import DAY

GONE = "gone@example.com"
FAILURES = ("421", "450", "451", "cut")
WAYS = (*["once"] * 5, "twice", "two at once", "set back", "killed")
SOON = timedelta(minutes=10)


@dataclass(frozen=True)
class Run:
    """One run of jobs, with what it found in the mailbox and at the receiver of webhooks."""

    clock: datetime
    letters: int
    calls: int
    killed: bool = False
    # Whether the sender waits so short that any answer may have come too late.
    hasty: bool = False


class Year(World):
    """The world with its jobs, its mail server and its receiver of webhooks."""

    def __init__(self, seed: int, url: str, mailbox: Mailbox, receiver: Receiver, settings: Settings) -> None:
        super().__init__(seed)
        self.url, self.settings, self.mailbox, self.receiver = url, settings, mailbox, receiver
        self.runs: list[Run] = []
        self.ways: Counter[str] = Counter()
        self.hasty = False

    def work(self, moment: datetime) -> None:
        """All jobs at a moment: once, twice, two at once, with a clock that goes back, or killed and then done."""
        self.end_overlaps(moment)
        how = self.chance.choice(WAYS)
        self.ways[how] += 1
        if how == "killed":
            self.ways["died"] += self.run(moment, killed=True)
        elif how == "set back":
            self.run(moment)
            self.run(moment - timedelta(hours=1))
        elif how == "twice":
            self.run(moment)
        self.run(moment, at_a_time=2 if how == "two at once" else 1)

    def run(self, moment: datetime, *, killed: bool = False, at_a_time: int = 1) -> bool:
        """Returns whether it came to die."""
        self.clock(moment)
        died = False
        if killed:
            # Half of them where it matters most.
            after, deeds = self.chance.choice(
                ((self.chance.randrange(120), DEEDS), (self.chance.randrange(12), ANSWERS))
            )
            died = dies(self.url, lambda: jobs(moment), after, deeds)
            database.connect(self.url)
        elif at_a_time == 1:
            jobs(moment)
        else:
            self.wrong += [repr(each) for each in at_once(at_a_time, lambda _: jobs(moment)) if each]
        self.runs.append(Run(moment, len(self.mailbox.arrived), len(self.receiver.got), died, self.hasty))
        return died

    def send(self, moment: datetime) -> None:
        """The jobs that run all the time."""
        with database.at(moment):
            hand_out()
        self.runs.append(Run(moment, len(self.mailbox.arrived), len(self.receiver.got), hasty=self.hasty))

    def fail_at_times(self) -> None:
        """Mail server and receiver answer the next message to each as they like; one address is known no more."""
        self.mailbox.plans.clear()
        self.mailbox.plans[GONE] = ["550"] * 50
        readers = sorted({each.address for each in self.readers() if not each.quiet} - {GONE})
        for address in readers:
            if self.chance.random() < 0.15:
                self.mailbox.plans[address] = [self.chance.choice(FAILURES)]
        if hasty := self.chance.random() < 0.03:
            self.mailbox.plans[self.chance.choice(readers)] = ["hang"]
        if hasty != self.hasty:
            self.hasty = hasty
            send_mail.use(replace(self.settings, smtp=self.mailbox.smtp(**({"timeout": 0.3} if hasty else {}))))
        self.receiver.answers = [self.chance.choice((200, 200, 200, 200, 500, "close")), 200]

    def take_everything(self) -> None:
        self.mailbox.plans.clear()
        self.mailbox.plans[GONE] = ["550"] * 1000
        self.receiver.answers = [200]


def jobs(moment: datetime) -> None:
    with database.at(moment):
        clean_up.run()
        flag_keys.run()
        weekly_summary.run()
        end_overlaps.run()
        announce_expiry.run()
        hand_out()


def hand_out() -> None:
    # A server that was away a moment ago is asked again: here hours have passed.
    send_mail._state.quiet_until = 0.0
    send_mail.run()
    send_webhooks.run()


def live_through(year: Year, days: int, keys: int) -> None:
    plan = planned(year, days, keys)
    for day in range(days):
        morning = START + day * DAY
        if day == days // 2:
            year.demote(morning, year.places[0][1][1])
        for life, at, maker in plan.get(day, ()):
            year.make(morning + timedelta(minutes=year.chance.randrange(60)), life, at, maker)
        if day % 3 == 0:
            year.busy(morning + timedelta(minutes=90))
        for change in CHANGES:
            if morning == change - 40 * DAY:
                # Of its end in seven days people are told in the night of the change.
                year.make(morning, None, 0, 0, ends=change + 6.5 * DAY)
        live_day(year, morning)
        if day % 30 == 29:
            with database.at(morning + DAY):
                purge.run()
    year.take_everything()
    for hour in range(0, 100, 5):
        year.send(START + timedelta(days=days, hours=hour))


def planned(year: Year, days: int, keys: int) -> dict[int, list[tuple[int | None, int, int]]]:
    """On which day which keys are made: how long they live, in which workspace, and by whom."""
    plan: dict[int, list[tuple[int | None, int, int]]] = {}
    for number in range(keys):
        at, day = int(number % 10 >= 7), year.chance.randrange(max(1, days - 45))
        maker = int(at == 0 and number % 5 == 0 and day < days // 2)
        plan.setdefault(day, []).append((LIVES[number % len(LIVES)], at, maker))
    return plan


def live_day(year: Year, morning: datetime) -> None:
    """Two runs, less than a day apart, or nobody can be told of the last day of a key; and mail now and then."""
    calm = any(morning in (change, change - DAY) for change in CHANGES)
    # Where clocks change, mail is looked for right before and after each digest is due.
    around = sorted({each.digest_after(morning - SOON) for each in year.readers()}) if morning in CHANGES else []
    for begins in (timedelta(hours=2), timedelta(hours=13, minutes=30)):
        moment = morning + begins + timedelta(minutes=year.chance.randrange(440))
        year.take_everything() if calm else year.fail_at_times()
        for due in [each for each in around if each + SOON < moment]:
            around.remove(due)
            year.send(due - SOON)
            year.send(due + SOON)
        year.meddle(moment - timedelta(minutes=30))
        year.work(moment)
        for later in (7, 25):
            year.send(moment + timedelta(minutes=later))
