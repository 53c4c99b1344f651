"""Keeps the web server and the scheduler running, and stops them together."""

import logging
import os
import signal
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from jobs.child import LastingChild

log = logging.getLogger("jobs.serve")

# Longer than the server gives its workers to finish their requests.
GRACE = 15
BEFORE_READY, TICK = 0.05, 1.0
# While the web server is away nobody is served, so it is not waited with for long.
WEB_FIRST_PAUSE, WEB_LONGEST_PAUSE = 0.1, 5.0


class Supervisor:
    """Starts either again when it ends. A web server that ends before it ever answered is a mistake, and our end.

    granian gives up when one of its workers dies twice within seconds, as when memory runs out.
    """

    def __init__(
        self, *, web: list[str], scheduler: list[str], answers: Callable[[], bool], ready: Callable[[], None]
    ) -> None:
        self.web_command, self.scheduler_command = web, scheduler
        self.answers, self.ready = answers, ready
        self.scheduler: LastingChild | None = None
        self.had_terminal = _has_terminal()
        self.signals: SimpleQueue[int] = SimpleQueue()

    def run(self) -> int:
        """Until a signal asks to stop (returns 0) or the web server ends without having answered (returns 1)."""
        self._listen()
        self.web = LastingChild(self.web_command, WEB_FIRST_PAUSE, WEB_LONGEST_PAUSE)
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
                    self.web.child.signal(signal.SIGHUP)
            if self.scheduler:
                _tend("the web server", self.web)
                _tend("the scheduler", self.scheduler)
            elif self.web.child.alive:
                self._await_answer()
            else:
                log.error("the web server has ended", extra={"status": self.web.child.process.returncode})
                return 1

    def _await_answer(self) -> None:
        """The scheduler comes second, so that it takes no time from those who wait for a page."""
        if self.answers():
            self.ready()
            self.scheduler = LastingChild(self.scheduler_command)

    def _next_signal(self) -> int | None:
        try:
            return self.signals.get(timeout=self._patience())
        except Empty:
            return None

    def _patience(self) -> float:
        """How many seconds nothing has to be done unless a signal comes."""
        if self.scheduler is None:
            return BEFORE_READY
        dues = [lasting.due for lasting in (self.web, self.scheduler) if lasting.due is not None]
        return max(0, min([due - time.monotonic() for due in dues] + [TICK]))

    def _stop(self) -> None:
        """Ask all to stop, which lets requests in flight and running jobs finish; then make sure."""
        deadline = time.monotonic() + GRACE
        children = [lasting.child for lasting in (self.web, self.scheduler) if lasting]
        for child in children:
            child.signal(signal.SIGTERM)
        for child in children:
            child.end(deadline)


def _tend(name: str, lasting: LastingChild) -> None:
    if (pause := lasting.tend()) is not None:
        extra = {"status": lasting.child.process.returncode, "starts_again_in_seconds": pause}
        log.error("%s has ended", name, extra=extra)


def _has_terminal() -> bool:
    """Whether there is a terminal that Ctrl-C can come from; closing its window takes it away."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
    except OSError:
        return False
    return True
