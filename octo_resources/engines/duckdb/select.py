"""The SQL that evaluates a mapping over tokens: the targets' values and, for rows that fail, column, reason and value.

Names that begin with `!` are the engine's own; no path and no let of an expression can be called so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from octo_core.errors import NotSupportedYet
from octo_core.expressions import Node, Path, Rendered, path_parts, paths, select_duckdb, to_duckdb
from octo_core.expressions.tree import children
from octo_core.schema import SourceSchema
from octo_core.types import DataType, arrow_type
from octo_resources.engines.duckdb.scan import VALUE_LENGTH

ROW: Final = "!row"
"""The row number in every relation of tokens."""
_NEVER: Final = "CAST(NULL AS VARCHAR)"


def identifier(name: str) -> str:
    """A quoted name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant."""
    return "'" + text.replace("'", "''") + "'"


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

    @property
    def schema(self) -> pa.Schema:
        """The good rows' columns, and `_row`."""
        return pa.schema([*((name, arrow_type(kind)) for name, kind in self.types.items()), ("_row", pa.int64())])

    def over(self, source: str, extra: Sequence[str] = (), *, delimited: bool = False, detail: bool = False) -> str:
        """SELECT over a relation (a name, or a query in brackets) of `!row` and one column a path.

        Gives the targets as `!v0` …, `!row`, for rows that fail `!column`, `!reason`, `!kind`, `!value` (else NULL),
        a boolean `!c0` … for each of `fields`, and `extra`. With `detail` also the kind of each column's failure as
        `!r0` … (else NULL), a hash of each value as `!h0` …, and every path's token as `!p0` ….
        """
        columns = {f"!v{place}": one for place, one in enumerate(self._values)}
        columns |= {f"!k{n}": Rendered(kind, "NULL") for n, kind in enumerate(self._kinds) if kind != "NULL"}
        columns |= {f"!c{place}": one for place, one in enumerate(self._contract)}
        inner = select_duckdb(columns, self._tokens(source, extra, delimited), keep=[ROW, *extra, *self.paths])
        outer = [identifier(f"!v{place}") for place in range(len(self._values))]
        outer += [identifier(ROW), *self._first_failure(), *map(identifier, extra)]
        outer += [identifier(f"!c{place}") for place in range(len(self._contract))]
        if detail:
            for place, one in enumerate(self._values):
                outer.append(f'{identifier(f"!k{place}") if one.can_fail else _NEVER} AS "!r{place}"')
                outer.append(f'hash("!v{place}") AS "!h{place}"')
            outer += [f'{identifier(path)} AS "!p{place}"' for place, path in enumerate(self.paths)]
        return f"SELECT {', '.join(outer)} FROM ({inner})"  # noqa: S608  (names quoted, texts escaped)

    def _tokens(self, source: str, extra: Sequence[str], delimited: bool) -> str:
        nulls: dict[str, tuple[str, ...]] = dict(self._nulls)
        if delimited:
            nulls |= {path: ("", *nulls.get(path, ())) for path in self._blank}
        if not nulls:
            return source
        shown = [identifier(name) for name in (ROW, *extra)]
        for path in self.paths:
            name = identifier(path)
            words = ", ".join(literal(word) for word in nulls.get(path, ()))
            shown.append(f"CASE WHEN {name} NOT IN ({words}) THEN {name} END AS {name}" if words else name)
        return f"(SELECT {', '.join(shown)} FROM {source})"  # noqa: S608  (names quoted, texts escaped)

    def _first_failure(self) -> list[str]:
        alive = [place for place, one in enumerate(self._values) if one.can_fail]
        if not alive:
            return [f'{_NEVER} AS "{name}"' for name in ("!column", "!reason", "!kind", "!value")]
        names = list(self.types)
        tests = [(f'"!v{place}!" IS NOT NULL', place) for place in alive]
        column = " ".join(f"WHEN {test} THEN {literal(names[place])}" for test, place in tests)
        kind = " ".join(f'WHEN {test} THEN "!k{place}"' for test, place in tests)
        value = " ".join(
            f"WHEN {test} THEN left(CAST({identifier(source)} AS VARCHAR), {VALUE_LENGTH})"
            for test, place in tests
            if (source := self._sources[place]) is not None
        )
        reason = ", ".join(f'"!v{place}!"' for place in alive)
        return [
            f'CASE {column} END AS "!column"',
            f'coalesce({reason}) AS "!reason"',
            f'CASE {kind} END AS "!kind"',
            f'CASE {value} END AS "!value"' if value else f'{_NEVER} AS "!value"',
        ]


def evaluation(schema: SourceSchema, columns: Mapping[str, Node]) -> Evaluation:
    """Render a mapping: target column → typed expression. Raises NotSupportedYet where fields differ only in case."""
    used = tuple({path: None for node in columns.values() for path in paths(node)})
    _check_case(used)
    contract = dict(_contract(columns.values()))
    fields = {path: schema.field(str(path_parts(path)[0])) for path in used}
    nulls = {path: tuple(getattr(field, "nulls", None) or ()) for path, field in fields.items() if field is not None}
    flat = {path: field for path, field in fields.items() if field is not None and len(path_parts(path)) == 1}
    return Evaluation(
        types={name: node.type for name, node in columns.items()},
        paths=used,
        fields=tuple(contract),
        _values=tuple(to_duckdb(node) for node in columns.values()),
        _kinds=tuple(to_duckdb(node, show_values=False).reason for node in columns.values()),
        _sources=tuple(next(iter(paths(node)), None) for node in columns.values()),
        _contract=tuple(contract.values()),
        _nulls=tuple((path, words) for path, words in nulls.items() if words and path in flat),
        _blank=frozenset(path for path, field in flat.items() if field.type.kind not in ("text", "json")),
    )


def _check_case(used: Sequence[str]) -> None:
    """DuckDB's names are the same in upper and lower case: it would take one field's values for the other's."""
    folded: dict[str, str] = {}
    for path in used:
        other = folded.setdefault(path.casefold(), path)
        if other != path:
            raise NotSupportedYet(
                f"the fields {other} and {path} differ only in upper and lower case",
                hint="Map one of them; the embedded engine does not read both in one table yet.",
            )


def _contract(nodes: Iterable[Node]) -> Iterator[tuple[str, Rendered]]:
    """Each used field once: whether reading its own tokens by its own type fails, whatever is made of them then."""
    found: dict[str, list[Rendered]] = {}
    stack, seen = list(nodes), set()
    while stack:
        node = stack.pop()
        stack.extend(children(node))
        if isinstance(node, Path) and node not in seen:
            seen.add(node)
            rendered = to_duckdb(node, show_values=False)
            if rendered.can_fail:
                found.setdefault(str(path_parts(node.name)[0]), []).append(rendered)
    for name, parts in sorted(found.items()):
        condition = " OR ".join(f"({part.reason}) IS NOT NULL" for part in parts)
        yield name, Rendered(condition, "NULL", tuple(let for part in parts for let in part.lets))
