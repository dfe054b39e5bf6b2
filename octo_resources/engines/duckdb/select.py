"""The SQL that evaluates a mapping over tokens: the targets' values and, for rows that fail, column, reason and value.

Names that begin with `!` are the engine's own; no path and no let of an expression can be called so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from octo_core.deletes import TOMBSTONE
from octo_core.expressions import Node, Path, Rendered, path_parts, paths, reason_in_full, to_duckdb, with_lets
from octo_core.expressions.tree import children
from octo_core.schema import Field, SourceSchema
from octo_core.types import DataType, arrow_type
from octo_resources.engines.cases import apart
from octo_resources.engines.judged import Spelling, null_words_as_null, said_of_failure
from octo_resources.engines.whole import whole

ROW: Final = "!row"
"""The row number in every relation of tokens."""
FAILURE: Final = ("column", "reason", "kind", "value")
"""What the first texts of `!failure` are: the target that failed, why, why without the row's value, and the token."""
GONE: Final = "!gone"
"""Whether a row is a tombstone."""
_GONE: Final = f"coalesce(lower(CAST(\"{TOMBSTONE}\" AS VARCHAR)) IN ('true', 't', '1'), false)"
_NEVER: Final = "CAST(NULL AS VARCHAR)"


def identifier(name: str) -> str:
    """A quoted name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant."""
    return "'" + text.replace("'", "''") + "'"


_SPELLING: Final = Spelling(identifier, literal, "VARCHAR")


@dataclass(frozen=True, slots=True)
class Tombstones:
    """That rows may be tombstones (TOMBSTONE is true): `kept` are the targets whose values hold for those too.

    With `passed_over` they do not come out, and are counted only."""

    kept: frozenset[str] = frozenset()
    passed_over: bool = False


@dataclass(frozen=True)
class Evaluation:
    """One mapping, ready to be laid over a relation of tokens."""

    types: dict[str, DataType]
    """Target column → type."""
    paths: tuple[str, ...]
    fields: tuple[str, ...]
    """The source's fields whose own contract is asked of rows that fail."""
    _values: tuple[Rendered, ...]
    _kinds: tuple[str, ...]
    """Per column the reason without the row's own value in it."""
    _sources: tuple[str | None, ...]
    """Per column the path whose token is shown of a row that failed."""
    _contract: tuple[Rendered, ...]
    _nulls: tuple[tuple[str, tuple[str, ...]], ...]
    """Paths of which some tokens mean NULL."""
    _blank: frozenset[str]
    """Paths of which an empty text means NULL where the file is delimited: no type but text has an empty token."""
    tombstones: Tombstones | None = None

    @property
    def schema(self) -> pa.Schema:
        """The good rows' columns, `_row`, and TOMBSTONE where rows may be tombstones."""
        found = {name: arrow_type(kind) for name, kind in self.types.items()} | {"_row": pa.int64()}
        return pa.schema(found | {TOMBSTONE: pa.bool_()} if self.gives_tombstones else found)

    @property
    def gives_tombstones(self) -> bool:
        """Whether tombstones come out among the rows."""
        return self.tombstones is not None and not self.tombstones.passed_over

    def over(self, source: str, extra: Sequence[str] = (), *, delimited: bool = False, detail: bool = False) -> str:
        """SELECT over a relation (a name, or a query in brackets) of `!row` and one column a path.

        Gives the targets as `!v0` …, `!row`, `extra`, and `!failure`: NULL, or for a row that fails a list of texts, as
        FAILURE says, followed by '1' or '0' for each of `fields`. With `detail` also the kind of each column's failure
        as `!r0` … (else NULL), a hash of each value as `!h0` …, and every path's token as `!p0` ….
        """
        shared = with_lets(self._values, self._tokens(source, extra, delimited))
        failing = [place for place, one in enumerate(self._values) if one.can_fail]
        first = " ".join(
            f"WHEN ({self._of_rows(place, one.reason)}) IS NOT NULL THEN {place}"
            for place, one in ((place, self._values[place]) for place in failing)
        )
        made = [f'{self._of_rows(place, one.value)} AS "!v{place}"' for place, one in enumerate(self._values)]
        if self.tombstones is not None:
            made.append(f"{_GONE} AS {identifier(GONE)}")
        made.append(f'{f"CASE {first} END" if first else "NULL"} AS "!place"')
        judged = f"SELECT *, {', '.join(made)} FROM {shared}"  # noqa: S608  (names quoted, texts escaped)
        outer = [identifier(f"!v{place}") for place in range(len(self._values))]
        outer += [identifier(ROW), f'{self._failure(failing)} AS "!failure"', *map(identifier, extra)]
        if self.tombstones is not None:
            outer.append(identifier(GONE))
        if detail:
            for place, one in enumerate(self._values):
                kind = self._of_rows(place, self._kinds[place]) if one.can_fail else _NEVER
                outer.append(f'{kind} AS "!r{place}"')
                outer.append(f'hash("!v{place}") AS "!h{place}"')
            outer += [f'{identifier(path)} AS "!p{place}"' for place, path in enumerate(self.paths)]
        return f"SELECT {', '.join(outer)} FROM ({judged})"  # noqa: S608  (names quoted, texts escaped)

    def _of_rows(self, place: int, sql: str) -> str:
        """What is asked of rows only: NULL for a tombstone, but of what holds for it too."""
        names = list(self.types)
        gone = self.tombstones
        return sql if gone is None or names[place] in gone.kept else f"CASE WHEN NOT {_GONE} THEN {sql} END"

    def _tokens(self, source: str, extra: Sequence[str], delimited: bool) -> str:
        blank = self._blank if delimited else ()
        return null_words_as_null(_SPELLING, source, self.paths, (ROW, *extra), dict(self._nulls), blank)

    def _failure(self, failing: Sequence[int]) -> str:
        """SQL of `!failure`; nothing of it is computed for good rows, which are nearly all."""
        if not failing:
            return "CAST(NULL AS VARCHAR[])"
        parts = [
            *said_of_failure(_SPELLING, failing, list(self.types), self._values, self._kinds, self._sources),
            *(f"CASE WHEN ({reason_in_full(one)}) IS NOT NULL THEN '1' ELSE '0' END" for one in self._contract),
        ]
        return f'CASE WHEN "!place" IS NOT NULL THEN [{", ".join(parts)}] END'


