"""Work that is killed on the way: in a process of its own, before or after its n-th deed."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from types import FrameType
from typing import Any

from models import database
from tests.support.connection import disconnect

# What changes anything outside the process.
DEEDS = {"execute", "executemany", "commit", "unlink", "flock", "send", "sendall", "getreply", "rename", "replace"}
# Where the other side has got a message, and its answer is not known yet.
ANSWERS = {"getreply", "getresponse"}


def dies(url: str, work: Callable[[], object], after: int, deeds: AbstractSet[str] = DEEDS) -> bool:
    """Do the work on this database in a process that is killed at its n-th deed; whether it came to die."""
    # No connection may be shared with the child, nor be closed by it.
    disconnect()
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    left = after

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        name = argument.__name__ if event.startswith("c_") else frame.f_code.co_name
        # The `replace` of a text changes nothing, and would hide the last deeds behind hundreds of such.
        if name in deeds and not isinstance(getattr(argument, "__self__", None), str):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        database.connect(url)
        # Also in the threads that the work begins.
        threading.setprofile(count)
        sys.setprofile(count)
        work()
    finally:
        os._exit(0)
