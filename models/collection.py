"""Collections: named sets of records that fit one schema."""

import json
import re
from typing import Any

from peewee import ForeignKeyField, IntegrityError, TextField, fn

from models import paging, record_schema, text
from models.actor import Actor
from models.audit import AuditEvent
from models.data_record import DataRecord
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import Conflict, Invalid, NotFound
from models.workspace import Workspace

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
LONGEST_TITLE = 120
MOST_COLLECTIONS = 100
# Nobody else writes to the workspace while the records are checked against a new schema, so that must end soon.
MOST_CHECKED = 5_000
MOST_CHECKED_TEXT = 2 * 1024 * 1024


class Collection(WorkspaceRecord):
    id = id_field("col")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
    workspace_id: str
    name = TextField()
    title = TextField()
    schema_text = TextField()
    created_at = UTCDateTimeField(default=now)
    updated_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "collection"
        indexes = ((("workspace", "name"), True), (("workspace", "created_at", "id"), False))

    @property
    def schema(self) -> dict[str, Any]:
        return json.loads(self.schema_text)

    @classmethod
    def named(cls, workspace_id: str, name: str) -> "Collection":
        """The collection of this name; `NotFound` when there is none."""
        found = None
        if NAME.fullmatch(name):
            found = cls.in_workspace(workspace_id).where(cls.name == name).get_or_none()
        if found is None:
            raise NotFound
        return found

    @classmethod
    def page(cls, workspace_id: str, limit: int, after: paging.Place | None) -> "tuple[list[Collection], bool]":
        """Collections in the order they were made, from just after a place; and whether more follow."""
        found: tuple[list[Collection], bool] = paging.page(cls.in_workspace(workspace_id), limit, after)
        return found

    @classmethod
    def make(cls, workspace: Workspace, *, name: str, title: str, schema: dict[str, Any], by: Actor) -> "Collection":
        """A new, empty collection. Its name is its address and stays."""
        values = _checked({"name": name, "title": title, "schema": schema})
        try:
            with transaction():
                workspace.hold()
                if cls.in_workspace(workspace.id).count() >= MOST_COLLECTIONS:
                    raise Conflict(f"A workspace has at most {MOST_COLLECTIONS} collections. Remove one first.")
                collection = cls.create(workspace=workspace, **values)
                collection._record("collection.created", by, name=name, title=values["title"])
        except IntegrityError as problem:
            raise Conflict(f"There is a collection named {name} already.") from problem
        return collection

    def change(self, values: dict[str, Any], *, by: Actor) -> None:
        """Change the title or the schema: only what is given. `Conflict` for a schema that a record breaks."""
        checked = _checked(values)
        with transaction():
            current = self.held()
            fresh = {field: value for field, value in checked.items() if value != getattr(current, field)}
            if not fresh:
                return
            facts: dict[str, Any] = {"name": current.name}
            if "title" in fresh:
                facts["title"] = [current.title, fresh["title"]]
            if "schema_text" in fresh:
                current._records_must_fit(json.loads(fresh["schema_text"]))
                facts["schema"] = "changed"
            Collection.update({**fresh, "updated_at": now()}).where(Collection.id == self.id).execute()
            self._record("collection.changed", by, **facts)

    def remove(self, *, by: Actor) -> None:
        """Remove the collection, once it is empty."""
        with transaction():
            current = self.held()
            if DataRecord.of(current).exists():
                raise Conflict(f"The collection {self.name} has records. Remove them first.")
            self._record("collection.removed", by, name=current.name, title=current.title)
            current.delete_instance()

    def add(self, values: dict[str, Any], *, by: Actor) -> DataRecord:
        """Add a record. Raises `Invalid`, naming each field, for values that do not fit the schema."""
        with transaction():
            return DataRecord.add(self.held(), values, by=by)

    def held(self) -> "Collection":
        """The collection as it is now: neither it nor its records change until the transaction ends."""
        self.workspace.hold()
        found: Collection = Collection.find(self.workspace_id, self.id)
        return found

    def _records_must_fit(self, schema: dict[str, Any]) -> None:
        records: Any = DataRecord.of(self)
        count, size = records.count(), records.select(fn.SUM(fn.LENGTH(DataRecord.document))).scalar() or 0
        if count > MOST_CHECKED or size > MOST_CHECKED_TEXT:
            raise Conflict(
                f"The schema of a collection with more than {MOST_CHECKED:,} records, or {MOST_CHECKED_TEXT >> 20} MB "
                "of them, cannot be changed. Make a new collection."
            )
        fits = record_schema.fitting(schema)
        in_order = records.order_by(DataRecord.created_at, DataRecord.id)
        broken = [record.id for record in in_order.iterator() if not fits(record.values)]
        if broken:
            raise Conflict(
                f"{len(broken)} of the {count} records do not fit this schema. The first is {broken[0]}.",
                records=len(broken),
                first_record_id=broken[0],
            )

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, **details)


def _checked(values: dict[str, Any]) -> dict[str, str]:
    """The columns for what is given, or `Invalid` with all that is wrong."""
    checked, wrong = {}, {}
    if "name" in values:
        checked["name"] = values["name"]
        if not NAME.fullmatch(values["name"]):
            wrong["name"] = "Use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter."
    if "title" in values:
        try:
            checked["title"] = text.line(values["title"], what="a title", longest=LONGEST_TITLE)
        except text.BadText as problem:
            wrong["title"] = str(problem)
    if "schema" in values:
        try:
            checked["schema_text"] = record_schema.written(values["schema"])
        except Invalid as problem:
            wrong |= problem.errors
    if wrong:
        raise Invalid(wrong)
    return checked
