"""Work on many things of which one may fail, as for a row that cannot be read, without costing the others theirs."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from peewee import InterfaceError, OperationalError, ProgrammingError

Thing = TypeVar("Thing")
Result = TypeVar("Result")

log = logging.getLogger("jobs")


class SomeFailed(Exception):
    """The work was done for all but a few. The log has the reason of each."""


def each(things: Iterable[Thing], work: Callable[[Thing], Result]) -> Iterator[Result]:
    """What came of each; raises `SomeFailed` at the end when there were some for which nothing did.

    When the database itself is away, or has not the tables of this version, there is nothing to go on with: that is
    raised at once.
    """
    failed = []
    for thing in things:
        try:
            result = work(thing)
        except (OperationalError, InterfaceError, ProgrammingError):
            raise
        except Exception:
            failed.append(_name(thing))
            log.exception("one was left out, the others go on", extra={"left_out": failed[-1]})
        else:
            yield result
    if failed:
        raise SomeFailed(f"{len(failed)} left out, the log says why: {', '.join(failed[:5])}")


def _name(thing: Any) -> str:
    return str(getattr(thing, "id", thing))
