"""Opens DuckDB for one pass: bounded, offline, locked."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from octo_core.expressions import VARIABLES, pseudonym_pads
from octo_resources.engines.duckdb.variables import LoadVariables

if TYPE_CHECKING:
    import duckdb

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
        self.expired = False
        self._timer: threading.Timer | None = None

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
