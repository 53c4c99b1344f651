"""Refused requests of keys whose secret was proven: the newest of each key, for whoever looks for the reason."""

import contextlib
import logging
import time
from collections import OrderedDict
from typing import Any

from peewee import ForeignKeyField, IntegerField, IntegrityError, TextField

from models import database
from models.api_key import ApiKey
from models.audit import retention
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now
from models.workspace import Workspace

# Rows that are kept of a key.
MOST = 100
# Rows that one worker writes of a key in a second, so that a client that hammers makes no storm of writes.
A_SECOND = {"rate_limited": 1, "quota_exceeded": 1}
A_SECOND_ELSE = 5
TELL_EVERY = 60.0

log = logging.getLogger(__name__)


class Refusal(WorkspaceRecord):
    id = id_field("ref")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    key = ForeignKeyField(ApiKey, on_delete="CASCADE", index=False)
    key_id: str
    at = UTCDateTimeField(default=now)
    request_id = TextField()
    code = TextField()
    status = IntegerField()
    # Method and route template.
    request = TextField()
    # The one that was missing.
    scope = TextField(null=True)
    address = TextField()
    client = TextField()

    class Meta:
        table_name = "refusal"
        indexes = ((("key", "at"), False), (("workspace", "request_id"), False))

    @classmethod
    def record(
        cls,
        *,
        workspace_id: str,
        key_id: str,
        request_id: str,
        code: str,
        status: int,
        request: str,
        scope: str | None,
        address: str,
        client: str,
    ) -> None:
        """Keep one refusal. It never waits and never fails the request: what cannot be written is left out."""
        if not _throttle.lets(key_id, code):
            return
        seen = "".join(char for char in client if char.isprintable())[:200]
        # The key may have gone meanwhile.
        with contextlib.suppress(IntegrityError), database.without_waiting():
            cls.create(
                workspace=workspace_id, key=key_id, request_id=request_id, code=code, status=status,
                request=request, scope=scope, address=address, client=seen,
            )  # fmt: skip
            oldest = cls.select(cls.id).where(cls.key == key_id).order_by(cls.at.desc(), cls.id.desc())
            cls.delete().where(cls.id.in_([row.id for row in oldest.offset(MOST).limit(20)])).execute()

    @classmethod
    def of(cls, key: ApiKey) -> "list[Refusal]":
        """The refusals of a key that are kept, newest first, none older than the plan's history."""
        oldest = now() - Workspace.known(key.workspace_id).plan.history
        query = cls.in_workspace(key.workspace_id).where(cls.key == key.id, cls.at >= oldest)
        return list(query.order_by(cls.at.desc(), cls.id.desc()))

    @classmethod
    def behind(cls, workspace_id: str, request_id: str) -> "Refusal | None":
        """The refusal of a request, by the id that its answer had; None when it is no longer to be seen."""
        oldest = now() - Workspace.known(workspace_id).plan.history
        seen = cls.in_workspace(workspace_id).where(cls.request_id == request_id, cls.at >= oldest)
        found: Refusal | None = seen.join(ApiKey).where(ApiKey.deleted_at.is_null()).first()
        return found

    @classmethod
    def purge(cls) -> int:
        """Delete what nobody could see for a month."""
        return sum(
            cls.delete().where(cls.at < oldest, cls.workspace.in_(theirs)).execute() for theirs, oldest in retention()
        )


class _Throttle:
    """How many rows of a key this process wrote within the second at hand."""

    def __init__(self) -> None:
        self.seconds: OrderedDict[tuple[str, bool], list[int]] = OrderedDict()
        self.left_out = 0
        self.told = time.monotonic()

    def lets(self, key_id: str, code: str) -> bool:
        moment = time.monotonic()
        limit = A_SECOND.get(code, A_SECOND_ELSE)
        second, count = self.seconds.get((key_id, code in A_SECOND), (-1, 0))
        count = count + 1 if second == int(moment) else 1
        self._note(key_id, code in A_SECOND, [int(moment), count])
        self._tell(moment, left_out=count > limit)
        return count <= limit

    def _note(self, key_id: str, is_limit: bool, value: Any) -> None:
        self.seconds[key_id, is_limit] = value
        self.seconds.move_to_end((key_id, is_limit))
        if len(self.seconds) > 10_000:
            self.seconds.popitem(last=False)

    def _tell(self, moment: float, *, left_out: bool) -> None:
        self.left_out += left_out
        if self.left_out and moment - self.told >= TELL_EVERY:
            log.warning("refusals were left out of the lists of their keys", extra={"count": self.left_out})
            self.left_out, self.told = 0, moment


_throttle = _Throttle()
