"""Keeps the web server and the scheduler running, and stops them together."""

import logging
import os
import signal
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from jobs.child import Child, LastingChild

log = logging.getLogger("jobs.serve")

# Longer than the server gives its workers to finish their requests.
GRACE = 15
BEFORE_READY, TICK = 0.05, 1.0


class Supervisor:
    """Without the web server there is nothing to serve, so its end is ours; the scheduler is started again."""

    def __init__(
        self, *, web: list[str], scheduler: list[str], answers: Callable[[], bool], ready: Callable[[], None]
    ) -> None:
        self.web_command, self.scheduler_command = web, scheduler
        self.answers, self.ready = answers, ready
        self.scheduler: LastingChild | None = None
        self.had_terminal = _has_terminal()
        self.signals: SimpleQueue[int] = SimpleQueue()

    def run(self) -> int:
        """Until a signal asks to stop (returns 0) or the web server ends (returns 1)."""
        self._listen()
        self.web = Child(self.web_command)
        try:
            return self._watch()
        finally:
            self._stop()

    def _listen(self) -> None:
        # A queue rather than work in the handlers, which may interrupt anything.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            # Under nohup, SIGHUP stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGCHLD:
                signal.signal(number, lambda number, _: self.signals.put(number))

    def _watch(self) -> int:
        while True:
            number = self._next_signal()
            if number in (signal.SIGINT, signal.SIGTERM):
                return 0
            if number == signal.SIGHUP:
                if self.had_terminal and not _has_terminal():
                    return 0
                if self.scheduler:
                    self.web.signal(signal.SIGHUP)
            if not self.web.alive:
                log.error("the web server has ended", extra={"status": self.web.process.returncode})
                return 1
            if self.scheduler is None:
                self._await_answer()
            elif (pause := self.scheduler.tend()) is not None:
                log.error("the scheduler has ended", extra={"starts_again_in_seconds": pause})

    def _await_answer(self) -> None:
        """The scheduler comes second, so that it takes no time from those who wait for a page."""
        if self.answers():
            self.ready()
            self.scheduler = LastingChild(self.scheduler_command)

    def _next_signal(self) -> int | None:
        try:
            return self.signals.get(timeout=TICK if self.scheduler else BEFORE_READY)
        except Empty:
            return None

    def _stop(self) -> None:
        """Ask all to stop, which lets requests in flight and running jobs finish; then make sure."""
        deadline = time.monotonic() + GRACE
        children = [self.web, *([self.scheduler.child] if self.scheduler else [])]
        for child in children:
            child.signal(signal.SIGTERM)
        for child in children:
            child.end(deadline)


def _has_terminal() -> bool:
    """Whether there is a terminal that Ctrl-C can come from; closing its window takes it away."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
    except OSError:
        return False
    return True
