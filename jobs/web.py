"""granian, whose workers end as soon as they are told to and never outlive it: `python -m jobs.web …`.

Nothing of the application is imported here: workers are forked from this process, and those that SIGHUP brings
read its code anew.
"""

import os
import signal

from granian.cli import entrypoint

from jobs.child import die_with_parent


def _in_worker() -> None:
    # A worker that still loads the application has our handlers, which would ignore the signal in it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()


if __name__ == "__main__":
    os.register_at_fork(after_in_child=_in_worker)
    entrypoint()
