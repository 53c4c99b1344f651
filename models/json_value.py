"""JSON from outside, as it is stored: bounded, and free of what a database or an answer cannot hold."""

import json
import math
import re
from typing import Any

from models.errors import Invalid

LONGEST_PATH = 200
# PostgreSQL keeps no NUL, and half of a surrogate pair is no character.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def written(value: Any, *, field: str, largest: int, deepest: int) -> str:
    """The compact text of a JSON value, or `Invalid` with the path of what is wrong, such as `values.tags.0`."""
    level, depth = [(field, value)], 0
    while level:
        depth += any(isinstance(each, dict | list) for _, each in level)
        if depth > deepest:
            raise Invalid({field: f"Nest at most {deepest} levels."})
        level = [inner for path, each in level for inner in _inside(path, each)]
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if (size := len(text.encode())) > largest:
        raise Invalid({field: f"Use at most {largest // 1024} KB of JSON. This has {math.ceil(size / 1024)} KB."})
    return text


def is_storable(text: str) -> bool:
    return not UNSTORABLE.search(text)


def _inside(path: str, value: Any) -> list[tuple[str, Any]]:
    """What a container holds, each with its path. Raises `Invalid` for a name or a value that cannot be kept."""
    if isinstance(value, dict):
        if not all(is_storable(name) for name in value):
            raise Invalid({path: "A name in here has a character that is not text. Leave it out."})
        return [(below(path, name), each) for name, each in value.items()]
    if isinstance(value, list):
        return [(below(path, place), each) for place, each in enumerate(value)]
    if isinstance(value, str) and not is_storable(value):
        raise Invalid({path: "This has a character that is not text. Leave it out."})
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid({path: "Use a number up to 1.7e308."})
    return []


def below(path: str, name: object) -> str:
    return f"{path}.{name}"[:LONGEST_PATH]


def merged(target: Any, patch: Any) -> Any:
    """A merge patch applied (RFC 7396): objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
