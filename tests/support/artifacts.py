"""What a run leaves behind, for people and for the sweep: logs, pages, what browsers stored. The next run clears it."""

import logging
import os
import shutil
import signal
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ALL_RUNS = ROOT / ".artifacts" / "tests"
# Of this process, since several runs may go on side by side.
ARTIFACTS = ALL_RUNS / str(os.getpid())


def begin() -> None:
    """Make the folder of this run, remove those of runs that ended, and hear hang-ups again."""
    # Under nohup SIGHUP is ignored, which every server that a test starts would inherit.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for folder in ALL_RUNS.glob("*"):
        if not _runs(folder.name):
            shutil.rmtree(folder, ignore_errors=True) if folder.is_dir() else folder.unlink()
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    # It would write every address down, and that of a calendar is a credential.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _runs(name: str) -> bool:
    try:
        os.kill(int(name), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
