"""How a person reads a graph of uses: its table, its legend, and the files to download."""

import csv
import html
import io
import re
from typing import Any

from werkzeug.test import TestResponse

from models.usage import OUTCOMES
from tests.support.key_pages import TAG

ROW = re.compile(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', re.DOTALL)
CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.DOTALL)
TITLE = re.compile(r"<rect[^>]*data-i=[^>]*><title>(.*?)</title>")


def rows(page: TestResponse) -> list[tuple[str, list[int | None]]]:
    """The table: the word for each bucket, then its outcomes and their sum, or None for what is not known."""
    table = page.text.partition('<table class="table mini">')[2].partition("</table>")[0]
    return [
        (html.unescape(label), [_number(cell) for cell in CELL.findall(cells)]) for label, cells in ROW.findall(table)
    ]


def totals(page: TestResponse) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r'data-total="([\d,]+)"', page.text)]


def titles(page: TestResponse) -> list[str]:
    return [html.unescape(title) for title in TITLE.findall(page.text)]


def caption(page: TestResponse) -> str:
    found = re.search(r'data-readout="([^"]*)"', page.text)
    assert found, "no caption"
    return html.unescape(found[1])


def from_csv(file: TestResponse) -> list[list[int | None]]:
    read = csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff")))
    return [[int(row[name]) if row[name] else None for name in (*OUTCOMES, "total")] for row in read]


def from_json(body: Any) -> list[list[int | None]]:
    return [[bucket[name] for name in (*OUTCOMES, "total")] for bucket in body["data"]]


def _number(cell: str) -> int | None:
    text = TAG.sub("", cell).replace("at least ", "").replace(",", "").strip()
    return int(text) if text.isdigit() else None
