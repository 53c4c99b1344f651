"""What pydantic found wrong in a request, in our words, each at its path in what was sent, and not without end."""

from typing import Any

import pydantic

from models.errors import Invalid

# A body of 1 MB may have a mistake in every few bytes, and names as long as itself.
MOST = 20
LONGEST_PATH = 200

TIME = "Write a time with its zone, like 2027-01-31T00:00:00Z."
NUMBER = "Send a whole number."
FLAG = "Send true or false."
OBJECT = "Send an object."
# By pydantic's name for the kind of mistake: https://docs.pydantic.dev/latest/errors/validation_errors/
SENTENCES = {
    "missing": "This field is needed.",
    "extra_forbidden": "There is no such field. Leave it out.",
    "string_type": "Send a text.",
    "string_unicode": "This has a character that is not text. Leave it out.",
    "string_too_short": "Use at least {min_length}.",
    "string_too_long": "Use at most {max_length:,} characters.",
    "string_pattern_mismatch": "This does not have the form {pattern}",
    "int_type": NUMBER,
    "int_parsing": NUMBER,
    "int_parsing_size": NUMBER,
    "int_from_float": NUMBER,
    "greater_than_equal": "Use {ge} or more.",
    "less_than_equal": "Use {le:,} or less.",
    "bool_type": FLAG,
    "list_type": "Send a list.",
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "too_short": "Send a list of at least {min_length}.",
    "too_long": "Send a list of at most {max_length}.",
    "literal_error": "Use one of {expected}.",
    "union_tag_invalid": "Use one of {expected_tags}.",
    "union_tag_not_found": "This needs the field {discriminator}.",
    "value_error": "{error}",
    "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME,
    "datetime_object_invalid": TIME,
    "timezone_aware": TIME,
}


def described(problem: pydantic.ValidationError, given: Any) -> Invalid:
    """The refusal for the first mistakes in `given`, each field once."""
    wrong: dict[str, str] = {}
    for each in problem.errors(include_url=False, include_input=False):
        wrong.setdefault(_path(each["loc"], given), _sentence(each))
        if len(wrong) == MOST:
            break
    return Invalid(wrong)


def _path(place: tuple[int | str, ...], given: Any) -> str:
    """Where a value is in what was sent. Pydantic also names the kind of step it took it for, which nobody sent."""
    path, here = [], given
    for number, name in enumerate(place):
        known = _has(here, name)
        if known or number == len(place) - 1:
            path.append(str(name))
        if known:
            here = here[name]
    return ".".join(path)[:LONGEST_PATH] or "body"


def _has(here: Any, name: int | str) -> bool:
    return name in here if isinstance(here, dict) else isinstance(here, list) and isinstance(name, int)


def _sentence(mistake: Any) -> str:
    known = SENTENCES.get(mistake["type"])
    return known.format_map(mistake.get("ctx", {})) if known else str(mistake["msg"])
