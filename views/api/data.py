"""Collections of a workspace, and the records in them."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from models import Collection, DataRecord, Workspace
from models.errors import Invalid
from views.api import enforcement, once, operations, paging
from views.api.answers import answer, tagged
from views.api.schemas import data as shapes
from views.api.schemas.common import ListQuery
from views.format import iso

READ, WRITE = "read:data", "write:data"
ALL = "/w/<workspace_id>/data"
ONE = f"{ALL}/<collection>"
RECORDS = f"{ONE}/records"
RECORD = f"{RECORDS}/<record_id>"


def add_routes(bp: Blueprint) -> None:
    bp.get(ALL)(list_collections)
    bp.post(ALL)(create_collection)
    bp.get(ONE)(get_collection)
    bp.patch(ONE)(change_collection)
    bp.delete(ONE)(remove_collection)
    bp.get(RECORDS)(list_records)
    bp.post(RECORDS)(create_record)
    bp.get(RECORD)(get_record)
    bp.patch(RECORD)(change_record)
    bp.delete(RECORD)(remove_record)


@operations.operation(READ, operations.DATA, query=ListQuery, returns=shapes.CollectionList, errors=(404,))
def list_collections(workspace_id: str) -> Response:
    """List collections.

    Oldest first, in pages.
    """
    return paging.listed(lambda limit, after: Collection.page(g.credential.workspace_id, limit, after), _json)


@operations.operation(
    WRITE, operations.DATA, json=shapes.NewCollection, returns=shapes.Collection, status=201, errors=(404, 409)
)
def create_collection(workspace_id: str) -> Response:
    """Create a collection.

    Its records must fit the schema. A workspace has at most 100 collections.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    collection = Collection.make(workspace, **operations.taken().model_dump(by_alias=True), by=enforcement.actor())
    place = url_for("api.get_collection", workspace_id=workspace.id, collection=collection.name)
    return tagged(_json(collection), 201, {"Location": place})


@operations.operation(READ, operations.DATA, returns=shapes.Collection, errors=(404,))
def get_collection(workspace_id: str, collection: str) -> Response:
    """Get a collection."""
    return tagged(_json(_found(collection)))


@operations.operation(
    WRITE, operations.DATA, json=shapes.CollectionChange, returns=shapes.Collection, errors=(404, 409, 412)
)
def change_collection(workspace_id: str, collection: str) -> Response:
    """Change a collection.

    What is left out stays; a schema is replaced whole. A schema that a record does not fit is refused with 409, which
    tells how many do not (`records`) and the first of them (`first_record_id`).
    """
    given = operations.taken().model_dump(exclude_unset=True, by_alias=True)
    found = _found(collection)
    once.expect(_json(found))
    if empty := [field for field, value in given.items() if value is None]:
        raise Invalid(dict.fromkeys(empty, "This cannot be empty. Leave it out, or give a value."))
    found.change(given, by=enforcement.actor())
    return tagged(_json(_found(collection)))


@operations.operation(WRITE, operations.DATA, status=204, errors=(404, 409, 412))
def remove_collection(workspace_id: str, collection: str) -> Response:
    """Remove a collection.

    Only an empty one: while it has records, the answer is 409.
    """
    found = _found(collection)
    once.expect(_json(found))
    found.remove(by=enforcement.actor())
    return answer(None, 204)


@operations.operation(READ, operations.DATA, query=ListQuery, returns=shapes.RecordList, errors=(404,))
def list_records(workspace_id: str, collection: str) -> Response:
    """List records.

    Oldest first, in pages.
    """
    found = _found(collection)
    return paging.listed(lambda limit, after: DataRecord.page(found, limit, after), _record_json)


@operations.operation(
    WRITE, operations.DATA, json=shapes.NewRecord, returns=shapes.Record, status=201, errors=(404, 409)
)
def create_record(workspace_id: str, collection: str) -> Response:
    """Create a record.

    Each field that does not fit the schema of the collection is named by its path, such as `values.email`.
    """
    found = _found(collection)
    record = found.add(operations.taken().values, by=enforcement.actor())
    ids = {"workspace_id": found.workspace_id, "collection": found.name, "record_id": record.id}
    return tagged(_record_json(record), 201, {"Location": url_for("api.get_record", **ids)})


@operations.operation(READ, operations.DATA, returns=shapes.Record, errors=(404,))
def get_record(workspace_id: str, collection: str, record_id: str) -> Response:
    """Get a record."""
    return tagged(_record_json(_found_record(collection, record_id)))


@operations.operation(WRITE, operations.DATA, json=shapes.RecordChange, returns=shapes.Record, errors=(404, 412))
def change_record(workspace_id: str, collection: str, record_id: str) -> Response:
    """Change a record.

    A merge patch of its values: what is left out stays, null removes. The outcome must fit the schema.
    """
    record = _found_record(collection, record_id)
    once.expect(_record_json(record))
    record.change(operations.taken().values, by=enforcement.actor())
    return tagged(_record_json(_found_record(collection, record_id)))


@operations.operation(WRITE, operations.DATA, status=204, errors=(404, 412))
def remove_record(workspace_id: str, collection: str, record_id: str) -> Response:
    """Remove a record."""
    record = _found_record(collection, record_id)
    once.expect(_record_json(record))
    record.remove(by=enforcement.actor())
    return answer(None, 204)


def _found(name: str) -> Any:
    return Collection.named(g.credential.workspace_id, name)


def _found_record(name: str, record_id: str) -> Any:
    return DataRecord.find(_found(name), record_id)


def _json(collection: Any) -> dict[str, Any]:
    return {
        "id": collection.id,
        "name": collection.name,
        "title": collection.title,
        "schema": collection.schema,
        "created_at": iso(collection.created_at),
        "updated_at": iso(collection.updated_at),
    }


def _record_json(record: Any) -> dict[str, Any]:
    return {
        "id": record.id,
        "values": record.values,
        "updated_by": {"kind": record.writer_kind, "name": record.writer_name, "id": record.writer_id},
        "created_at": iso(record.created_at),
        "updated_at": iso(record.updated_at),
    }
