"""One batch in its TEMP table: COPY, the rows set aside with their reasons, and finding single rows that offend."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from octo_core.catalog import Table
from octo_core.deletes import TOMBSTONE
from octo_core.errors import DestinationError
from octo_resources.destinations.names import literal, quoted_table
from octo_resources.destinations.postgres.session import Refused, Session
from octo_resources.destinations.postgres.staging import ROW, Staged, pieces
from octo_resources.destinations.writing import Rejected

_PAGE: Final = 10_000
LONGEST_VALUE: Final = 500
MOST_BY_BISECTION: Final = 1_000
"""Rows that are found by trying halves; each costs a dozen attempts."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a row may break: `condition` is SQL over the staged row `s`, true where it is broken."""

    column: str | None
    reason: str
    condition: str
    value: str = "NULL"
    of_key: bool = False
    """Whether a tombstone is asked too, of which nothing but the key has to hold."""
    quotes: bool = False
    """See `Rejected`."""


class Stage:
    """The staging table `pg_temp.octo_stage_N`, and beside it `octo_rejects_N`; both go with the transaction."""

    def __init__(
        self, session: Session, table: Table, columns: tuple[Staged, ...], number: int, *, tombstones: bool = False
    ) -> None:
        self.session = session
        self.table = table
        self.columns = columns
        self.by_name = {staged.column.name: staged for staged in columns}
        self._short = f"octo_stage_{number}"
        self.name = f"pg_temp.{self._short}"
        self._short_rejects = f"octo_rejects_{number}"
        self.rejects = f"pg_temp.{self._short_rejects}"
        self._short_keys = f"octo_keys_{number}"
        self.seen = self.name
        """Where the keys of all rows that came are: the staged rows, or a table of its own."""
        self.target = quoted_table(table.schema_name, table.table_name)
        self.rejected = 0
        self.tombstones = tombstones
        """Whether tombstones are among the staged rows, as `_deleted` says."""
        self._short_gone = f"octo_gone_{number}"
        self.gone = f"pg_temp.{self._short_gone}"
        """Where `part_tombstones` puts them."""
        self._reasons: list[tuple[str | None, str, bool]] = []
        self._numbered = False
        self._parts: tuple[str, ...] = ()
        self._expected: int | None = None

    def create(self) -> None:
        columns = "".join(f", c{staged.index} {staged.stage}" for staged in self.columns)
        marker = f", {TOMBSTONE} boolean" if self.tombstones else ""
        self.session.run(f"CREATE TEMP TABLE {self._short} ({ROW} bigint{columns}{marker}) ON COMMIT DROP")
        self.session.run(
            f"CREATE TEMP TABLE {self._short_rejects} (id bigint GENERATED ALWAYS AS IDENTITY, "
            f"{ROW} bigint, rule integer, value text) ON COMMIT DROP"
        )

    def take(self, parts: Sequence[str]) -> None:
        """Stand for rows that are staged in other tables of the same columns, until `gather`."""
        self._parts = tuple(f"SELECT {self._listed} FROM {part}" for part in parts)
        if self._parts:
            self.name = self.seen = f"({' UNION ALL '.join(self._parts)})"

    def expect(self, rows: int) -> int:
        """How many rows those are said to be; what is moved has to be as many."""
        self._expected = rows
        return rows

    def gather(self) -> None:
        """Bring the rows of other tables into the staging table, where they can be numbered, judged and taken away."""
        if self._parts:
            parts, self._parts = self._parts, ()
            self.name = self.seen = f"pg_temp.{self._short}"
            into = f"INSERT INTO {self.name} ({self._listed})"
            self.check(sum(self.session.run(f"{into} {part}") for part in parts))

    def gathering(self, part: str) -> str:
        """SQL that brings the rows of one other table into the staging table."""
        return f"INSERT INTO pg_temp.{self._short} ({self._listed}) SELECT {self._listed} FROM {part}"

    @property
    def _listed(self) -> str:
        own = [ROW, *([TOMBSTONE] if self.tombstones else [])]
        return ", ".join([*own, *(f"c{staged.index}" for staged in self.columns)])

    def check(self, moved: int) -> None:
        """Raises DestinationError unless as many rows were moved as the tasks say they brought."""
        if self._expected is not None and moved != self._expected:
            message = f"the tasks say that they brought {self._expected:,} rows, and {moved:,} are there"
            raise DestinationError(message, where=self.table.name, hint="nothing was loaded; run it again")
        self._expected = None

    def copy(self, rows: pa.RecordBatchReader) -> int:
        return self.session.copy(self._short, rows, schema=None)

    def copy_what_fits(self, rows: pa.Table) -> None:
        """COPY the rows, and set aside each that PostgreSQL refuses already there."""
        waiting, found = [rows], 0
        while waiting:
            some = waiting.pop()
            try:
                with self.session.savepoint():
                    self.copy(pieces(some))
            except Refused as error:
                if not error.rows_fault:
                    raise
                half = some.num_rows // 2
                if half:
                    waiting += [some.slice(half), some.slice(0, half)]
                    continue
                found += 1
                if found > MOST_BY_BISECTION:
                    raise self._too_many(error) from error
                self._reject_unstaged(int(some.column(ROW)[0].as_py()), error)

    def _reject_unstaged(self, row: int, why: Refused) -> None:
        self.session.run(f"INSERT INTO {self.rejects} ({ROW}, rule) VALUES ({row}, {len(self._reasons)})")
        self._reasons.append((None, why.message, True))
        self.rejected += 1

    def remember_keys(self, key: Sequence[str], others: pa.Table | None) -> None:
        """Keep the keys of all staged rows, and `others` by the columns' names, before rows are set aside."""
        names = [f"c{self.by_name[name].index}" for name in key]
        self.session.run(
            f"CREATE TEMP TABLE {self._short_keys} ON COMMIT DROP AS SELECT {', '.join(names)} FROM {self.name}"
        )
        if others is not None and others.num_rows:
            table = others.select(list(key)).rename_columns(names)
            self.session.copy(self._short_keys, table.to_reader(), schema=None)
        self.seen = f"pg_temp.{self._short_keys}"
        self.session.run(f"ANALYZE {self.seen}")

    def analyze(self) -> None:
        self.session.run(f"ANALYZE {self.name}")

    def reject(self, rules: Sequence[Rule]) -> int:
        """Set aside the rows that break one of the rules, each for the first that it breaks; gives their number."""
        if not rules:
            return 0
        if self.tombstones:
            rules = [one if one.of_key else replace(one, condition=self._of_rows(one.condition)) for one in rules]
        first = len(self._reasons)
        self._reasons += [(rule.column, rule.reason, rule.quotes) for rule in rules]
        broken = " ".join(f"WHEN {rule.condition} THEN {first + n}" for n, rule in enumerate(rules))
        shown = " ".join(f"WHEN {first + n} THEN {rule.value}" for n, rule in enumerate(rules))
        # A single rule stands by itself, so that PostgreSQL can make a join of an EXISTS in it.
        where, which = (f"(CASE {broken} END) IS NOT NULL", f"CASE {broken} END")
        if len(rules) == 1:
            where, which = rules[0].condition, str(first)
        found = self.session.run(
            f"WITH gone AS (DELETE FROM {self.name} s WHERE {where} RETURNING s.{ROW} AS row, {which} AS rule, s.*) "
            f"INSERT INTO {self.rejects} ({ROW}, rule, value) "
            f"SELECT s.row, s.rule, left(CASE s.rule {shown} END, {LONGEST_VALUE}) FROM gone s ORDER BY s.row"
        )
        self.rejected += found
        return found

    @staticmethod
    def _of_rows(condition: str) -> str:
        return f"NOT s.{TOMBSTONE} AND ({condition})"

    def part_tombstones(self) -> int:
        """Take the tombstones out of the staged rows, into a table of their own; gives their number."""
        self.session.run(f"CREATE TEMP TABLE {self._short_gone} (LIKE {self.name}) ON COMMIT DROP")
        found = self.session.run(
            f"WITH gone AS (DELETE FROM {self.name} s WHERE s.{TOMBSTONE} RETURNING s.*) "
            f"INSERT INTO {self.gone} SELECT * FROM gone"
        )
        self.tombstones = False
        return found

    def reject_numbered(
        self, number: int, column: str | None, reason: str, value: str = "NULL", *, quotes: bool = False
    ) -> None:
        """Set aside the row that `isolate` found."""
        self.reject([Rule(column, reason, f"s.n = {number}", value, of_key=True, quotes=quotes)])

    def number(self) -> int:
        """Number the staged rows (`s.n`), in the order in which they came; gives how many numbers there are."""
        if not self._numbered:
            self.session.run(f"ALTER TABLE {self.name} ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY")
            self.session.run(f"CREATE UNIQUE INDEX ON {self.name} (n)")
            self.analyze()
            self._numbered = True
        return int(self.session.value(f"SELECT coalesce(max(n), 0) FROM {self.name}"))

    def isolate(self, attempt: Callable[[str], None]) -> Iterator[tuple[int, Refused]]:
        """Try the rows by halves; gives the number and the error of each that fails alone.

        `attempt` takes a condition over `s` and raises Refused. What it did for halves that pass stays done.
        """
        waiting, found = [(1, self.number())], 0
        while waiting:
            low, high = waiting.pop()
            if low > high:
                continue
            try:
                with self.session.savepoint():
                    attempt(f"s.n BETWEEN {low} AND {high}")
            except Refused as error:
                if not error.rows_fault:
                    raise
                if low < high:
                    middle = (low + high) // 2
                    waiting += [(middle + 1, high), (low, middle)]
                    continue
                found += 1
                if found > MOST_BY_BISECTION:
                    raise self._too_many(error) from error
                yield low, error

    def _too_many(self, error: Refused) -> DestinationError:
        return DestinationError(
            f"more than {MOST_BY_BISECTION:,} rows are refused one by one, the last with: {error.message}",
            where=self.table.name,
            hint="nothing was loaded; change the mapping, or what refuses them (a trigger, an exclusion constraint)",
        )

    def __len__(self) -> int:
        return self.rejected

    def __iter__(self) -> Iterator[Rejected]:
        row, last = -(2**63), 0
        while True:
            page = self.session.rows(
                f"SELECT {ROW}, id, rule, value FROM {self.rejects} WHERE ({ROW}, id) > ({row}, {last}) "
                f"ORDER BY {ROW}, id LIMIT {_PAGE}"
            )
            for number, _, rule, value in page:
                column, reason, quotes = self._reasons[rule]
                yield Rejected(number, column, reason, value, quotes)
            if len(page) < _PAGE:
                return
            row, last = page[-1][:2]

    def compared(self, column: str, alias: str = "t") -> tuple[str, str]:
        """SQL of a destination's value and of the staged one, to compare whether they are the same value.

        `=` calls things equal that are not the same ('1 day' and '24:00:00', 'a' and 'A' in citext, boxes of one area)
        and some types have none (json, xml, point): those are compared as text.
        """
        staged = self.by_name[column]
        theirs, ours = f"{alias}.{_q(column)}", staged.plain
        if staged.base in _BY_VALUE or staged.base.startswith(("numeric", "timestamp", "time", "character(")):
            return theirs, ours
        if staged.base == "text" or staged.base.startswith("character varying"):
            return f'{theirs} COLLATE "C"', f'{ours} COLLATE "C"'
        return f"{theirs}::text", f"({ours})::text"

    def key_equal(self, key: Sequence[str], alias: str = "t") -> str:
        """SQL of `the destination's row has the staged row's key`, by the table's own equality."""
        return " AND ".join(f"{alias}.{_q(name)} = {self.by_name[name].plain}" for name in key)

    def key_text(self, key: Sequence[str]) -> str:
        """SQL of a key as a person reads it: `a = 1, b = x`."""
        return "concat_ws(', ', " + ", ".join(f"{literal(f'{n} = ')} || {self.by_name[n].raw}::text" for n in key) + ")"


_BY_VALUE: Final = frozenset(
    {"boolean", "smallint", "integer", "bigint", "real", "double precision", "bytea", "date", "uuid", "jsonb"}
)


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
