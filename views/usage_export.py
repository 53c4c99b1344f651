"""Uses as files to take along: CSV whose cells no spreadsheet runs as formulas, and JSON."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response

from models.usage import OUTCOMES
from models.usage_series import Series
from views.format import iso

# Where a formula could begin, in Excel, LibreOffice and Google Sheets, also one written wide (ASVS 1.2.10): with the
# cell, and after what parts cells where the comma is the decimal point. A blank before it is no protection, since some
# programs cut it off, and neither is a quote.
BEGINS = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?=[\s"]*[=+\-@\0＝＋－＠])|^(?=[\t\r\n])""")
# Without it, Excel takes UTF-8 for something else.
MARK = "\ufeff"


def series_csv(series: Series, name: str) -> Response:
    """The buckets of a graph. What is not known is empty, and says why."""
    head = ["from", "to", *OUTCOMES, "total", "unknown", "complete"]
    rows = []
    for bucket in series_json(series)["data"]:
        rows.append([bucket[field] for field in head])
    return sheet(head, rows, name)


def series_json(series: Series) -> dict[str, Any]:
    """The same as data, as the API gives it too."""
    return {
        "from": iso(series.span.starts),
        "to": iso(series.span.ends),
        "totals": {**dict(zip(OUTCOMES, series.counts, strict=True)), "total": series.total},
        "data": [
            {
                "from": iso(bucket.starts),
                "to": iso(bucket.ends),
                **dict(zip(OUTCOMES, [None] * len(OUTCOMES) if bucket.unknown else bucket.counts, strict=True)),
                "total": None if bucket.unknown else bucket.total,
                "unknown": bucket.unknown or None,
                "complete": bucket.is_whole,
            }
            for bucket in series.buckets
        ],
    }


def sheet(head: Iterable[str], rows: Iterable[Iterable[object]], name: str) -> Response:
    """A CSV file (RFC 4180) to save."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    made = Response(MARK + out.getvalue(), content_type="text/csv; charset=utf-8; header=present")
    made.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return made


def cell(value: object) -> str:
    """A value as text that stays text."""
    if value is None:
        return ""
    return BEGINS.sub("'", str(value).lower() if isinstance(value, bool) else str(value))


def download(body: Mapping[str, Any], name: str) -> Response:
    """A JSON file to save."""
    made = Response(json.dumps(body, ensure_ascii=False, indent=2), content_type="application/json")
    made.headers.set("Content-Disposition", "attachment", filename=f"{name}.json")
    return made
