"""The shapes of a graph of uses: what a template draws as SVG, with nothing left to work out."""

import math
from dataclasses import dataclass
from datetime import datetime

from models.usage import OUTCOMES
from models.usage_series import LATER, Bucket, Series
from models.usage_sparks import Spark
from views import usage_words

WIDTH, HEIGHT = 900, 190
# Of the width of a bucket, what its bar takes.
BAR = 0.72
# Bars from this height on have a line between them.
TALL = 4.0
SPARK_STEP, SPARK_BAR, SPARK_HEIGHT = 3, 2, 22
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Hit:
    """The place of a bucket, to point at."""

    x: str
    width: str
    says: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A word below a bucket; a minor one gives way where there is little room."""

    words: str = ""
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A graph of stacked bars. Paths stand in the order in which they are drawn."""

    bars: list[tuple[str, str]]
    hits: list[Hit]
    scale: list[tuple[str, str]]
    ticks: list[Tick]
    unknown: list[tuple[str, str]]
    short: str
    described: str


def chart(series: Series, moment: datetime) -> Chart:
    step = WIDTH / series.span.steps
    most = max(bucket.total for bucket in series.buckets)
    top, marks = _scale(most)
    return Chart(
        bars=_bars(series.buckets, step, top),
        hits=[
            Hit(_number(place * step), _number(step), usage_words.sentence(bucket, moment))
            for place, bucket in enumerate(series.buckets)
        ],
        scale=[(_number(HEIGHT - HEIGHT * mark / top), usage_words.mark(mark)) for mark in reversed(marks)],
        ticks=_ticks(series),
        unknown=_unknown(series.buckets, step),
        short=_short(series.buckets, step),
        described=usage_words.described(series, moment),
    )


def _bars(buckets: list[Bucket], step: float, top: float) -> list[tuple[str, str]]:
    paths: list[list[str]] = [[] for _ in OUTCOMES]
    width = _number(step * BAR)
    for place, bucket in enumerate(buckets):
        left, bottom = _number((place + (1 - BAR) / 2) * step), float(HEIGHT)
        for outcome, count in enumerate(bucket.counts):
            if not count:
                continue
            # One request among thousands can still be seen.
            tall = max(1.0, HEIGHT * count / top)
            gap = 1.0 if tall >= TALL and bottom < HEIGHT else 0.0
            drawn = _number(tall - gap)
            paths[outcome].append(f"M{left} {_number(bottom - gap)}v-{drawn}h{width}v{drawn}z")
            bottom -= tall
    return [(name, "".join(path)) for name, path in zip(OUTCOMES, paths, strict=True) if path]


def _scale(most: int) -> tuple[float, list[float]]:
    """The number at the top, and those beside the lines: round ones, about five, and whole ones only."""
    rough = max(most, 4) / 5
    size = 10 ** math.floor(math.log10(rough))
    step = max(1, next(size * each for each in STEPS if size * each >= rough))
    step = math.ceil(step) if step < 10 else step
    count = max(1, math.ceil(most / step)) if most else 4
    return step * count, [step * number for number in range(count + 1)]


def _ticks(series: Series) -> list[Tick]:
    found = []
    last = series.span.steps - 1
    for place, bucket in enumerate(series.buckets):
        if series.span.hours == 1:
            words = "" if bucket.starts.hour % 4 else f"{bucket.starts:%H:%M}"
            found.append(Tick(words, is_minor=bucket.starts.hour % 8 != 0))
        elif series.span.hours < 24:
            words = "" if bucket.starts.hour else usage_words.day(bucket.starts)
            found.append(Tick(words, is_minor=(last - place) // 4 % 3 != 0))
        else:
            every = 5 if series.span.steps <= 31 else 15
            words = "" if (last - place) % every else usage_words.day(bucket.starts)
            found.append(Tick(words, is_minor=(last - place) % (2 * every) != 0))
    return found


def _unknown(buckets: list[Bucket], step: float) -> list[tuple[str, str]]:
    """Where nothing is known, as left and width: neighbours as one. What is still to come is simply empty."""
    found: list[list[int]] = []
    for place, bucket in enumerate(buckets):
        if not bucket.unknown or bucket.unknown == LATER:
            continue
        if found and found[-1][1] == place:
            found[-1][1] = place + 1
        else:
            found.append([place, place + 1])
    return [(_number(first * step), _number((last - first) * step)) for first, last in found]


def _short(buckets: list[Bucket], step: float) -> str:
    """A mark on top of each bucket whose count is not whole."""
    width = _number(step * BAR)
    places = [place for place, bucket in enumerate(buckets) if bucket.is_short or bucket.is_late]
    return "".join(f"M{_number((place + (1 - BAR) / 2) * step)} 0h{width}v3h-{width}z" for place in places)


@dataclass(frozen=True, slots=True)
class Small:
    """A graph without axes: a base line, all requests, and on top of them those that failed."""

    width: int
    base: str
    bars: str
    failed: str
    words: str
    described: str


def small(spark: Spark, days: int) -> Small:
    most = max((*spark.totals, 1))
    bars, failed = [], []
    for place, (total, bad) in enumerate(zip(spark.totals, spark.failed, strict=True)):
        if not total:
            continue
        left, tall = place * SPARK_STEP, max(1.0, (SPARK_HEIGHT - 1) * total / most)
        bars.append(f"M{left} {SPARK_HEIGHT}v-{_number(tall)}h{SPARK_BAR}v{_number(tall)}z")
        red = (SPARK_HEIGHT - 1) * bad / most
        if red >= 1:
            failed.append(f"M{left} {_number(SPARK_HEIGHT - tall)}h{SPARK_BAR}v{_number(red)}h-{SPARK_BAR}z")
    width, since = days * SPARK_STEP, min(spark.known_from, days) * SPARK_STEP
    # Of a key that is new, the line of no requests would be a speck.
    is_speck = not spark.total and width - since <= 2 * SPARK_STEP
    base = "" if is_speck else f"M{since} {SPARK_HEIGHT - 1}h{width - since}v1H{since}z"
    return Small(width, base, "".join(bars), "".join(failed), usage_words.compact(spark.total), _told(spark, days))


def _told(spark: Spark, days: int) -> str:
    if not spark.total:
        return f"No requests in {days} days"
    told = f"{spark.total:,} request{'s' if spark.total != 1 else ''} in {days} days"
    return f"{told}, {usage_words.share(spark.total_failed, spark.total)} failed" if spark.total_failed else told


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
