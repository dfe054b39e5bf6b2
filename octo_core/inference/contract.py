"""A source schema as a JSON Schema (draft 2020-12): the contract of one record, for people and for code generation."""

from typing import Any, Final

from octo_core.schema import Field, SourceSchema
from octo_core.types import INTEGER_BITS, DataType

_FORMATS: Final[dict[str, str]] = {
    "date": "date", "time": "time", "timestamp": "date-time-local", "timestamptz": "date-time",
    "uuid": "uuid",
}  # fmt: skip
_SEMANTIC: Final[dict[str, str]] = {"email": "email", "url": "uri", "hostname": "hostname"}


def json_schema(schema: SourceSchema) -> dict[str, Any]:
    """The JSON Schema of one record as typed (after its formats were read). Unknown keys are allowed: they are drift's
    business. `x-octopipe-…` keys carry what JSON Schema has no word for: exact type, format, unit, semantic type.
    """
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema.source,
        **_object(schema.fields),
    }
    if schema.key:
        whole["x-octopipe-key"] = list(schema.key)
    return whole


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in fields},
        "required": [field.name for field in fields if not _may_miss(field)],
        "additionalProperties": True,
    }


def _may_miss(field: Field) -> bool:
    return field.nullable and (field.stats is None or field.stats.missing > 0)


def _field(field: Field) -> dict[str, Any]:
    schema = _typed(field.type, field)
    if field.nullable:
        kind = schema.get("type")
        schema = schema if kind is None else {**schema, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    notes: dict[str, Any] = {"description": _described(field)} if field.description else {}
    if field.type.kind not in ("record", "list"):
        notes["x-octopipe-type"] = str(field.type)
    said = (("format", field.format), ("unit", field.unit), ("semantic", field.semantic), ("nulls", list(field.nulls)))
    notes |= {f"x-octopipe-{name}": value for name, value in said if value}
    if field.pii:
        notes["x-octopipe-pii"] = True
    return {**schema, **notes}


def _described(field: Field) -> str:
    text = field.description or ""
    return text if not field.format or field.format in text else f"{text} Written as {field.format}."


def _typed(kind: DataType, field: Field | None = None) -> dict[str, Any]:
    if kind.kind == "record":
        if field is not None and field.children:
            return _object(field.children)
        children = tuple(Field(name=name, type=inner) for name, inner in kind.fields)
        return _object(children)
    if kind.kind == "list":
        element = field.children[0] if field is not None and field.children else None
        return {"type": "array", "items": _field(element) if element else _typed(kind.element or DataType("text"))}
    if kind.is_integer:
        bits = INTEGER_BITS[kind.kind]
        return {"type": "integer", "minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}
    if kind.kind == "decimal":
        # As a string or a number: JSON numbers may not carry 38 digits through every reader.
        return {
            "type": "number",
            "format": "decimal",
            "x-octopipe-precision": kind.precision,
            "x-octopipe-scale": kind.scale,
        }
    if kind.family == "float":
        return {"type": "number", "format": "double" if kind.kind == "float64" else "float"}
    if kind.kind == "boolean":
        return {"type": "boolean"}
    if kind.kind == "json":
        return {}
    if kind.kind == "bytes":
        return {"type": "string", "format": "binary"}
    if kind.kind in _FORMATS:
        return {"type": "string", "format": _FORMATS[kind.kind]}
    semantic = _SEMANTIC.get(field.semantic or "") if field is not None else None
    return {"type": "string", "x-octopipe-semantic-format": semantic} if semantic else {"type": "string"}
