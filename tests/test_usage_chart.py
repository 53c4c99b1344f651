"""What a graph draws is what its table says: each bar in its place, as tall as its count, on top of the one below."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from models.usage import OUTCOMES
from models.usage_series import BEFORE, LATER, Bucket, Series, Span
from models.usage_sparks import Spark
from views import usage_chart, usage_words
from views.usage_chart import BAR, HEIGHT, SPARK_HEIGHT, SPARK_STEP, WIDTH

NOON = datetime(2026, 11, 19, 12, 20, tzinfo=UTC)
BARS = re.compile(r"M([\d.]+) ([\d.]+)v-([\d.]+)h([\d.]+)v\3z")


def series(
    counts: Mapping[int, tuple[int, ...]],
    steps: int = 30,
    hours: int = 24,
    unknown: Mapping[str, range] = MappingProxyType({}),
) -> Series:
    """The last `steps` buckets up to noon; the others have no requests, or are not known."""
    last = int(NOON.timestamp()) // 3600 // hours
    span = Span((last - steps + 1) * hours, hours, steps)
    why = {place: reason for reason, places in unknown.items() for place in places}
    buckets = []
    for place in range(steps):
        one = Span(span.first + place * hours, hours, 1)
        buckets.append(Bucket(one.starts, one.ends, counts.get(place, (0,) * 5), unknown=why.get(place, "")))
    return Series(span, buckets)


def drawn(made: usage_chart.Chart, steps: int) -> dict[int, list[tuple[str, float, float]]]:
    """Place → outcome, bottom and height of its bars, from the bottom up."""
    found: dict[int, list[tuple[str, float, float]]] = {}
    for name, path in made.bars:
        bars = BARS.findall(path)
        assert "".join(f"M{x} {y}v-{tall}h{width}v{tall}z" for x, y, tall, width in bars) == path
        for x, y, tall, width in bars:
            step = WIDTH / steps
            place = round((float(x) - (1 - BAR) / 2 * step) / step)
            assert abs(float(x) - (place + (1 - BAR) / 2) * step) < 0.1 and abs(float(width) - step * BAR) < 0.1
            found.setdefault(place, []).append((name, float(y), float(tall)))
    return found


COUNTS = {0: (100, 0, 0, 0, 0), 7: (200, 0, 50, 0, 50), 8: (0, 0, 0, 0, 400), 29: (10, 20, 30, 40, 50)}


def test_each_bar_stands_in_its_bucket_as_tall_as_its_count() -> None:
    made = usage_chart.chart(series(COUNTS), NOON)
    assert made.scale == [("0", "400"), ("47.5", "300"), ("95", "200"), ("142.5", "100"), ("190", "0")]
    found = drawn(made, 30)
    assert {place: [name for name, *_ in bars] for place, bars in found.items()} == {
        place: [name for name, count in zip(OUTCOMES, counts, strict=True) if count] for place, counts in COUNTS.items()
    }
    for place, bars in found.items():
        expected = [HEIGHT * count / 400 for count in COUNTS[place] if count]
        # Neighbours have a line of one pixel between them.
        for (name, _, tall), height in zip(bars, expected, strict=True):
            assert height - 1.1 <= tall <= height + 0.1, (place, name)
        tops = [bottom - tall for _, bottom, tall in bars]
        bottoms = [bottom for _, bottom, _ in bars]
        assert bottoms[0] == HEIGHT and all(
            -0.15 <= top - low <= 1.15 for top, low in zip(tops, bottoms[1:], strict=False)
        )
        assert abs(tops[-1] - (HEIGHT - sum(expected))) < 0.2


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (1_249, ["1.25k", "1k", "750", "500", "250", "0"]),
        (1_200_000, ["1.25M", "1M", "750k", "500k", "250k", "0"]),
        (98_765_432, ["100M", "80M", "60M", "40M", "20M", "0"]),
        (0, ["4", "3", "2", "1", "0"]),
    ],
)
def test_the_numbers_beside_the_lines_are_exact_and_of_one_kind(most: int, words: list[str]) -> None:
    made = usage_chart.chart(series({5: (most, 0, 0, 0, 0)}), NOON)
    assert [word for _, word in made.scale] == words


def test_one_request_among_thousands_can_be_seen() -> None:
    ((name, _, tall),) = drawn(usage_chart.chart(series({3: (9_000,) + (0,) * 4, 4: (0, 0, 0, 0, 1)}), NOON), 30)[4]
    assert (name, tall) == ("server_error", 1)


@pytest.mark.parametrize(
    ("steps", "hours", "words"),
    [
        (24, 1, {3: "16:00", 7: "20:00", 11: "00:00", 15: "04:00", 19: "08:00", 23: "12:00"}),
        (28, 6, {1: "Nov 13", 5: "Nov 14", 9: "Nov 15", 13: "Nov 16", 17: "Nov 17", 21: "Nov 18", 25: "Nov 19"}),
        (30, 24, {4: "Oct 25", 9: "Oct 30", 14: "Nov 4", 19: "Nov 9", 24: "Nov 14", 29: "Nov 19"}),
        (90, 24, {14: "Sep 5", 29: "Sep 20", 44: "Oct 5", 59: "Oct 20", 74: "Nov 4", 89: "Nov 19"}),
    ],
)
def test_words_stand_below_their_buckets(steps: int, hours: int, words: dict[int, str]) -> None:
    made = usage_chart.chart(series({}, steps, hours), NOON)
    assert {place: tick.words for place, tick in enumerate(made.ticks) if tick.words} == words
    assert len(made.ticks) == len(made.hits) == steps


def test_what_is_not_known_is_hatched_and_what_is_to_come_is_empty() -> None:
    made = usage_chart.chart(series({}, unknown={BEFORE: range(3, 5), LATER: range(25, 30)}), NOON)
    assert made.unknown == [("90", "60")]
    assert [hit.x for hit in made.hits[:3]] == ["0", "30", "60"] and {hit.width for hit in made.hits} == {"30"}
    assert made.hits[3].says == "Oct 24: not known, it did not exist yet"


def test_a_small_graph_has_its_days_and_its_failures_in_red() -> None:
    totals, failed = [0, 10, 0, 20], [0, 0, 0, 5]
    small = usage_chart.small(Spark(totals, failed, 1), 4)
    tall = SPARK_HEIGHT - 1
    assert small.bars == f"M{SPARK_STEP} 22v-{tall / 2}h2v{tall / 2}z" + f"M{3 * SPARK_STEP} 22v-{tall}h2v{tall}z"
    red = round(tall / 4, 1)
    assert small.failed == f"M9 1h2v{red}h-2z"
    # The base line begins on the first day of the key.
    assert (small.base, small.width) == ("M3 21h9v1H3z", 12)


def test_a_small_graph_of_a_new_key_without_requests_is_empty_and_no_speck() -> None:
    assert usage_chart.small(Spark([0] * 30, [0] * 30, 29), 30).base == ""
    assert usage_chart.small(Spark([0] * 30, [0] * 30, 20), 30).base


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "0%"), (0, 9, "0%"), (9, 9, "100%"), (99_999, 100_000, "99.9%"), (1, 100_000, "0.1%"), (1, 8, "12.5%")],
)
def test_all_and_nothing_are_said_of_all_and_nothing_only(part: int, whole: int, said: str) -> None:
    assert usage_words.share(part, whole) == said


def test_one_of_a_kind_is_told_as_one() -> None:
    made = usage_chart.chart(series({28: (0, 1, 1, 1, 1), 29: (1, 2, 0, 0, 2)}), NOON)
    assert [hit.says for hit in made.hits[-2:]] == [
        "Nov 18: 4 requests. 1 client error, 1 denied, 1 rate limited, 1 server error",
        "Nov 19, so far: 5 requests. 1 succeeded, 2 client errors, 2 server errors",
    ]
