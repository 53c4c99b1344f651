"""The records of a collection: JSON objects, kept as text, so that every number stays what it was."""

import json
from typing import Any

from peewee import DeferredForeignKey, TextField

from models import json_value, paging, record_schema
from models.actor import Actor
from models.audit import AuditEvent
from models.database import Record, UTCDateTimeField, id_field, now, transaction
from models.errors import NotFound

LARGEST = 64 * 1024
DEEPEST = 20


class DataRecord(Record):
    """One record. It says who wrote it last; only its removal is in the audit trail, which would be flooded else."""

    id = id_field("rec")
    collection = DeferredForeignKey("Collection", on_delete="CASCADE", index=False)
    collection_id: str
    document = TextField()
    writer_kind = TextField()
    writer_name = TextField()
    writer_id = TextField(null=True)
    created_at = UTCDateTimeField(default=now)
    updated_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "data_record"
        indexes = ((("collection", "created_at", "id"), False),)

    @property
    def values(self) -> dict[str, Any]:
        return json.loads(self.document)

    @classmethod
    def of(cls, collection: Any) -> Any:
        """The records of one collection, as a query to refine."""
        return cls.select().where(cls.collection == collection.id)

    @classmethod
    def find(cls, collection: Any, record_id: str) -> "DataRecord":
        record = cls.of(collection).where(cls.id == record_id).get_or_none()
        if record is None:
            raise NotFound
        return record

    @classmethod
    def page(cls, collection: Any, limit: int, after: paging.Place | None) -> "tuple[list[DataRecord], bool]":
        """Records in the order they were added, from just after a place; and whether more follow."""
        found: tuple[list[DataRecord], bool] = paging.page(cls.of(collection), limit, after)
        return found

    @classmethod
    def add(cls, collection: Any, values: dict[str, Any], *, by: Actor) -> "DataRecord":
        """A new record, in the transaction in which the collection is held."""
        document = _document(collection, values)
        return cls.create(
            collection=collection, document=document, writer_kind=by.kind, writer_name=by.name, writer_id=by.id
        )

    def change(self, patch: dict[str, Any], *, by: Actor) -> None:
        """Apply a merge patch (RFC 7396) to the values. The outcome fits the schema, or nothing changes."""
        with transaction():
            collection = self._held_collection()
            current = DataRecord.find(collection, self.id)
            document = _document(collection, json_value.merged(current.values, patch))
            if document == current.document:
                return
            self.document, self.updated_at = document, now()
            self.writer_kind, self.writer_name, self.writer_id = by.kind, by.name, by.id
            self.save(only=["document", "updated_at", "writer_kind", "writer_name", "writer_id"])

    def remove(self, *, by: Actor) -> None:
        with transaction():
            collection = self._held_collection()
            current = DataRecord.find(collection, self.id)
            workspace_id = collection.workspace_id
            AuditEvent.write("record.removed", self.id, workspace=workspace_id, by=by, collection=collection.name)
            current.delete_instance()

    def _held_collection(self) -> Any:
        """The collection as it is now: neither its schema nor its records change until the transaction ends."""
        return self.collection.held()


def _document(collection: Any, values: Any) -> str:
    document = json_value.written(values, field="values", largest=LARGEST, deepest=DEEPEST)
    record_schema.must_fit(collection.schema, values)
    return document
