"""Many at once: threads that start together, each with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from models.database import db

T = TypeVar("T")


def at_once(number: int, act: Callable[[int], T]) -> "list[T | Exception]":
    """What `act(0)` … `act(number - 1)` returned or raised, all begun at the same moment."""
    gate = Barrier(number)

    def run(place: int) -> T | Exception:
        gate.wait()
        try:
            return act(place)
        except Exception as problem:
            return problem
        finally:
            db.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))
