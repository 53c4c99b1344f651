"""Checks records against their schema: a part of JSON Schema (draft 2020-12) in which that is quick, whatever comes.

Left out is what could make it slow: regular expressions, references, and whatever lets several schemas look at the same
value. So each value meets one schema at most, and the work grows with the size of the record alone.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from models import json_value
from models.errors import Invalid
from models.json_value import below
from models.record_formats import FORMATS
from models.schema_keywords import problems

LARGEST = 16 * 1024
DEEPEST = 16
MOST_ERRORS = 20
LONGEST_LIST = 200

TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def written(schema: dict[str, Any]) -> str:
    """The text of a schema to keep, or `Invalid` with the path of each thing that is wrong in it."""
    kept = json_value.written(schema, field="schema", largest=LARGEST, deepest=DEEPEST)
    wrong = dict(islice(problems(schema), MOST_ERRORS))
    if wrong:
        raise Invalid(wrong)
    return kept


def must_fit(schema: dict[str, Any], values: Any) -> None:
    """Raise `Invalid` with the path of each field that the schema refuses, up to the first few."""
    errors = Checker(schema).iter_errors(values)
    wrong = dict(islice((each for error in errors for each in _described(error)), MOST_ERRORS))
    if wrong:
        raise Invalid(wrong)


def fitting(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Whether values fit the schema, as a function for many of them."""
    checker = Checker(schema)
    return lambda values: bool(checker.is_valid(values))


def _described(error: ValidationError) -> Iterator[tuple[str, str]]:
    """An error of the library as a path and a sentence, without what was sent: that may be long."""
    path = "values"
    for step in error.absolute_path:
        path = below(path, step)
    keyword = str(error.validator)
    wanted: Any = error.validator_value
    schema: Any = error.schema
    found: Any = error.instance
    if keyword == "required":
        yield from ((below(path, name), "This field is needed.") for name in wanted if name not in found)
    elif keyword == "additionalProperties":
        known = schema.get("properties", ())
        yield from ((below(path, name), "There is no such field. Leave it out.") for name in found if name not in known)
    else:
        yield path, SENTENCES[keyword](wanted)


def _one_of_types(wanted: Any) -> str:
    return f"Send {' or '.join(TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))}."


def _one_of(wanted: list[Any]) -> str:
    listed = ", ".join(json.dumps(each, ensure_ascii=False) for each in wanted)
    return f"Use one of {listed}." if len(listed) <= LONGEST_LIST else "Use one of the values that the schema lists."


def _some(sentence: str) -> Callable[[Any], str]:
    return lambda wanted: sentence.format(json.dumps(wanted, ensure_ascii=False))


SENTENCES: dict[str, Callable[[Any], str]] = {
    "type": _one_of_types,
    "enum": _one_of,
    "const": lambda wanted: _one_of([wanted]).replace("one of ", "", 1),
    "format": lambda wanted: FORMATS[wanted].sentence,
    "minLength": _some("Use at least {} characters."),
    "maxLength": _some("Use at most {} characters."),
    "minimum": _some("Use {} or more."),
    "maximum": _some("Use {} or less."),
    "exclusiveMinimum": _some("Use more than {}."),
    "exclusiveMaximum": _some("Use less than {}."),
    "multipleOf": _some("Use a multiple of {}."),
    "minItems": _some("Send a list of at least {}."),
    "maxItems": _some("Send a list of at most {}."),
    "uniqueItems": lambda _: "Send each item once.",
    "minProperties": _some("Send at least {} fields."),
    "maxProperties": _some("Send at most {} fields."),
}


def _multiple_of(_checker: Any, step: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
    # Exact, as people read the digits: 0.3 is a multiple of 0.1. The library divides floats, and stops at large ones.
    if not _is_number(value):
        return
    whole = isinstance(value, int) and isinstance(step, int)
    if value % step if whole else _exact(value) % _exact(step):
        yield ValidationError("")


@lru_cache(256)
def _exact(value: int | float) -> Fraction:
    return Fraction(str(value))


def _unique_items(_checker: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
    # The library compares each item with each other one where they cannot be sorted.
    if wanted and isinstance(value, list) and len({_same(each) for each in value}) < len(value):
        yield ValidationError("")


def _enum(_checker: Any, choices: list[Any], value: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict | list) or not any(each == value and _alike(each, value) for each in choices):
        yield ValidationError("")


def _format(_checker: Any, name: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not FORMATS[name].fits(value):
        yield ValidationError("")


def _alike(one: Any, other: Any) -> bool:
    """Python takes true for 1; JSON does not."""
    return isinstance(one, bool) == isinstance(other, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any) -> str:
    """A text that two values share when they are equal in JSON Schema, where 1.0 is 1."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


Checker = validators.extend(
    Draft202012Validator,
    {"multipleOf": _multiple_of, "uniqueItems": _unique_items, "enum": _enum, "format": _format},
)
