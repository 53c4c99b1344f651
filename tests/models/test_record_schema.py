"""The schemas of records: what one may say, and what it then lets through. No regular expression of a stranger runs."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from models import record_schema
from models.errors import Invalid
from models.schema_keywords import KEYWORDS

EVERYTHING: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$comment": "All keywords",
    "title": "Order",
    "description": "An order",
    "type": "object",
    "properties": {
        "status": {"enum": ["open", "paid", None, 1, True], "default": "open", "examples": ["paid"]},
        "kind": {"const": "order", "deprecated": True},
        "total": {"type": ["number", "null"], "minimum": 0, "maximum": 1e6, "multipleOf": 0.01},
        "share": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "code": {"type": "string", "minLength": 2, "maxLength": 4, "format": "email"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": True},
        "$ref": {"type": "string"},
        "pattern": {"additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2},
    },
    "required": ["status"],
    "additionalProperties": False,
}


def wrong(schema: Any) -> dict[str, str]:
    try:
        record_schema.written(schema)
    except Invalid as problem:
        return problem.errors
    return {}


def misfits(schema: dict[str, Any], value: Any) -> dict[str, str]:
    """What is wrong with a value at the field `x`."""
    whole = {"properties": {"x": schema}}
    assert wrong(whole) == {}
    try:
        record_schema.must_fit(whole, {"x": value})
    except Invalid as problem:
        assert not record_schema.fitting(whole)({"x": value})
        return problem.errors
    assert record_schema.fitting(whole)({"x": value})
    return {}


def names(value: Any) -> set[str]:
    """The names of all members, at any depth."""
    if isinstance(value, dict):
        return {*value, *(inner for each in value.values() for inner in names(each))}
    return set()


def test_every_keyword_is_one_of_json_schema_and_takes_what_it_takes_there() -> None:
    assert KEYWORDS.keys() <= names(EVERYTHING)
    assert wrong(EVERYTHING) == {}
    Draft202012Validator.check_schema(EVERYTHING)


@pytest.mark.parametrize(
    "keyword",
    "$ref $dynamicRef $id $anchor $defs pattern patternProperties propertyNames anyOf oneOf allOf not if then else "
    "contains prefixItems dependentSchemas dependentRequired unevaluatedProperties unevaluatedItems minimun".split(),
)
def test_other_keywords_are_refused_at_every_depth(keyword: str) -> None:
    assert wrong({keyword: {}}).keys() == {f"schema.{keyword}"}
    assert wrong({"properties": {"a": {"items": {keyword: {}}}}}).keys() == {f"schema.properties.a.items.{keyword}"}
    assert wrong({"additionalProperties": {keyword: {}}}).keys() == {f"schema.additionalProperties.{keyword}"}


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("type", ["text", [], ["string", "string"], None, 1, [[]], {}]),
        ("enum", [[], "a", [[1]], [{}], list(range(101))]),
        ("const", [[], {}]),
        ("required", ["a", [1], ["a", "a"], None]),
        ("properties", [[], {"a": True}, {"a": []}]),
        ("items", [True, [], None]),
        ("additionalProperties", [None, "no", []]),
        ("minLength", [-1, 1.5, "1", True, None]),
        ("minimum", ["1", True, None, []]),
        ("multipleOf", [0, -1, True, "2"]),
        ("uniqueItems", [1, None]),
        ("format", ["regex", "ipv4", 1, None, []]),
        ("$schema", ["http://json-schema.org/draft-07/schema#", 1]),
        ("title", [1, None]),
        ("examples", [{}, "a"]),
    ],
)
def test_what_a_keyword_takes_is_checked(keyword: str, values: list[Any]) -> None:
    for value in values:
        found = wrong({"properties": {"a": {keyword: value}}})
        assert found and all(path.startswith(f"schema.properties.a.{keyword}") for path in found), value


def test_a_record_is_an_object() -> None:
    assert wrong({"type": "array"}).keys() == wrong({"type": ["object", "null"]}).keys() == {"schema.type"}
    assert wrong([]).keys() == {"schema"}


def test_a_schema_is_bounded() -> None:
    assert wrong({"description": "x" * 16 * 1024}).keys() == {"schema"}
    deep: dict[str, Any] = {}
    for _ in range(16):
        deep = {"items": deep}
    assert wrong(deep).keys() == {"schema"}
    assert wrong(deep["items"]) == {}
    assert wrong({"default": {"a\0": 1}}).keys() == {"schema.default"}
    assert wrong({"default": "\ud800"}).keys() == {"schema.default"}
    assert wrong({"minimum": float("inf")}).keys() == {"schema.minimum"}
    assert len(wrong({"properties": {f"f{number}": {"pattern": "a"} for number in range(50)}})) == 20


@pytest.mark.parametrize(
    ("schema", "good", "bad", "sentence"),
    [
        ({"type": "integer"}, [1, -(10**40), 3.0], [1.5, True, "1", None], "Send a whole number."),
        ({"type": ["string", "null"]}, ["", None], [0, False, []], "Send a text or null."),
        ({"enum": [1, "a", None]}, [1, 1.0, "a", None], [True, 0, "A", [], {}], 'Use one of 1, "a", null.'),
        ({"enum": [False, True]}, [False, True], [0, 1], "Use one of false, true."),
        ({"const": 0}, [0, 0.0], [False, "", 1], "Use 0."),
        ({"enum": ["x" * 250]}, ["x" * 250], ["y"], "Use one of the values that the schema lists."),
        ({"minimum": 2}, [2, 10**400, "a"], [1, -(10**400), 1.999], "Use 2 or more."),
        ({"maximum": 0.5}, [0.5, -7], [1, 10**400], "Use 0.5 or less."),
        ({"exclusiveMinimum": 2}, [2.1], [2, 1], "Use more than 2."),
        ({"exclusiveMaximum": 2}, [1.9], [2, 3], "Use less than 2."),
        ({"multipleOf": 0.1}, [0.3, 1.1, 10**400, 0, "a"], [0.35, 1e-9], "Use a multiple of 0.1."),
        ({"multipleOf": 3}, [3, 9.0, 3 * 10**400], [1, 10**400], "Use a multiple of 3."),
        ({"minLength": 2}, ["ab", "🔑🔑", 1], ["a", "🔑"], "Use at least 2 characters."),
        ({"maxLength": 2}, ["ab", "🔑🔑"], ["abc"], "Use at most 2 characters."),
        ({"minItems": 1}, [[1]], [[]], "Send a list of at least 1."),
        ({"maxItems": 1}, [[1]], [[1, 2]], "Send a list of at most 1."),
        (
            {"uniqueItems": True},
            [[1, "1", True, {}, []]],
            [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]],
            "Send each item once.",
        ),
        ({"uniqueItems": False}, [[1, 1]], [], ""),
        ({"minProperties": 1}, [{"a": 1}], [{}], "Send at least 1 fields."),
        ({"maxProperties": 1}, [{"a": 1}], [{"a": 1, "b": 2}], "Send at most 1 fields."),
        (
            {"format": "date"},
            ["2024-02-29", 7],
            ["2023-02-29", "20240229", "2024-W01-1", "2024-02-29 ", "２024-02-29"],
            "Use a date, like 2026-03-31.",
        ),
        (
            {"format": "date-time"},
            ["2026-03-31T09:00:00Z", "2026-03-31T09:00:00.123456789+05:30"],
            ["2026-03-31T09:00:00", "2026-03-31 09:00:00Z", "2026-13-31T09:00:00Z", "2026-03-31T25:00:00Z"],
            "Use a time with a zone, like 2026-03-31T09:00:00Z.",
        ),
        (
            {"format": "email"},
            ["zoe@example.com"],
            ["zoe", "a@b@c", " a@example.com", "a@example.com\r\n", "x" * 300 + "@example.com"],
            "Use an e-mail address, like ada@example.com.",
        ),
        (
            {"format": "uri"},
            ["https://example.com/a?b#c", "mailto:a@example.com"],
            ["example.com", "https://ex ample.com", "//a", "http://[::1", "a\n:b"],
            "Use a whole address, like https://example.com/.",
        ),
        (
            {"format": "uuid"},
            ["8c1d2e3f-4a5b-4c6d-8e9f-0a1b2c3d4e5f"],
            ["8c1d2e3f4a5b4c6d8e9f0a1b2c3d4e5f", "x"],
            "Use a UUID, like 8c1d2e3f-4a5b-4c6d-8e9f-0a1b2c3d4e5f.",
        ),
    ],
)
def test_values_fit_or_are_told_what_would(
    schema: dict[str, Any], good: list[Any], bad: list[Any], sentence: str
) -> None:
    assert [value for value in good if misfits(schema, value)] == []
    assert [value for value in bad if misfits(schema, value) != {"values.x": sentence}] == []


def test_what_is_needed_and_what_is_unknown_is_named_field_by_field() -> None:
    schema = {"properties": {"a": {}}, "required": ["a", "b"], "additionalProperties": False}
    assert misfits(schema, {"c": 1, "d": 2}) == {
        "values.x.a": "This field is needed.",
        "values.x.b": "This field is needed.",
        "values.x.c": "There is no such field. Leave it out.",
        "values.x.d": "There is no such field. Leave it out.",
    }
    assert misfits({"additionalProperties": {"type": "string"}}, {"a": "", "b": 1}) == {"values.x.b": "Send a text."}


def test_only_the_first_errors_are_told_and_none_repeats_what_was_sent() -> None:
    found = misfits({"items": {"type": "string", "maxLength": 1}}, ["secret"] * 5000)
    assert len(found) == 20 and "secret" not in str(found)
    assert len(misfits({"additionalProperties": False}, {f"f{number}": 1 for number in range(5000)})) == 20


def test_long_names_do_not_make_long_paths() -> None:
    assert max(map(len, misfits({"additionalProperties": False}, {"x" * 60_000: 1}))) == 200


def test_many_items_of_many_kinds_are_compared_at_once() -> None:
    # Quadratic work would take minutes here.
    items: list[Any] = [*range(10_000), *([number] for number in range(10_000)), {}, None]
    assert misfits({"uniqueItems": True}, items) == {}
    assert misfits({"uniqueItems": True}, [*items, {}]) == {"values.x": "Send each item once."}
    assert misfits({"items": {"enum": list(range(100))}}, [99] * 30_000) == {}
