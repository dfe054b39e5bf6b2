"""Names what is different between two definitions of one table, for a person."""

from collections.abc import Iterator, Sequence

from octo_core.catalog import Column, Table


def definition_changes(before: Table, after: Table) -> list[str]:
    """One phrase a difference that decides what a written row becomes; labels, comments and sizes do not count."""
    return [f"{before.name}{text}" for text in (*_columns(before, after), *_parts(before, after))]


def _columns(before: Table, after: Table) -> Iterator[str]:
    for column in before.columns:
        now = after.column(column.name)
        if now is None:
            yield f".{column.name} is gone"
        elif changed := _changed(column, now):
            yield f".{column.name}: {changed}"
    for column in after.columns:
        if before.column(column.name) is None:
            yield f".{column.name} is new"


def _changed(before: Column, after: Column) -> str:
    aspects = ("native", "nullable", "default", "generated", "identity", "enum", "domain")
    return ", ".join(
        f"{aspect} was {getattr(before, aspect)}, is {getattr(after, aspect)}"
        for aspect in aspects
        if getattr(before, aspect) != getattr(after, aspect)
    )


def _parts(before: Table, after: Table) -> Iterator[str]:
    if before.primary_key != after.primary_key:
        yield f": primary key was ({', '.join(before.primary_key)}), is ({', '.join(after.primary_key)})"
    for what in ("uniques", "foreign_keys", "checks", "triggers"):
        yield from _named(what.replace("_", " ").removesuffix("s"), getattr(before, what), getattr(after, what))
    for definition in set(before.exclusions) ^ set(after.exclusions):
        yield f": {'gone' if definition in before.exclusions else 'new'} {definition}"
    if before.kind != after.kind:
        yield f" was a {before.kind} table, is a {after.kind} one"


def _named(what: str, before: Sequence[object], after: Sequence[object]) -> Iterator[str]:
    mine = {str(getattr(one, "name", one)): one for one in before}
    theirs = {str(getattr(one, "name", one)): one for one in after}
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            yield f": {what} {name} {'is new' if name not in mine else 'is gone' if name not in theirs else 'changed'}"
