"""Three months of requests for the demo: weekdays and weekends, a rate-limit day, an outage, a burst that was refused.

The same each time: only the days of the week follow the calendar.
"""

import math
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from jobs.demo_keys import KEYS, MEMBERS, RECORDS, RUNS, WORKSPACE, Sample
from models import ApiKey, KeySecret, MonthlyUse, Refusal, Workspace, database, monthly_use, usage, usage_month
from models.usage_journal import ACCEPTED, DEAD, REFUSED, Use
from models.usage_sums import Remembered, Sums

DAYS = 92
CHATS = f"{WORKSPACE}/chats"
HOUR = timedelta(hours=1)
WEEKEND = 5
# Hours of the day in UTC, and how busy each is.
OFFICE = {6: 0.3, 7: 0.8, 8: 1.2, 9: 1.3, 10: 1.2, 11: 1, 12: 0.7, 13: 1.1, 14: 1.2, 15: 1, 16: 0.7, 17: 0.3, 18: 0.2}
ALWAYS = {hour: 1 + 0.5 * math.sin((hour - 5) * math.pi / 12) for hour in range(24)}
ROUND = dict.fromkeys(range(5, 19), 1.0)
NIGHT = {2: 1.0}
# Days ago, or on the weekday before, and hours of that day: for all who asked then.
OUTAGE, OUTAGE_HOURS, OUTAGE_SHARE = 17, (9, 10, 11), 0.55
CODES = {401: "revoked_key", 403: "ip_not_allowed", 429: "rate_limited"}


class Call(NamedTuple):
    request: str
    scope: str
    share: float
    # Of these requests, how many are a mistake of the client.
    mistakes: float = 0.0
    mistake: int = 404


@dataclass(frozen=True)
class Traffic:
    """What a client does all day: requests in a usual hour, hours of the day, the share of a weekend, its calls."""

    an_hour: float
    hours: dict[int, float]
    weekend: float
    calls: tuple[Call, ...]
    addresses: tuple[str, ...]
    client: str


class Burst(NamedTuple):
    """Something unusual: so many refused requests in one hour, some days ago or on the weekday before."""

    ago: int
    hour: int
    times: int
    status: int
    verdict: str
    address: str
    client: str


CRM = (
    Call(f"GET {MEMBERS}", "read:members", 0.6),
    Call(f"PATCH {MEMBERS}/<member_id>", "write:members", 0.25, 0.04, 412),
    Call(f"POST {MEMBERS}", "write:members", 0.15, 0.06, 422),
)
READ_MEMBERS = (Call(f"GET {MEMBERS}", "read:members", 1),)
TRAFFIC = {
    "Customer sync": Traffic(95, ALWAYS, 0.45, CRM, ("203.0.113.24", "203.0.113.25"), "fieldstone-crm/4.2"),
    "Nightly member report": Traffic(42, NIGHT, 1, READ_MEMBERS, ("198.51.100.7",), "curl/8.14.1"),
    "Support dashboard": Traffic(
        120, OFFICE, 0.08,
        (Call(f"GET {MEMBERS}", "read:members", 0.5), Call(f"GET {CHATS}", "read:chats", 0.5)),
        ("2001:db8:40::17", "2001:db8:40::18"), "python-httpx/0.28.1",
    ),
    "Supplier portal": Traffic(
        26, OFFICE, 0,
        (
            Call(f"GET {MEMBERS}/<member_id>", "read:members", 0.7, 0.07),
            Call(f"POST {RECORDS}", "write:data", 0.3, 0.03, 422),
        ),
        ("203.0.113.5", "2001:db8:7:1::12"), "axios/1.13.2",
    ),
    "Terraform": Traffic(
        4, {8: 1, 14: 1.5}, 0,
        (Call(f"GET {KEYS}", "admin:workspace", 1),),
        ("198.51.100.66",), "Terraform/1.14 gravity-provider/0.3",
    ),
    "Van tracking": Traffic(
        70, ROUND, 0.3, (Call(f"POST {RECORDS}", "write:data", 1, 0.01, 422),),
        ("192.0.2.118", "192.0.2.131", "192.0.2.140", "192.0.2.152"), "okhttp/5.1.0",
    ),
    "Order bot": Traffic(
        9, ROUND, 0.1, (Call(f"POST {RUNS}", "write:workflows", 1),),
        ("192.0.2.44",), "node-fetch/3.3.2",
    ),
    "Staging": Traffic(14, OFFICE, 0, CRM, ("198.51.100.90",), "python-requests/2.32.5"),
    "Payroll import": Traffic(30, {7: 1}, 0, READ_MEMBERS, ("198.51.100.12",), "curl/7.88.1"),
    "Intranet": Traffic(33, OFFICE, 0.05, READ_MEMBERS, ("198.51.100.31",), "intranet/2.0"),
}  # fmt: skip
BURSTS = {
    "Customer sync": (
        Burst(9, 13, 640, 429, REFUSED, "203.0.113.24", "fieldstone-crm/4.2"),
        Burst(9, 14, 410, 429, REFUSED, "203.0.113.24", "fieldstone-crm/4.2"),
    ),
    "Supplier portal": (Burst(20, 3, 240, 403, REFUSED, "192.0.2.81", "Go-http-client/2.0"),),
    "Intranet": (
        Burst(54, 8, 310, 401, DEAD, "198.51.100.31", "intranet/2.0"),
        Burst(54, 9, 265, 401, DEAD, "198.51.100.31", "intranet/2.0"),
    ),
}


