"""Whole examples of bodies, put together from the examples that the fields of a schema name."""

from typing import Any

MOMENT = "2026-05-04T09:30:00Z"
OF_FORMAT = {"date-time": MOMENT, "date": "2026-05-04", "email": "ada@example.com", "uri": "https://example.com/"}
OF_TYPE: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "string": "text", "null": None}

Schema = dict[str, Any]


def of_answer(schema: Schema, components: dict[str, Schema]) -> Any:
    """An answer with all of its fields."""
    return _example(schema, components, sent=False)


def of_request(schema: Schema, components: dict[str, Schema]) -> Any:
    """A request with the fields that are required, or worth an example."""
    return _example(schema, components, sent=True)


def resolved(schema: Schema, components: dict[str, Schema]) -> Schema:
    """The schema behind a reference, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    found = components[schema["$ref"].rpartition("/")[2]]
    return resolved({**found, **{name: value for name, value in schema.items() if name != "$ref"}}, components)


def without_null(schema: Schema) -> Schema:
    """What a value is when it is not null."""
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if "default" in rest and rest["default"] is None:
        del rest["default"]
    return {**choices[0], **rest}


def lacking(schema: Schema, components: dict[str, Schema], path: str = "") -> list[str]:
    """The fields whose example had to be made up. Only a string can be anything."""
    schema = resolved(schema, components)
    if _given(schema) or "oneOf" in schema or (_may_be_null(schema) and not path):
        return []
    if schema.get("type") == "array":
        return lacking(schema.get("items", {}), components, f"{path}[]")
    if schema.get("type") == "object":
        return [
            name
            for field, inner in schema.get("properties", {}).items()
            if field in schema.get("required", ())
            for name in lacking(inner, components, f"{path}.{field}".lstrip("."))
        ]
    return [path] if schema.get("type") == "string" and schema.get("format") not in OF_FORMAT else []


def _given(schema: Schema) -> bool:
    return any(name in schema for name in ("examples", "const", "enum")) or schema.get("default") is not None


def _may_be_null(schema: Schema) -> bool:
    return any(each.get("type") == "null" for each in schema.get("anyOf", ()))


def _example(schema: Schema, components: dict[str, Schema], *, sent: bool) -> Any:
    schema = resolved(schema, components)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", ())), None))
    if schema.get("default") is not None:
        return schema["default"]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        # A moment that may be missing is shown; the end of a list and the lack of a limit are null.
        if _may_be_null(schema) and not sent and choice.get("format") != "date-time":
            return None
        return _example(choice, components, sent=sent)
    return _of_type(schema, components, sent)


def _of_type(schema: Schema, components: dict[str, Schema], sent: bool) -> Any:
    kind = schema.get("type", "object")
    if kind == "array":
        return [_example(schema["items"], components, sent=sent)] if schema.get("items") and not sent else []
    if kind == "object":
        shown = {
            field: inner
            for field, inner in schema.get("properties", {}).items()
            if not sent or field in schema.get("required", ()) or "examples" in resolved(inner, components)
        }
        return {field: _example(inner, components, sent=sent) for field, inner in shown.items()}
    return OF_FORMAT.get(schema.get("format", ""), OF_TYPE.get(kind))
