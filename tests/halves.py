"""`make test`: all tests in two processes side by side, since most of them wait for a browser or a server.

Each has servers, databases and secrets of its own, and looks at the end whether it left any of these behind.
What the first says is seen as it says it; what the second says, once the first is done.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).parent
# Of every process, for what it did itself.
SWEEP = "test_zz_secret_sweep.py"
# What takes long because it waits. With it the halves take about as long as each other.
SLOW = (
    "browser",
    "test_consistency.py",
    "test_database_silent.py",
    "test_limits_at_once.py",
    "test_metrics_processes.py",
    "test_rotation_under_load.py",
    "test_secret_scanning_served.py",
    "test_send_webhooks_killed.py",
    "test_serve.py",
    "test_simulated_year.py",
    "test_start.py",
    "test_usage_killed.py",
)


def halves() -> tuple[list[Path], list[Path]]:
    """The slow half and the other one: every file of tests is in one of them, the sweep in both."""
    slow = [TESTS / name for name in (*SLOW, SWEEP)]
    other = sorted(path for path in TESTS.glob("test_*.py") if path.name not in SLOW)
    return slow, [TESTS / "models", *other]


def _stop(both: "Iterable[subprocess.Popen[bytes]]") -> None:
    for each in both:
        each.terminate()


def main() -> int:
    slow, other = ([sys.executable, "-m", "pytest", *map(str, half)] for half in halves())
    with tempfile.TemporaryFile("w+") as said:
        both = (
            subprocess.Popen(other),
            subprocess.Popen(slow, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT),
        )
        # Each stops in order what it started. Ctrl-C in a terminal reaches them by itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: _stop(both))
        failed = [each.wait() for each in both]
        said.seek(0)
        sys.stdout.writelines(said)
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
