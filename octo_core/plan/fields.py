"""A source's field as the fingerprint sees it."""

from octo_core.expressions import path_parts, path_text
from octo_core.plan.model import UsedField
from octo_core.schema import Field, SourceSchema
from octo_core.types import DataType


def used_field(schema: SourceSchema, path: str) -> UsedField | None:
    """The field at a path (its canonical text), None where the schema has none."""
    parts = path_parts(path)
    field: Field | None = schema.field(str(parts[0]))
    kind = field.type if field else None
    for part in parts[1:]:
        field = field.child("[]" if isinstance(part, int) else part) if field else None
        inner = field.type if field else None
        kind = inner or _within(kind, part)
    if kind is None:
        return None
    return UsedField(
        name=path,
        family=family_text(kind),
        format=field.format if field else None,
        unit=field.unit if field else None,
    )


def family_text(kind: DataType) -> str:
    """A type without its widths, also within lists and records: `list<integer>`."""
    if kind.kind == "list" and kind.element is not None:
        return f"list<{family_text(kind.element)}>"
    if kind.kind == "record":
        inner = ", ".join(
            f"{path_text((name,))}: {family_text(own)}" for name, own in sorted(kind.fields, key=lambda f: f[0])
        )
        return f"record{{{inner}}}"
    return kind.family


def _within(kind: DataType | None, part: str | int) -> DataType | None:
    if kind is None:
        return None
    return kind.element if isinstance(part, int) else kind.field(part)
