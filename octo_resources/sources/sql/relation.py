"""From a source's words to the relation that is read, and what is there where it is not."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from octo_core.errors import SourceError, UsageError
from octo_core.spec.nearest import nearest
from octo_core.spec.select import no_select
from octo_core.spec.sources import SqlSource
from octo_resources.sources.place import Place
from octo_resources.sources.sql.address import SqlAddress, explained
from octo_resources.sources.sql.shape import Described, Relation, SqlColumn

if TYPE_CHECKING:
    from octo_resources.sources.sql.reader import Reader

_PART: Final = re.compile(r'"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|\[([^\]]+)\]|([^."`\[\]\s]+)')

_ORDERED: Final = frozenset({"text", "uuid", "date", "time", "timestamp", "timestamptz"})


@contextmanager
def opened(
    spec: SqlSource, place: Place, together: int = 1
) -> "Iterator[tuple[SqlAddress, Reader, Relation, Described]]":
    """The database in a snapshot, for so many ranges at once, and the relation. Raises SourceError, UsageError."""
    address = SqlAddress.from_url(place.secrets.reveal(spec.url), place.root)
    relation = relation_of(spec, address.kind)
    reader = address.open(together, relation)
    try:
        yield address, reader, relation, described(reader, address, relation)
    finally:
        reader.close()


def relation_of(spec: SqlSource, kind: str) -> Relation:
    """The table or the query. Raises UsageError for a name that is none, and for a query that is no single SELECT."""
    if spec.query is not None:
        why = no_select(spec.query, kind or None)
        if why:
            raise UsageError(f"{why}; a query is one SELECT", where="query")
        return Relation(query=spec.query.strip().rstrip(";").rstrip())
    parts = _parts(spec.table or "", fold=kind == "postgres")
    return Relation(table=parts[-1], schema=".".join(parts[:-1]) or None)


def _parts(name: str, *, fold: bool) -> list[str]:
    parts, position = [], 0
    while match := _PART.match(name, position):
        double, back, square, plain = match.groups()
        if plain is not None:
            parts.append(plain.lower() if fold else plain)
        else:
            parts.append((double or "").replace('""', '"') or (back or "").replace("``", "`") or square)
        position = match.end()
        if position == len(name) or name[position] != ".":
            break
        position += 1
    if position != len(name) or not 1 <= len(parts) <= 3:
        hint = "Write name or schema.name, with double quotes round odd names: 'shop.\"My.Table\"'."
        raise UsageError(f"{name!r} is no table's name", where="table", hint=hint)
    return parts


def described(reader: "Reader", address: SqlAddress, relation: Relation) -> Described:
    """The relation as the catalog has it. SourceError names the nearest table where it is not there."""
    try:
        with explained(address):
            found = reader.describe(relation)
    except SourceError as error:
        _missing(address, relation, error)
        raise
    if not found.columns:
        raise SourceError(f"{relation} has no columns", where=str(address), retryable=False)
    twice = {one.name for one in found.columns if [two.name for two in found.columns].count(one.name) > 1}
    if twice:
        hint = "Give each column of the query a name of its own: … AS name."
        raise SourceError(f"{relation} has several columns '{min(twice)}'", where="query", hint=hint, retryable=False)
    return found


def _missing(address: SqlAddress, relation: Relation, error: SourceError) -> None:
    """Raises a better error where the table is not there: a new look, for the first one's transaction is spoilt."""
    if relation.table is None:
        error.retryable = error.retryable and "syntax" not in error.message
        return
    with explained(address):
        reader = address.open()
        try:
            there = reader.tables()
        finally:
            reader.close()
    if str(relation) in there or relation.table in there:
        return
    near = nearest(str(relation), there) or nearest(relation.table, there)
    hint = f"Did you mean {near}?" if near else f"There are: {', '.join(there[:12]) or 'no tables that it may read'}"
    raise SourceError(f"there is no table {relation}", where=str(address), hint=hint, retryable=False) from error


def ordered_column(found: Described, name: str, where: str) -> SqlColumn:
    """A column by its name whose values come one after another. Raises UsageError."""
    own = column_of(found, name, where)
    if own.type.is_numeric or own.type.kind in _ORDERED:
        return own
    raise UsageError(
        f"the column {name!r} is {own.type}, whose values have no order to go by",
        where=where,
        hint="Name a number, a time or a text.",
    )


def column_of(found: Described, name: str, where: str) -> SqlColumn:
    """A column by its name. Raises UsageError with the nearest one."""
    own = found.column(name)
    if own is not None:
        return own
    names = [one.name for one in found.columns]
    near = nearest(name, names)
    hint = f"Did you mean {near}?" if near else f"There are: {', '.join(names[:12])}"
    raise UsageError(f"there is no column {name!r}", where=where, hint=hint)
