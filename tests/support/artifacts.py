"""What a run leaves behind, for people and for the sweep: logs, pages, what browsers stored. The next run clears it."""

import fcntl
import logging
import os
import secrets
import shutil
import signal
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ALL_RUNS = ROOT / ".artifacts" / "tests"
# Of this run, since several may go on side by side. Its process number would not do: those are given again.
ARTIFACTS = ALL_RUNS / secrets.token_hex(4)
# In the folder of a run, and in that of all runs. The system lets go of a lock when its process ends, however it does.
LOCK = "lock"


def begin() -> None:
    """Make the folder of this run, remove those of runs that ended, and hear hang-ups again."""
    # Under nohup SIGHUP is ignored, which every server that a test starts would inherit.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    claim()
    # It would write every address down, and that of a calendar is a credential.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def claim() -> None:
    """Make the folder of this run, and remove those of runs that ended."""
    ALL_RUNS.mkdir(parents=True, exist_ok=True)
    with (ALL_RUNS / LOCK).open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        ARTIFACTS.mkdir()
        # Never closed: it is held until this process ends.
        fcntl.flock(os.open(ARTIFACTS / LOCK, os.O_WRONLY | os.O_CREAT), fcntl.LOCK_EX)
        for folder in ALL_RUNS.iterdir():
            if folder.is_dir() and not _is_held(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
