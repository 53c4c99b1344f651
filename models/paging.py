"""Pages of a list: from just after a place, in the order in which rows were made."""

from datetime import datetime
from typing import Any

Place = tuple[datetime, str]


def page(query: Any, limit: int, after: Place | None, *, by: str = "created_at", newest_first: bool = False) -> Any:
    """At most `limit` rows of a query, from just after a place (a moment and an id); and whether more follow."""
    model = query.model
    moment, row_id = getattr(model, by), model.id
    if after is not None:
        at, last_id = after
        if newest_first:
            query = query.where((moment < at) | ((moment == at) & (row_id < last_id)))
        else:
            query = query.where((moment > at) | ((moment == at) & (row_id > last_id)))
    order = (moment.desc(), row_id.desc()) if newest_first else (moment, row_id)
    rows = list(query.order_by(*order).limit(limit + 1))
    return rows[:limit], len(rows) > limit