def fill(sums: Sums, key: ApiKey, sample: Sample, moment: datetime) -> None:
    """Add what this key did before its last use."""
    versions = [
        (database.to_microseconds(row.created_at), row.id)
        for row in KeySecret.select().where(KeySecret.key == key.id).order_by(KeySecret.created_at)
    ]
    for use, times in (*_usual(key, sample, moment), *_unusual(key, sample, moment)):
        known = [secret_id for made, secret_id in versions if made < use.moment]
        if not known:
            continue
        if use.verdict == DEAD:
            # What that gives rise to is written as of then.
            with database.at(database.from_microseconds(use.moment)):
                at_once = Sums()
                at_once.add(use._replace(secret_id=known[-1]), times)
                at_once.write(Remembered())
        else:
            newest = -2 if use.address in sample.lags and len(known) > 1 else -1
            sums.add(use._replace(secret_id=known[newest]), times)


def write(sums: Sums, workspace: Workspace, moment: datetime) -> None:
    """Write what was added up, and what the month has used, which workers go on from."""
    sums.write(Remembered())
    month = monthly_use.month_at(database.to_microseconds(moment))
    spent = sum(
        count
        for (_, hour, _, _, outcome), count in sums.hours.items()
        if outcome in usage_month.SPENT and database.to_microseconds(usage.start_of_hour(hour)) >= month.starts
    )
    MonthlyUse.create(workspace=workspace, month=month.number, used=spent)


def _usual(key: ApiKey, sample: Sample, moment: datetime) -> Iterator[tuple[Use, int]]:
    traffic = TRAFFIC.get(sample.name)
    if traffic is None or sample.use is None:
        return
    chance = random.Random(sample.name)  # noqa: S311 for show, and the same each time
    last = moment - timedelta(days=sample.use.ago)
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(DAYS, -1, -1):
        day = today - timedelta(days=ago)
        busy = (traffic.weekend if day.weekday() >= WEEKEND else 1) * chance.uniform(0.85, 1.15)
        for hour, share in traffic.hours.items():
            times = round(traffic.an_hour * share * busy * chance.uniform(0.8, 1.2))
            begins = day + hour * HOUR
            if not times or begins < key.created_at or begins + HOUR > last:
                continue
            address = chance.choice(traffic.addresses)
            is_out = ago == _weekday(today, OUTAGE) and hour in OUTAGE_HOURS
            for call, status, part in _shared(traffic.calls, times, is_out, chance):
                at = database.to_microseconds(begins + timedelta(minutes=chance.uniform(1, 59)))
                yield Use(at, key.id, "", call.scope, ACCEPTED, status, call.request, address, traffic.client), part


def _shared(
    calls: tuple[Call, ...], times: int, is_out: bool, chance: random.Random
) -> Iterator[tuple[Call, int, int]]:
    """The requests of an hour, by call and status."""
    for call in calls:
        mine = round(times * call.share)
        failed = round(mine * OUTAGE_SHARE) if is_out else int(chance.random() < mine / 4000)
        wrong = min(mine - failed, sum(chance.random() < call.mistakes for _ in range(mine)) if call.mistakes else 0)
        for status, part in ((200, mine - failed - wrong), (call.mistake, wrong), (503, failed)):
            if part:
                yield call, status, part


def _unusual(key: ApiKey, sample: Sample, moment: datetime) -> Iterator[tuple[Use, int]]:
    """The bursts of a key, the first request of each on the record of its refusals too."""
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    for burst in BURSTS.get(sample.name, ()):
        ago = _weekday(today, burst.ago) if burst.verdict == REFUSED else burst.ago
        at = today - timedelta(days=ago) + burst.hour * HOUR + timedelta(minutes=40)
        call = TRAFFIC[sample.name].calls[0]
        with database.at(at):
            Refusal.record(
                workspace_id=key.workspace_id, key_id=key.id, request_id=f"req_{secrets.token_hex(10)}",
                code=CODES[burst.status], status=burst.status, request=call.request, scope=None,
                address=burst.address, client=burst.client,
            )  # fmt: skip
        yield (
            Use(
                database.to_microseconds(at), key.id, "", call.scope, burst.verdict, burst.status, call.request,
                burst.address, burst.client,
            ),
            burst.times,
        )  # fmt: skip


def _weekday(today: datetime, ago: int) -> int:
    """So many days ago, or as many more as it takes to a day on which people work."""
    return next(days for days in range(ago, ago + 3) if (today - timedelta(days=days)).weekday() < WEEKEND)
