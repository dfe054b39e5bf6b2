"""Opens DuckDB for one pass: bounded, offline, locked."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from octo_core.expressions import VARIABLES, pseudonym_pads
from octo_resources.engines.duckdb.variables import LoadVariables

if TYPE_CHECKING:
    import duckdb

HELD: Final = "memory.main.octo_held"
_LIFE: Final = 5_000_000
_PLANS: Final = 16
MEMORY: Final = 1 << 30
"""Bytes for DuckDB itself when nothing is told; a plain pass over the rows needs far less."""


class Session:
    """A database in memory of its own with two connections: `main` streams, `side` judges what `main` put aside."""

    def __init__(self, *, memory: int | None, threads: int | None, temp: Path, variables: LoadVariables | None) -> None:
        import duckdb  # 0.06 s

        temp.mkdir(parents=True, exist_ok=True)
        self.main = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{(memory or MEMORY) >> 20}MiB",
                "threads": threads or os.cpu_count() or 1,
                "temp_directory": str(temp),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self.side = self.main.cursor()
        self.main.execute("SET enable_external_access = false")
        self.main.execute("SET enable_progress_bar = false")  # it would be drawn on standard output
        for connection in (self.main, self.side):
            connection.execute("SET TimeZone = 'UTC'")
            if variables is not None:
                _set(connection, variables)
        self.main.execute("SET lock_configuration = true")
        self.layouts: dict[Any, Any] = {}
        """What was learned of the lines of a source, for who reads more of them in this session."""
        self.rows = 0
        """Lines that `held` took."""
        self._plans: dict[str, str] = {}
        self.expired = False
        self._timer: threading.Timer | None = None

    def set(self, variables: LoadVariables) -> None:
        """Take another load's variables."""
        for connection in (self.main, self.side):
            _set(connection, variables)

    def held(self, lines: pa.Table, query: str) -> pa.Table:
        """What `query` gives over these lines, called HELD in it (`!row`, `line`): its plan is kept for the next ones.

        To plan the SQL of a mapping takes 60 ms of CPU, however few the lines. For few: one thread reads the table.
        """
        if not self.rows:
            self.main.execute(f'CREATE TABLE IF NOT EXISTS {HELD} ("!row" BIGINT, line VARCHAR)')
        self.rows += max(1, lines.num_rows)
        self.main.register("octo_came", lines)
        self.main.execute(f"INSERT INTO {HELD} SELECT * FROM octo_came")  # noqa: S608 - a constant
        self.main.unregister("octo_came")
        try:
            came: pa.Table = self.main.sql(self._plan(query)).to_arrow_table()
            return came
        finally:
            self.main.execute(f"TRUNCATE {HELD}")

    def _plan(self, query: str) -> str:
        if "getvariable(" in query:  # a plan keeps the values that they had
            return query
        if query not in self._plans:
            name = f"octo_plan_{len(self._plans)}"
            self.main.execute(f"PREPARE {name} AS {query}")
            self._plans[query] = name
        return f"EXECUTE {self._plans[query]}"

    @property
    def worn(self) -> bool:
        """Whether it is time for another session: rows that are gone leave something behind, plans that are not used
        any more do."""
        return self.rows > _LIFE or len(self._plans) > _PLANS

    def end_after(self, seconds: float) -> None:
        """Interrupt whatever runs when so many seconds are over."""
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self.expired = True
        for connection in (self.side, self.main):
            connection.interrupt()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self.side.close()
        self.main.close()


def at_once(connection: "duckdb.DuckDBPyConnection", query: str) -> pa.Table:
    """All that a query gives, planned once: a relation is planned when it is made and again when it is read."""
    connection.execute(f"PREPARE octo_once AS {query}")
    try:
        found: pa.Table = connection.sql("EXECUTE octo_once").to_arrow_table()
        return found
    finally:
        connection.execute("DEALLOCATE octo_once")


def _set(connection: "duckdb.DuckDBPyConnection", variables: LoadVariables) -> None:
    """As bound parameters: the key never stands in a statement's text."""
    values: dict[str, object] = {
        VARIABLES["load_time"]: variables.load_time,
        VARIABLES["load_id"]: variables.load_id,
    }
    if variables.pseudonym_key is not None:
        values |= pseudonym_pads(variables.pseudonym_key)
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = $1", [value])
