"""Adds what the journals of this machine hold to the database: counts, and how far each was read, in one transaction.

It may be killed anywhere and run twice: what was added and where reading goes on can never come apart.
"""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from models import metrics, usage_journal, usage_losses, usage_watch
from models.database import db, now, now_microseconds, sql, transaction
from models.usage import HOUR, UsageMark, hour_of
from models.usage_journal import ENDING, UNREADY, understood
from models.usage_sums import Remembered, Sums

# Bytes of journals that one transaction takes: it holds the database for some tens of milliseconds.
MOST = 4 * 1024 * 1024
CHUNK = 256 * 1024
# A file that never got its name, of a process that died while it was made.
STALE = 60.0

ADVANCE = "UPDATE usage_mark SET folded = ?, at = ? WHERE journal = ? AND folded = ?"

log = logging.getLogger(__name__)
_remembered = Remembered()


class Piece(NamedTuple):
    """What was read of a journal."""

    file: Path
    before: int
    after: int
    data: bytes
    # Nobody writes to it any more, and this is the rest of it.
    is_last: bool


class Folded(NamedTuple):
    requests: int
    lost: int


def fold(seconds: float = 5.0) -> Folded:
    """Fold what is there by now, for so many seconds at most. Does nothing while another process of this machine does.

    What comes meanwhile is left for the next time: to run after it would be a commit for every few requests, and each
    commit makes every worker read its keys anew.
    """
    folder = usage_journal.journal().folder
    requests = lost = 0
    deadline = time.monotonic() + seconds
    unreadable: list[OSError] = []
    with _alone(folder) as mine:
        if mine:
            try:
                lost = _fold_losses(folder)
            except OSError as problem:
                unreadable.append(problem)
        is_full = mine
        while is_full:
            pieces, is_full = _read(folder, unreadable)
            sums = _added_up(pieces)
            if pieces:
                _write(sums, pieces)
                usage_watch.has_counted(folder, sums.requests)
            requests += sums.requests
            damaged = sum(sums.gaps.values())
            metrics.USAGE_LOST.inc(damaged)
            lost += damaged
            if time.monotonic() > deadline:
                break
        if mine:
            _sweep(folder)
    if lost:
        log.error("requests were not counted", extra={"count": lost})
    if unreadable:
        # All others are counted by now.
        raise unreadable[0]
    return Folded(requests, lost)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether this process is the one that folds on this machine; the kernel ends its turn when it dies."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "fold.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _fold_losses(folder: Path) -> int:
    """Add what could not be written down since the last time to the hours that lack it; returns how many requests."""
    found = usage_losses.found(folder, hour_of(now()))
    told = usage_watch.marks(found)
    news = {name: count for name, (_, count) in found.items() if count > told.get(name, 0)}
    sums = Sums()
    if news:
        with transaction():
            for name, count in news.items():
                before = told.get(name, 0)
                _advance(name, before, count)
                sums.lose(found[name][0], count - before)
            sums.write(_remembered)
    return sum(sums.gaps.values())


def _read(folder: Path, unreadable: list[OSError]) -> tuple[list[Piece], bool]:
    """What is new in the journals, as much as one transaction takes, and whether there is more than that."""
    files, left = sorted(folder.glob(f"*{ENDING}")), MOST
    marks = usage_watch.marks(file.name for file in files)
    pieces: list[Piece] = []
    for file in files:
        if left <= 0:
            return pieces, True
        before = marks.get(file.name, 0)
        try:
            with file.open("rb") as opened:
                # Asked first: what a writer that has gone left is then all that will ever be there.
                is_over = _is_free(opened.fileno())
                data, is_whole = _lines(opened.fileno(), before, left)
        except FileNotFoundError:
            continue
        except OSError as problem:
            unreadable.append(problem)
            continue
        left -= len(data)
        if data or (is_over and is_whole):
            pieces.append(Piece(file, before, before + len(data), data, is_over and is_whole))
    return pieces, left <= 0


def _is_free(descriptor: int) -> bool:
    """Whether the writer of a journal has let go of it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lines(descriptor: int, start: int, most: int) -> tuple[bytes, bool]:
    """Whole lines from a place on, and whether there are no more behind them at the moment."""
    parts: list[bytes] = []
    place = start
    while place - start < most:
        part = os.pread(descriptor, CHUNK, place)
        written = part.partition(b"\0")[0]
        parts.append(written)
        place += len(written)
        if len(written) < CHUNK:
            data = b"".join(parts)
            return data[: data.rfind(b"\n") + 1], True
    data = b"".join(parts)
    return data[: data.rfind(b"\n") + 1], False


def _added_up(pieces: list[Piece]) -> Sums:
    """Requests that differ in nothing but their moment are taken together, which is most of them."""
    groups: dict[tuple[int, bytes], list[int]] = {}
    sums, damaged = Sums(), 0
    for piece in pieces:
        for line in piece.data.split(b"\n")[:-1]:
            stamp, _, rest = line.partition(b"\t")
            try:
                moment = int(stamp)
            except ValueError:
                damaged += 1
                continue
            group = groups.get((moment // HOUR, rest))
            if group is None:
                groups[moment // HOUR, rest] = [1, moment, moment]
            else:
                group[0] += 1
                group[1] = min(group[1], moment)
                group[2] = max(group[2], moment)
    for (_, rest), (count, first, last) in groups.items():
        try:
            use = understood(b"%d\t%b" % (last, rest))
        except ValueError:
            damaged += count
            continue
        sums.add(use, count, first)
    if damaged:
        log.error("lines of a journal were damaged", extra={"count": damaged})
        # When they were written is damaged, too; a journal is read a moment later.
        sums.lose(hour_of(now()), damaged)
    return sums


def _write(sums: Sums, pieces: list[Piece]) -> None:
    try:
        with transaction():
            for piece in pieces:
                _advance(piece.file.name, piece.before, piece.after)
            sums.write(_remembered)
    except BaseException:
        _remembered.forget()
        raise
    for piece in pieces:
        if piece.is_last:
            # In this order: a mark without a file is a leftover, a file without a mark would be counted again.
            piece.file.unlink(missing_ok=True)
            UsageMark.delete().where(UsageMark.journal == piece.file.name).execute()


def _advance(name: str, before: int, after: int) -> None:
    """Move the mark from where reading began. Whoever finds it elsewhere has been overtaken, and adds nothing."""
    if before == after:
        return
    if before:
        done = db.execute_sql(sql(ADVANCE), (after, now_microseconds(), name, before)).rowcount
    else:
        row = {"journal": name, "folded": after, "at": now()}
        done = UsageMark.insert(row).on_conflict_ignore().as_rowcount().execute()
    if done != 1:
        raise RuntimeError(f"another process folds {name}")


def _sweep(folder: Path) -> None:
    """Remove files that were never begun."""
    for file in folder.glob(f"*{UNREADY}"):
        with contextlib.suppress(OSError), file.open("rb") as opened:
            if time.time() - os.fstat(opened.fileno()).st_mtime > STALE and _is_free(opened.fileno()):
                file.unlink()
