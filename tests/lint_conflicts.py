"""Refuses what a merge left behind: the marks around two versions of the same lines, in any file of ours.

Run it from anywhere: it prints file:line for each find, and then fails.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# As git writes them. Seven equals signs alone would also be a heading, which ours are not.
MARK = re.compile(rb"^(?:[<>|]{7} |={7}\r?$)", re.MULTILINE)
# Hidden folders hold what was installed or made, but for these; so do the folders of the second list.
OURS = (".ci", ".github")
MADE = ("__pycache__", "var")


def main() -> int:
    finds = [f"{path.relative_to(ROOT)}:{line}" for path in files() for line in lines_with_marks(path.read_bytes())]
    for find in finds:
        print(f"{find}: a merge is not done: choose what holds, and take the marks out")
    return 1 if finds else 0


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(each for each in folders if each in OURS or (not each.startswith(".") and each not in MADE))
        yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())


def lines_with_marks(text: bytes) -> Iterator[int]:
    for found in MARK.finditer(text):
        yield text.count(b"\n", 0, found.start()) + 1


if __name__ == "__main__":
    sys.exit(main())
