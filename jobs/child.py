"""A process that we started: it ends when we do, together with everything that it started itself."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """Runs in a session of its own: Ctrl-C reaches us alone, and we stop our children in order."""

    def __init__(self, command: list[str]) -> None:
        parent = os.getpid()
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 our own interpreter and modules
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Signal the process; or what it left behind, if it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.alive:
                self.process.send_signal(number)
            else:
                os.killpg(self.process.pid, number)

    def end(self, deadline: float) -> None:
        """Wait for it and for all that it started; at the deadline, kill what is left."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0, deadline - time.monotonic()))
        while self._is_group_left() and time.monotonic() < deadline:
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _is_group_left(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


class LastingChild:
    """A child that is started again when it ends, ever more slowly while it keeps ending; pauses are in seconds."""

    def __init__(self, command: list[str], first_pause: float = 1.0, longest_pause: float = 60.0) -> None:
        self.command = command
        self.first_pause, self.longest_pause = first_pause, longest_pause
        self.pause = first_pause
        self.due: float | None = None
        self.child = Child(command)

    def tend(self) -> float | None:
        """Start it again if it is time to. Returns how many seconds it has just begun to wait, if so."""
        if self.child.alive:
            return None
        moment = time.monotonic()
        if self.due is None:
            if moment - self.child.started > self.longest_pause:
                self.pause = self.first_pause
            waits, self.pause = self.pause, min(self.pause * 2, self.longest_pause)
            self.due = moment + waits
            return waits
        if moment >= self.due:
            self.due = None
            self.child = Child(self.command)
        return None


def die_with_parent() -> None:
    """Have the kernel ask us to stop when our parent ends, however it ends. Only Linux can."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _die_with(parent: int) -> None:
    """Between fork and exec."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
