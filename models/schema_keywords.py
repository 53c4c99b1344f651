"""The keywords that the schema of a collection may use, and what each takes."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from models.json_value import below
from models.record_formats import FORMATS

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_CHOICES = 100

# A path, and what is wrong there.
Problems = Iterator[tuple[str, str]]


def problems(schema: Any, path: str = "schema") -> Problems:
    """All that is wrong in the schema of a record, which is an object always."""
    yield from _schema(schema, path)
    if isinstance(schema, dict) and schema.get("type", "object") != "object":
        yield below(path, "type"), 'A record is an object: write "object" here.'


def _schema(value: Any, path: str) -> Problems:
    if not isinstance(value, dict):
        yield path, "Write a schema, which is a JSON object."
        return
    for keyword, given in value.items():
        check = KEYWORDS.get(keyword)
        if check is None:
            yield below(path, keyword), "This keyword is not among those that a schema may use. Leave it out."
        else:
            yield from check(given, below(path, keyword))


def _schemas(value: Any, path: str) -> Problems:
    if not isinstance(value, dict):
        yield path, "Write an object with a schema for each field."
        return
    for name, each in value.items():
        yield from _schema(each, below(path, name))


def _rest(value: Any, path: str) -> Problems:
    if not isinstance(value, bool):
        yield from _schema(value, path)


def _types(value: Any, path: str) -> Problems:
    names = value if isinstance(value, list) else [value]
    if not names or any(name not in TYPES or names.count(name) > 1 for name in names):
        yield path, f"Use one of {', '.join(TYPES)}, or a list of them."


def _format(value: Any, path: str) -> Problems:
    if not isinstance(value, str) or value not in FORMATS:
        yield path, f"Use one of {', '.join(FORMATS)}."


def _dialect(value: Any, path: str) -> Problems:
    if value != DIALECT:
        yield path, f"Use {DIALECT}, or leave it out."


def _names(value: Any, path: str) -> Problems:
    if not isinstance(value, list) or any(not isinstance(name, str) for name in value) or len(set(value)) < len(value):
        yield path, "Write a list of names, each once."


def _choices(value: Any, path: str) -> Problems:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CHOICES or any(map(_is_container, value)):
        yield path, f"Write a list of 1 to {MOST_CHOICES} texts, numbers, true, false or null."


def _single(value: Any, path: str) -> Problems:
    if _is_container(value):
        yield path, "Write a text, a number, true, false or null."


def _number(value: Any, path: str) -> Problems:
    if not _is_number(value):
        yield path, "Write a number."


def _step(value: Any, path: str) -> Problems:
    if not _is_number(value) or value <= 0:
        yield path, "Write a number above 0."


def _count(value: Any, path: str) -> Problems:
    if type(value) is not int or value < 0:
        yield path, "Write a whole number of 0 or more."


def _flag(value: Any, path: str) -> Problems:
    if not isinstance(value, bool):
        yield path, "Write true or false."


def _words(value: Any, path: str) -> Problems:
    if not isinstance(value, str):
        yield path, "Write a text."


def _list(value: Any, path: str) -> Problems:
    if not isinstance(value, list):
        yield path, "Write a list."


def _anything(value: Any, path: str) -> Problems:
    return iter(())


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, int) or math.isfinite(value))
    )


KEYWORDS: dict[str, Callable[[Any, str], Problems]] = {
    "type": _types,
    "enum": _choices,
    "const": _single,
    "properties": _schemas,
    "required": _names,
    "additionalProperties": _rest,
    "minProperties": _count,
    "maxProperties": _count,
    "items": _schema,
    "minItems": _count,
    "maxItems": _count,
    "uniqueItems": _flag,
    "minLength": _count,
    "maxLength": _count,
    "format": _format,
    "minimum": _number,
    "maximum": _number,
    "exclusiveMinimum": _number,
    "exclusiveMaximum": _number,
    "multipleOf": _step,
    # These say something to people, and check nothing.
    "$schema": _dialect,
    "$comment": _words,
    "title": _words,
    "description": _words,
    "default": _anything,
    "examples": _list,
    "deprecated": _flag,
}
