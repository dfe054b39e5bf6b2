"""The columns of a file for `match`: of data, read and typed as a source's file is, or of a schema with labels.

A schema is JSON or YAML: a list of columns with `name`; an object of columns by name; either of them under `columns` or
`fields`; a JSON Schema (`properties`); or a pipeline.yaml, whose tables' labels are taken. A column may say `type`,
`label`, `description` or `comment`, `unit`, and `values` or `enum`; it may be its bare name. In JSON, what looks like
records is data.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from octo_core.errors import UsageError
from octo_core.mapping.attribute import MAX_VALUES, Attribute, from_field
from octo_core.schema import Field
from octo_core.types import DataType, parse_type
from octo_resources.sources.place import Progress, silent

MAX_SCHEMA: Final = 50_000_000
"""A JSON file of more bytes is data."""
_TEXTS: Final = ("label", "title", "description", "column_description", "comment")
_VALUES: Final = ("values", "enum", "value_data", "allowed")
_SAID: Final = frozenset({*_TEXTS, *_VALUES, "type", "unit", "name", "nullable", "required", "format", "pii"})
_JSON_TYPES: Final = {"string": "text", "integer": "int64", "number": "float64"}


def columns_of(path: Path, *, progress: Progress = silent) -> list[Attribute]:
    """The columns of a file; at least one.

    Raises UsageError where it is not there, is no schema, or has no columns; SourceError where data cannot be read.
    """
    found = _schema(path) if path.suffix.lower() in (".json", ".yaml", ".yml") and path.is_file() else None
    if found is None:
        from octo_resources.files import infer_file  # 200 ms: duckdb

        found = list(_fields(infer_file(path, progress=progress).fields, ""))
    if not found:
        raise UsageError("no columns in it", where=str(path), hint="A schema lists columns, each with a `name`.")
    name, times = Counter(one.name for one in found).most_common(1)[0]
    if times > 1:
        raise UsageError(f"{times} columns are called {name!r}", where=str(path), hint="Rename all of them but one.")
    return found


def _fields(fields: tuple[Field, ...], above: str) -> Iterator[Attribute]:
    """Every field by its path, as it is spelled in the file; what is inside a list is left out."""
    for one in fields:
        if one.name != "[]":
            yield from_field(one, above + one.name)
            if one.type.kind == "record":
                yield from _fields(one.children, above + one.name + ".")


def _schema(path: Path) -> list[Attribute] | None:
    """The columns that a schema lists; None where the file is data."""
    if path.stat().st_size > MAX_SCHEMA:
        return None
    is_yaml = path.suffix.lower() != ".json"
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = _yaml(text) if is_yaml else json.loads(text)
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are
        if is_yaml:
            raise UsageError(f"this is no YAML: {error}", where=str(path)) from error
        return None  # several JSON documents, or none: the reader of data says what is wrong
    listed = list(_listed(document, is_yaml))
    if is_yaml and not listed:
        raise UsageError(
            "no columns in it",
            where=str(path),
            hint="Write `columns:` with a list of `- name: …`, or a column's name and its label on each line.",
        )
    return listed or None


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error


def _listed(document: Any, certain: bool) -> Iterator[Attribute]:
    """The columns of a document; nothing where it is none of the shapes. `certain`: it can be nothing but a schema."""
    if isinstance(document, Mapping):
        if isinstance(document.get("tables"), Mapping) and ("sources" in document or "destination" in document):
            for table in document["tables"].values():
                yield from _by_name((table or {}).get("labels") or {})
            return
        for key in ("columns", "fields", "properties"):
            inner = document.get(key)
            if isinstance(inner, Mapping):
                yield from _by_name(inner)
                return
            if isinstance(inner, list) and key != "properties":
                yield from _by_list(inner, True)
                return
        about = [one for one in document.values() if isinstance(one, Mapping)]
        if document and (
            certain or (len(about) == len(document) and all(set(one) <= _SAID for one in about) and any(about))
        ):
            yield from _by_name(document)
    elif isinstance(document, list):
        yield from _by_list(document, certain)


def _by_list(columns: list[Any], certain: bool) -> Iterator[Attribute]:
    if certain or _are_columns(columns):
        for one in columns:
            if isinstance(one, str):
                yield Attribute(one)
            elif isinstance(one, Mapping) and isinstance(one.get("name"), str):
                yield _column(one["name"], one)


def _are_columns(listed: list[Any]) -> bool:
    """Whether a list in JSON says columns and not records: bare names, or objects that say what columns say.

    Where all that is said is a name, no name stands twice: nobody matches data of one column.
    """
    if listed and all(isinstance(one, str) for one in listed):
        return True
    alike = all(isinstance(one, Mapping) and "name" in one and set(one) <= _SAID for one in listed)
    names = [str(one["name"]) for one in listed] if alike else []
    return alike and (len(set(names)) == len(names) or any(set(one) - {"name"} for one in listed))


def _by_name(columns: Mapping[Any, Any]) -> Iterator[Attribute]:
    for name, about in columns.items():
        yield _column(str(name), about if isinstance(about, Mapping) else {"label": about})


def _column(name: str, about: Mapping[str, Any]) -> Attribute:
    texts = [str(about[key]) for key in _TEXTS if about.get(key)]
    values = next((about[key] for key in _VALUES if about.get(key)), ())
    listed = tuple(str(one) for one in values)[:MAX_VALUES] if isinstance(values, (list, tuple, Mapping)) else ()
    unit = about.get("unit")
    return Attribute(
        name,
        text=". ".join(dict.fromkeys(texts)),
        type=_type(about.get("type")),
        values=listed,
        closed=bool(listed),
        unit=str(unit) if unit else None,
    )


def _type(said: Any) -> DataType | None:
    """A type by our name or JSON Schema's; None where it is another's."""
    names = [one for one in said if one != "null"] if isinstance(said, list) else [said]
    if len(names) != 1 or not isinstance(names[0], str):
        return None
    try:
        return parse_type(_JSON_TYPES.get(names[0], names[0]))
    except ValueError:
        return None
