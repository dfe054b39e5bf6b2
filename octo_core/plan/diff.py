"""What differs between two recipes, in a reader's words; recipes with different fingerprints always differ here."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from octo_core.plan.fingerprint import canonical_json, fingerprint
from octo_core.plan.model import Change, Recipe, TableRecipe, TargetColumn, UsedField
from octo_core.schema import SourceSchema

Path = tuple[str, ...]

_LISTS = {
    "uniques": "unique constraint",
    "foreign_keys": "foreign key",
    "checks": "check",
    "triggers": "trigger",
    "exclusions": "exclusion constraint",
    "policies": "row security",
}
_WORDS = {
    "from_": "from",
    "primary_key": "primary key",
    "transforms": "order of the transformations",
    "after": "order of the SQL after the load",
    "narrowed": "columns that may be too small",
    "native": "type",
}
_FIELD = 3
"""Parts of the path of a source's field."""
_ONE_LINE = 40
"""Two values that take more than this together are not shown beside one another."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """One thing that a recipe says: its place in words, and its value as compared and as shown."""

    what: str
    value: str
    shown: str


def diff(old: Recipe, new: Recipe, typed: Mapping[str, SourceSchema] | None = None) -> tuple[Change, ...]:
    """Every difference, sorted by place; what is within something new or gone is not listed again.

    A recipe knows the fields it uses and no others; what has become of a field that is no longer used, its source's
    schema in `typed` says. Empty exactly where the fingerprints are equal.
    """
    alone = len(old.sources.keys() | new.sources.keys()) == 1
    before, after = dict(_facts(old, alone=alone)), dict(_facts(new, alone=alone))
    found = tuple(_unused(path, change, typed or {}) for path, change in _changes(before, after))
    if not found and fingerprint(old) != fingerprint(new):  # facts have no order, and a name stands for one fact
        return (Change(what="order within the recipe", kind="changed"),)
    return found


def change_text(change: Change) -> str:
    """One change as a clause: `source field arr_time changed from time to text`."""
    if change.kind != "changed":
        return f"{change.what} {change.kind}"
    if change.before is None and change.after is None:
        return f"{change.what} changed"
    before, after = change.before or "", change.after or ""
    if len(before) + len(after) > _ONE_LINE:
        return f"{change.what} changed (was: {before})"
    return f"{change.what} changed from {before or 'nothing'} to {after or 'nothing'}"


def _unused(path: Path, change: Change, typed: Mapping[str, SourceSchema]) -> Change:
    """A field that the old or the new recipe does not use says so: it may well be at the source all the same."""
    if path[0] != "source" or len(path) != _FIELD or change.kind == "changed":
        return change
    from octo_core.plan.fields import used_field  # with the expressions 0.15 s, which most commands need not pay

    schema = typed.get(path[1])
    now = used_field(schema, path[2]) if schema is not None else None
    if now is None and change.kind == "gone" and schema is not None:
        return change
    if now is None or change.kind == "new" or now.family == change.before:
        return change.model_copy(update={"what": f"use of {change.what}"})
    return change.model_copy(update={"kind": "changed", "after": f"{now.family} (not used)"})


def _changes(before: dict[Path, _Fact], after: dict[Path, _Fact]) -> Iterator[tuple[Path, Change]]:
    moved = before.keys() ^ after.keys()
    for path in sorted(before.keys() | after.keys()):
        if any(path[:length] in moved for length in range(1, len(path))):
            continue
        was, is_ = before.get(path), after.get(path)
        if was is None and is_ is not None:
            yield path, Change(what=is_.what, kind="new", after=is_.shown or None)
        elif was is not None and is_ is None:
            yield path, Change(what=was.what, kind="gone", before=was.shown or None)
        elif was is not None and is_ is not None and was.value != is_.value:
            yield path, Change(what=is_.what, kind="changed", before=was.shown, after=is_.shown)


def _facts(recipe: Recipe, *, alone: bool) -> Iterator[tuple[Path, _Fact]]:
    """All that a recipe says; a field that a later version adds to it comes under its own name."""
    for name, value in recipe:
        if name == "sources":
            for source, fields in recipe.sources.items():
                yield ("source", source), _fact(f"source {source}", "")
                for field in fields:
                    yield from _field(source, field, alone=alone)
        elif name == "tables":
            for table, made in recipe.tables.items():
                yield from _table(table, made)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from _optional((name, key), f"{name.removesuffix('s')} {key}", inner)
        else:
            yield from _optional((name,), {"language": "expression language"}.get(name, name), value)


def _field(source: str, field: UsedField, *, alone: bool) -> Iterator[tuple[Path, _Fact]]:
    place = ("source", source, field.name)
    what = f"source field {field.name}" if alone else f"source field {source}.{field.name}"
    yield place, _fact(what, field.family)
    for name, value in field:
        if name not in ("name", "family"):
            yield from _optional((*place, name), f"{name} of {what}", value)


def _table(table: str, recipe: TableRecipe) -> Iterator[tuple[Path, _Fact]]:
    place = ("table", table)
    yield place, _fact(table, "")
    for name, value in recipe:
        if name in _LISTS:
            yield from _many((*place, name), f"{_LISTS[name]} of {table}", value or ())
        elif name == "functions":
            for function, body in (value or {}).items():
                yield (*place, name, function), _fact(f"function {function}, which {table} calls", body)
        elif name == "generated":
            for column, sql in (value or {}).items():
                yield (*place, name, column), _fact(f"what {table}.{column} is computed by", sql)
        elif name == "files":
            for file, text in recipe.files.items():
                yield (*place, name, file), _fact(f"text of {file} ({table})", text, f"{len(text.splitlines())} lines")
        elif name not in ("columns", "targets"):
            yield from _optional((*place, name), f"{_WORDS.get(name, name)} of {table}", value)
    targets = {column.name: column for column in recipe.targets}
    for column in sorted(recipe.columns.keys() | targets.keys()):
        yield from _column(place, f"{table}.{column}", recipe.columns.get(column), targets.get(column), column)


def _column(
    place: Path, what: str, expression: str | None, target: TargetColumn | None, name: str
) -> Iterator[tuple[Path, _Fact]]:
    own = (*place, "column", name)
    yield own, _fact(what, expression, "not mapped" if expression is None else expression)
    if target is None:
        return
    yield (*own, "is"), _fact(f"{what} in the destination", True, "")
    for key, value in target:
        if key != "name":
            yield from _optional((*own, "is", key), f"{_WORDS.get(key, key)} of {what}", value)


def _many(place: Path, what: str, values: Iterable[Any]) -> Iterator[tuple[Path, _Fact]]:
    for value, times in Counter(canonical_json(value) for value in values).items():
        yield (*place, value), _Fact(f"{what}: {_readable(value)}", str(times), f"{times} times")


def _optional(place: Path, what: str, value: Any) -> Iterator[tuple[Path, _Fact]]:
    if value is not None:
        yield place, _fact(what, value)


def _fact(what: str, value: Any, shown: str | None = None) -> _Fact:
    return _Fact(what, canonical_json(value), _shown(value) if shown is None else shown)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and all(isinstance(inner, str) for inner in value):
        return f"({', '.join(value)})" if value else ""
    return str(value) if isinstance(value, str | int) else canonical_json(value)


def _readable(canonical: str) -> str:
    value = json.loads(canonical)
    if not isinstance(value, dict):
        return str(value)
    if "ref_table" in value:
        columns, others = ", ".join(value.get("columns", ())), ", ".join(value.get("ref_columns", ()))
        return f"({columns}) → {value['ref_table']} ({others})"
    return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
