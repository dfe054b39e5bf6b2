"""The user's own word on fields (`fields:` and `key:` of a source) laid over what inference says."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_args

from octo_core.errors import UsageError
from octo_core.expressions.formats import check_format
from octo_core.inference.bearing import PERSONAL
from octo_core.schema import Field, Role
from octo_core.types import DataType, parse_type

KEYS: Final = ("type", "format", "nulls", "unit", "semantic", "role", "pii", "description", "nullable")
ROLES: Final = get_args(Role)
TOLD_BY_FILE: Final = "told by the pipeline file"


def override(
    fields: tuple[Field, ...], told: Mapping[str, Mapping[str, Any]], source: str, *, why: str = TOLD_BY_FILE
) -> tuple[Field, ...]:
    """The fields with what somebody (`why`) says of them; `a.b` names a record's field. Raises UsageError."""
    for path, said in told.items():
        fields = laid(fields, _parts(fields, path, source), said, source, why=why)
    return fields


def laid(
    fields: tuple[Field, ...], parts: Sequence[str], said: Mapping[str, Any], source: str, *, why: str
) -> tuple[Field, ...]:
    """The fields with what somebody says of one, given by its names from the top (`[]` for a list's element).

    Raises UsageError where it cannot be said of the field, and KeyError where there is none.
    """
    where = f"sources.{source}.fields.{'.'.join(parts)}"
    return _changed(fields, parts, lambda field: _told(field, said, where, why))


def checked_key(key: Sequence[str], names: Sequence[str], source: str) -> tuple[str, ...]:
    """The key, whose fields must be there (a nested one by its first part). Raises UsageError.

    A source that has no record yet has no fields, and nothing can be said of its key.
    """
    for part in key if names else ():
        if part not in names and part.split(".")[0] not in names:
            raise UsageError(
                f"the key names {part!r}, which the source does not have",
                where=f"sources.{source}.key",
                hint=_near(part, names),
            )
    return tuple(key)


def _parts(fields: tuple[Field, ...], path: str, source: str) -> tuple[str, ...]:
    """The names of the field at `a.b`, which may be one name. Raises UsageError where there is no such field."""
    parts: list[str] = []
    rest, here = path, fields
    while all(field.name != rest for field in here):
        head, _, rest = rest.partition(".")
        parent = next((field for field in here if field.name == head), None)
        if parent is None or not rest or not parent.children:
            hint = _near(head, [field.name for field in here])
            raise UsageError(f"the source has no field {path!r}", where=f"sources.{source}.fields", hint=hint)
        parts.append(head)
        here = parent.children
    return (*parts, rest)


def _changed(fields: tuple[Field, ...], parts: Sequence[str], change: Callable[[Field], Field]) -> tuple[Field, ...]:
    head, *rest = parts
    own = next((field for field in fields if field.name == head), None)
    if own is None:
        raise KeyError(head)
    if rest:
        children = _changed(own.children, rest, change)
        new = own.model_copy(update={"children": children, "type": type_of(own.type, children)})
    else:
        new = change(own)
    return tuple(new if field is own else field for field in fields)


def type_of(kind: DataType, children: tuple[Field, ...]) -> DataType:
    """A record's or list's type, whose parts have other types now."""
    if kind.kind == "record":
        return DataType("record", fields=tuple((child.name, child.type) for child in children))
    return DataType("list", element=children[0].type) if kind.kind == "list" and children else kind


def _told(field: Field, said: Mapping[str, Any], where: str, why: str) -> Field:
    unknown = next((key for key in said if key not in KEYS), None)
    if unknown is not None:
        raise UsageError(f"a field has no {unknown!r}", where=where, hint=_near(unknown, KEYS))
    update: dict[str, Any] = dict(said)
    kind = field.type
    try:
        if "type" in said:
            kind = update["type"] = (
                said["type"] if isinstance(said["type"], DataType) else parse_type(str(said["type"]))
            )
            if kind != field.type:
                update.setdefault("format", None if kind.family != field.type.family else field.format)
                update["children"] = field.children if kind.family == field.type.family else ()
                if kind.kind == "text":  # a text has words: that NA was no number there says nothing of them
                    update["nulls"] = ()
            if kind.kind == "json" and field.carrier in ("object", "array"):
                update["carrier"] = "mixed"  # any JSON is taken, of whatever structure all values were so far
        if update.get("format") is not None:
            check_format(kind, str(update["format"]))
    except ValueError as error:
        raise UsageError(
            str(error), where=where, hint="The types and formats are listed in docs/schemas-and-types.md."
        ) from error
    if said.get("role") is not None and said["role"] not in ROLES:
        raise UsageError(f"{said['role']!r} is no role", where=where, hint=_near(str(said["role"]), ROLES))
    if said.get("semantic") in PERSONAL:
        update.setdefault("pii", True)
    if "nulls" in said:
        update["nulls"] = tuple(map(str, said["nulls"]))
    return field.model_copy(update={**update, "confidence": 1.0, "why": why})


def _near(word: str, names: Sequence[str]) -> str:
    close = get_close_matches(word, names, 1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(names[:20])}."
