"""Contenders under load in shuffled turns, and what the medians of their rounds say of each other."""

import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.load import Round, wrk

WARM_UP = 2


@dataclass(frozen=True)
class Contest:
    """Ours against its floor: both at one path, each gate a ratio."""

    name: str
    path: str
    least: float
    most_p99: float


@dataclass(frozen=True)
class Entry:
    """Where a contender listens, and the requests that it gets."""

    port: int
    script: Path


# Who in which contest.
Lane = tuple[str, Contest]
Seen = dict[Lane, list[Round]]


def play(entries: dict[Lane, Entry], rounds: int, seconds: int) -> Seen:
    """All of them, each alone under load for a while, in another order every round."""
    for entry in entries.values():
        wrk(entry.port, entry.script, WARM_UP)
    seen: Seen = {lane: [] for lane in entries}
    for turn in range(rounds):
        for lane in random.sample(list(entries), len(entries)):
            seen[lane].append(wrk(entries[lane].port, entries[lane].script, seconds))
        latest = ", ".join(f"{seen[lane][-1].per_second:,.0f}/s {lane[0]}" for lane in entries)
        say(f"round {turn + 1}: {latest}")
    return seen


def verdict(contest: Contest, ours: list[Round], floor: list[Round]) -> bool:
    """Print how ours did against the floor; whether it passes the gates."""
    for name, results in (("floor", floor), ("ours", ours)):
        say(f"  {name:6} median {median(results, speed):9,.0f}/s  {_latency(results)}")
    ratio, tail = ratio_of(ours, floor, speed), ratio_of(ours, floor, lambda each: each.p99)
    say(f"{contest.name}: {ratio:.2f} (gate {contest.least:.2f}), p99 {tail:.2f} times (gate {contest.most_p99:.1f})")
    return ratio >= contest.least and tail <= contest.most_p99 and not sum(each.errors for each in ours)


def standing(results: list[Round], ours: list[Round], floor: list[Round]) -> str:
    """How a peer did against the same floor, and how many times as fast ours was."""
    return (
        f"{ratio_of(results, floor, speed):.3f} of the floor  {_latency(results)}"
        f"  ours is {ratio_of(ours, results, speed):.1f} times as fast"
    )


def speed(each: Round) -> float:
    return each.per_second


def median(results: list[Round], figure: Callable[[Round], float]) -> float:
    return statistics.median(figure(each) for each in results)


def ratio_of(some: list[Round], others: list[Round], figure: Callable[[Round], float]) -> float:
    """The median of the ratios within each round: from one round to the next the machine is not the same."""
    return statistics.median(figure(one) / figure(other) for one, other in zip(some, others, strict=True))


def _latency(results: list[Round]) -> str:
    p50, p99 = (median(results, figure) / 1000 for figure in (lambda each: each.p50, lambda each: each.p99))
    return f"p50 {p50:6.2f} ms  p99 {p99:7.2f} ms  errors {sum(each.errors for each in results)}"


def fault(port: int, path: str, key: str, refusals: Sequence[int] = (401,)) -> str:
    """A server that lets everybody in is fast: what it answers wrongly, to the key, a changed one, nonsense or none."""
    changed = key[:-1] + ("0" if key[-1] != "0" else "1")
    for what, token in (("a good key", key), ("a changed key", changed), ("nonsense", "nonsense"), ("no key", "")):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status = httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers).status_code
        if status not in ((200,) if token == key else refusals):
            return f"it answers {status} to {what}"
    return ""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
