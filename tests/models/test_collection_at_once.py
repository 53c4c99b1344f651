"""Collections that many write to at once: no limit is passed, and no record slips by a new schema."""

from typing import Any

import pytest

from models import Collection, DataRecord, collection, record_schema
from models.errors import Conflict, Invalid
from tests.support.cast import Person
from tests.support.threads import at_once

NUMBERS: dict[str, Any] = {"properties": {"a": {"type": "number"}}}
TEXTS: dict[str, Any] = {"properties": {"a": {"type": "string"}}}


def test_the_last_place_is_given_once(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "MOST_COLLECTIONS", 3)

    def make(number: int) -> str:
        try:
            return Collection.make(ada.workspace, name=f"c{number}", title="A", schema={}, by=ada.actor).name
        except Conflict:
            return ""

    made = at_once(8, make)
    assert [isinstance(each, Exception) for each in made] == [False] * 8
    assert Collection.select().count() == 3 == len(list(filter(None, made)))


def test_a_record_fits_the_schema_that_holds_in_the_end(ada: Person) -> None:
    things = Collection.make(ada.workspace, name="things", title="A", schema=NUMBERS, by=ada.actor)

    def act(number: int) -> str:
        mine = Collection.named(ada.workspace.id, "things")
        try:
            if number == 3:
                mine.change({"schema": TEXTS}, by=ada.actor)
            else:
                mine.add({"a": number}, by=ada.actor)
        except (Conflict, Invalid) as refused:
            return refused.code
        return "done"

    outcomes = at_once(8, act)
    assert set(map(str, outcomes)) <= {"done", "conflict", "validation_failed"}
    schema = Collection.named(ada.workspace.id, "things").schema
    for record in DataRecord.of(things):
        record_schema.must_fit(schema, record.values)


def test_changes_of_different_fields_are_all_kept(ada: Person) -> None:
    things = Collection.make(ada.workspace, name="things", title="A", schema={}, by=ada.actor)
    record = things.add({}, by=ada.actor)

    def change(number: int) -> None:
        DataRecord.find(things, record.id).change({f"f{number}": number}, by=ada.actor)

    assert at_once(6, change) == [None] * 6
    assert DataRecord.find(things, record.id).values == {f"f{number}": number for number in range(6)}
