"""What is counted for /metrics. No label holds an id, a name, an address or anything else that a client chose.

Of one process when it runs alone, of all processes when `jobs/serve.py` runs them: see models/metric_files.py.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from models import metric_files

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
ELSE = "other"
# The route of whatever matched none.
UNMATCHED = "unmatched"
# An API request takes a millisecond or less, a page some ten, a password a few hundred.
SECONDS = (0.0025, 0.01, 0.025, 0.1, 0.25, 1.0)

log = logging.getLogger(__name__)
metric_files.set_up()
# When a count began is unknown where several processes add to it.
prometheus_client.disable_created_metrics()
registry = CollectorRegistry()

REQUESTS = Histogram(
    "gravity_http_request_seconds", "Requests answered, and the time to the answer.", ["route", "method", "status"],
    buckets=SECONDS, registry=registry,
)  # fmt: skip
KEYS_REFUSED = Counter("gravity_key_refusals_total", "API requests whose key was refused.", ["code"], registry=registry)
LIMITED = Counter("gravity_limit_refusals_total", "Requests over a limit.", ["limit"], registry=registry)
COUNTED_ALONE = Counter(
    "gravity_limits_counted_alone_total", "Requests that were limited by this machine alone: Redis was away.",
    registry=registry,
)  # fmt: skip
USAGE_LOST = Counter(
    "gravity_usage_lost_total", "Requests that were served and could not be counted.", registry=registry
)
LEFT_OUT = Counter("gravity_small_writes_left_out_total", "Small writes left out to save a request.", registry=registry)
DATABASE_AWAY = Counter("gravity_database_away_total", "Requests the database did not answer.", registry=registry)
JOB_RUNS = Counter("gravity_job_runs_total", "Runs of recurring jobs.", ["job", "outcome"], registry=registry)
JOB_LAST = Gauge(
    "gravity_job_last_run_timestamp_seconds", "When a job last ended so.", ["job", "outcome"],
    multiprocess_mode="max", registry=registry,
)  # fmt: skip
LEAKS = Counter(
    "gravity_leak_reports_total", "Reports of keys found in public.", ["reporter", "outcome"], registry=registry
)
ALERTS = Counter("gravity_github_alerts_total", "Alerts of GitHub's secret scanning.", ["outcome"], registry=registry)
INCIDENTS = Counter(
    "gravity_dead_secret_incidents_total", "Dead secrets seen in use in a new place.", registry=registry
)
STARTS = Counter("gravity_process_starts_total", "Processes started.", ["process"], registry=registry)
STARTED = Gauge(
    "gravity_process_start_timestamp_seconds", "When the newest process started.", ["process"],
    multiprocess_mode="max", registry=registry,
)  # fmt: skip
SCRAPE_FAILURES = Counter("gravity_scrape_failures_total", "Figures that could not be read.", registry=registry)

_of_request: dict[tuple[str | None, str, str], Callable[[float], None]] = {}
_at_scrape: list[Callable[[], Iterable[Metric]]] = []


def answered(route: str | None, method: str, status: str, seconds: float) -> None:
    """Count one request. On the path of every request, so what belongs to a route is found once and kept."""
    (_of_request.get((route, method, status[0])) or _met(route, method, status[0]))(seconds)


def _met(route: str | None, method: str, status: str) -> Callable[[float], None]:
    if method not in METHODS:
        method = ELSE
    observe = REQUESTS.labels(UNMATCHED if route is None else route, method, f"{status}xx").observe
    return _of_request.setdefault((route, method, status), observe)


def job_ran(name: str, outcome: str) -> None:
    JOB_RUNS.labels(name, outcome).inc()
    JOB_LAST.labels(name, outcome).set_to_current_time()


def job_known(name: str) -> None:
    """Have it there before it first runs, so that its first failure is seen as a rise."""
    for outcome in ("done", "failed"):
        JOB_RUNS.labels(name, outcome)
        JOB_LAST.labels(name, outcome)


def alerts_known() -> None:
    """As above, for what GitHub sends."""
    for outcome in ("taken", "refused", "unavailable"):
        ALERTS.labels(outcome)


def process_started(name: str) -> None:
    STARTS.labels(name).inc()
    STARTED.labels(name).set_to_current_time()


def at_scrape(figures: Callable[[], Iterable[Metric]]) -> Callable[[], Iterable[Metric]]:
    """Have a function asked for metric families (`prometheus_client.core`) at every scrape; also a decorator.

    It is for what is looked up, such as an age or a number of rows, and must be the same whichever process is asked.
    When it fails, its figures are missing from that scrape and the rest is there.
    """
    _at_scrape.append(figures)
    return figures


class _AtScrape(Collector):
    def collect(self) -> Iterator[Metric]:
        for figures in _at_scrape:
            try:
                found = list(figures())
            except Exception:
                log.exception("figures are missing from a scrape", extra={"figures": figures.__name__})
                SCRAPE_FAILURES.inc()
            else:
                yield from found


class _Counted(Collector):
    def collect(self) -> Iterable[Metric]:
        folder = metric_files.folder()
        return MultiProcessCollector(None, str(folder)).collect() if folder else registry.collect()


def exposition(accept: str) -> tuple[bytes, str]:
    """Everything in the format that the reader prefers, and its content type."""
    both = CollectorRegistry()
    both.register(_AtScrape())
    both.register(_Counted())
    encode, content_type = choose_encoder(accept)
    return encode(both), content_type
