"""The SQL that evaluates a mapping over tokens on Spark: the mirror of the embedded engine's, with the same columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from octo_core.deletes import TOMBSTONE
from octo_core.expressions import Node, Rendered, path_parts, paths, reason_in_full, with_lets
from octo_core.expressions.spark import to_spark
from octo_core.expressions.spark_names import literal
from octo_core.expressions.spark_names import name as identifier
from octo_core.schema import SourceSchema
from octo_core.types import DataType, arrow_type
from octo_resources.engines.cases import apart
from octo_resources.engines.duckdb.select import GONE, ROW, Tombstones, contract_nodes, null_words
from octo_resources.engines.judged import Spelling, null_words_as_null, said_of_failure
from octo_resources.engines.spark.notes import NOTE
from octo_resources.engines.whole import whole

_SPELLING: Final = Spelling(identifier, literal, "STRING")
_GONE: Final = f"coalesce(lower(CAST({identifier(TOMBSTONE)} AS STRING)) IN ('true', 't', '1'), false)"


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
    _sources: tuple[str | None, ...]
    _contract: tuple[str, ...]
    _nulls: tuple[tuple[str, tuple[str, ...]], ...]
    _blank: frozenset[str]
    """Paths of which an empty text means NULL where the file is delimited."""
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

    def over(self, source: str, *, delimited: bool = False, noted: bool = True) -> str:
        """SELECT over a relation of `!row`, one column a path and, where it is `noted`, `!note`.

        Gives the targets as `!v0` …, `!row`, `!note` and `!failure`: NULL, or for a row that fails an array of texts.
        """
        extra = (NOTE,) if noted else ()
        shared = with_lets(self._values, self._tokens(source, extra, delimited))
        failing = [place for place, one in enumerate(self._values) if one.can_fail]
        reasons = {place: self._of_rows(place, self._values[place].reason) for place in failing}
        first = " ".join(f"WHEN ({reason}) IS NOT NULL THEN {place}" for place, reason in reasons.items())
        made = [f"{self._of_rows(place, one.value)} AS `!v{place}`" for place, one in enumerate(self._values)]
        if self.tombstones is not None:
            made.append(f"{_GONE} AS {identifier(GONE)}")
        made.append(f"{f'CASE {first} END' if first else 'CAST(NULL AS INT)'} AS `!place`")
        judged = f"SELECT *, {', '.join(made)} FROM {shared}"  # noqa: S608  (names quoted, texts escaped)
        outer = [identifier(f"!v{place}") for place in range(len(self._values))]
        outer += [identifier(ROW), f"{self._failure(failing)} AS `!failure`", *map(identifier, extra)]
        if self.tombstones is not None:
            outer.append(identifier(GONE))
        return f"SELECT {', '.join(outer)} FROM ({judged})"  # noqa: S608  (names quoted, texts escaped)

    def _of_rows(self, place: int, sql: str) -> str:
        """What is asked of rows only: NULL for a tombstone, but of what holds for it too."""
        gone = self.tombstones
        return sql if gone is None or list(self.types)[place] in gone.kept else f"CASE WHEN NOT {_GONE} THEN {sql} END"

    def _tokens(self, source: str, extra: Sequence[str], delimited: bool) -> str:
        blank = self._blank if delimited else ()
        return null_words_as_null(_SPELLING, source, self.paths, (ROW, *extra), dict(self._nulls), blank)

    def _failure(self, failing: Sequence[int]) -> str:
        """SQL of `!failure`; nothing of it is computed for good rows, which are nearly all."""
        if not failing:
            return "CAST(NULL AS ARRAY<STRING>)"
        parts = [
            *said_of_failure(_SPELLING, failing, list(self.types), self._values, self._kinds, self._sources),
            *(f"CASE WHEN {condition} THEN '1' ELSE '0' END" for condition in self._contract),
        ]
        return f"CASE WHEN `!place` IS NOT NULL THEN array({', '.join(parts)}) END"


def evaluation(schema: SourceSchema, columns: Mapping[str, Node], tombstones: Tombstones | None = None) -> Evaluation:
    """Render a mapping for Spark: target column → typed expression."""
    columns = apart({name: whole(node) for name, node in columns.items()}, (TOMBSTONE,))  # its tasks read with DuckDB
    used = tuple({path: None for node in columns.values() for path in paths(node)})
    if tombstones is not None and TOMBSTONE not in used:
        used = (*used, TOMBSTONE)
    contract = contract_nodes(columns.values())
    asked = {
        name: [one for node in nodes if (one := to_spark(node, show_values=False)).can_fail]
        for name, nodes in contract.items()
    }
    asked = {name: found for name, found in asked.items() if found}
    return Evaluation(
        types={name: node.type for name, node in columns.items()},
        paths=used,
        fields=tuple(asked),
        _values=tuple(to_spark(node) for node in columns.values()),
        _kinds=tuple(to_spark(node, show_values=False).reason for node in columns.values()),
        _sources=tuple(next(iter(paths(node)), None) for node in columns.values()),
        _contract=tuple(
            " OR ".join(f"({reason_in_full(one)}) IS NOT NULL" for one in found) for found in asked.values()
        ),
        _nulls=null_words(schema, used),
        _blank=frozenset(path for path in used if len(path_parts(path)) == 1 and _blank(schema, path)),
        tombstones=tombstones,
    )


def _blank(schema: SourceSchema, path: str) -> bool:
    field = schema.field(str(path_parts(path)[0]))
    return field is not None and field.type.kind != "text"