def evaluation(schema: SourceSchema, columns: Mapping[str, Node], tombstones: Tombstones | None = None) -> Evaluation:
    """Render a mapping: target column → typed expression."""
    columns = apart({name: whole(node) for name, node in columns.items()}, (TOMBSTONE,))
    used = tuple({path: None for node in columns.values() for path in paths(node)})
    if tombstones is not None and TOMBSTONE not in used:
        used = (*used, TOMBSTONE)
    contract = dict(_contract(columns.values()))
    fields = {path: _field_at(schema, path) for path in used}
    flat = {path: field for path, field in fields.items() if field is not None and len(path_parts(path)) == 1}
    return Evaluation(
        types={name: node.type for name, node in columns.items()},
        paths=used,
        fields=tuple(contract),
        _values=tuple(to_duckdb(node) for node in columns.values()),
        _kinds=tuple(to_duckdb(node, show_values=False).reason for node in columns.values()),
        _sources=tuple(next(iter(paths(node)), None) for node in columns.values()),
        _contract=tuple(contract.values()),
        _nulls=null_words(schema, used),
        _blank=frozenset(path for path, field in flat.items() if field.type.kind != "text"),
        tombstones=tombstones,
    )


def null_words(schema: SourceSchema, used: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Paths of which some tokens mean NULL, each with those tokens."""
    found = {path: _field_at(schema, path) for path in used}
    return tuple((path, field.nulls) for path, field in found.items() if field is not None and field.nulls)


def _field_at(schema: SourceSchema, path: str) -> Field | None:
    """The field at a path, also within records and lists."""
    first, *rest = path_parts(path)
    field = schema.field(str(first))
    for part in rest:
        if part == 0:  # the value itself, as it is written
            continue
        field = field.child("[]" if isinstance(part, int) else part) if field is not None else None
    return field


def contract_nodes(nodes: Iterable[Node]) -> dict[str, list[Path]]:
    """The source's fields by name, each with the paths that are read of it: their own contract is asked of rows that
    fail, whatever is made of them then."""
    found: dict[str, list[Path]] = {}
    stack, seen = list(nodes), set()
    while stack:
        node = stack.pop()
        stack.extend(children(node))
        if isinstance(node, Path) and node not in seen:
            seen.add(node)
            found.setdefault(str(path_parts(node.name)[0]), []).append(node)
    return dict(sorted(found.items()))


def _contract(nodes: Iterable[Node]) -> Iterator[tuple[str, Rendered]]:
    """Each used field once: whether reading its own tokens by its own type fails."""
    for name, read in contract_nodes(nodes).items():
        parts = [one for node in read if (one := to_duckdb(node, show_values=False)).can_fail]
        if parts:
            condition = " OR ".join(f"({part.reason}) IS NOT NULL" for part in parts)
            lets = tuple(let for part in parts for let in part.lets)
            yield name, Rendered("NULL", f"CASE WHEN {condition} THEN '' END", lets)
