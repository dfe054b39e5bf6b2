"""Whether a Spark can be reached and its executors can do our work: their Python, our packages, the same versions."""

import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pyarrow as pa

from octo_core.errors import EngineError
from octo_core.spec.pipeline import Engine
from octo_resources.engines.spark.engine import SparkEngine
from octo_resources.engines.spark.s3a import ASK
from octo_resources.engines.spark.session import Settings, close
from octo_resources.engines.spark.tokens import Task
from octo_resources.engines.spark.types import spark_schema

PACKAGES: Final = ("octopipe", "pyarrow", "duckdb", "psycopg", "pgpq")
"""What a task imports."""
PATIENCE: Final = 120.0
"""Seconds that a cluster has to lend an executor."""
_BUSY: Final = (
    "Is the cluster full, or has it no machine for what engine.memory, threads and conf ask? Look at its own pages."
)
_TOLD: Final = pa.schema({"host": pa.string(), "python": pa.string(), "packages": pa.string()})


class Examined(NamedTuple):
    state: Literal["ok", "warning", "broken"]
    found: str
    fix: str | None = None


def examine(engine: Engine, reveal: Callable[[str], str] = str) -> Examined:
    """Open a session, run one small job on it and close it again: some 10 s, once an address; at most `PATIENCE`."""
    settings = Settings.of(engine, reveal)
    asked = SparkEngine(settings, temp=Path(tempfile.gettempdir()), tag="octopipe-doctor")
    done, over = threading.Event(), threading.Event()
    threading.Thread(target=_end, args=(asked, done, over), name="octopipe-doctor", daemon=True).start()
    try:
        return _executors(settings, asked)
    except Exception as error:
        if over.is_set():
            return Examined("broken", f"{settings.place}: no executor came within {PATIENCE:g} s", _BUSY)
        if not isinstance(error, EngineError):
            raise
        return Examined("broken", f"{settings.place}: {error.message}", error.hint)
    finally:
        done.set()
        close()


def _end(asked: SparkEngine, done: threading.Event, over: threading.Event) -> None:
    """A cluster that is full lets a session, or its jobs, wait for as long as it is."""
    if done.wait(PATIENCE):
        return
    over.set()
    while not done.wait(1.0):
        with suppress(EngineError):
            asked.cancel()


def _executors(settings: Settings, asked: SparkEngine) -> Examined:
    with asked.watched():
        spark = asked.spark
        if settings.by_s3a:
            spark.sql(ASK).collect()
        rows = spark.range(0, 4, 1, 4).mapInArrow(telling(), spark_schema(_TOLD)).collect()
    ours = telling_of_here()
    theirs = {(row.host, row.python, row.packages) for row in rows}
    for host, python, packages in sorted(theirs):
        if python != ours[1]:
            fix = "Set spark.pyspark.python in engine.conf to the same version of Python on every executor."
            return Examined("broken", f"{host} runs Python {python}, this process {ours[1]}", fix)
        if packages != ours[2]:
            fix = "Install the same octopipe[spark] there as here."
            return Examined("broken", f"{host} has {packages}; here it is {ours[2]}", fix)
    hosts = ", ".join(sorted({host for host, _, _ in theirs}))
    return Examined("ok", f"{settings.place}, Spark {spark.version}; executors on {hosts}, Python {ours[1]}")


def telling() -> "Task":
    """The task that says what it runs on. It goes to the executor by value, as our packages may not be there."""

    names, schema = PACKAGES, ["host", "python", "packages"]

    def tell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import socket as net
        import sys as here
        from importlib import metadata

        import pyarrow

        def there(name: str) -> str:
            try:
                return f"{name} {metadata.version(name)}"
            except metadata.PackageNotFoundError:
                return f"no {name}"

        for _ in batches:
            python = f"{here.version_info[0]}.{here.version_info[1]}"
            told = [[net.gethostname()], [python], [", ".join(map(there, names))]]
            yield pyarrow.record_batch([pyarrow.array(one) for one in told], names=schema)

    return tell


def telling_of_here() -> tuple[str, str, str]:
    """What this process would tell."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return socket.gethostname(), f"{sys.version_info[0]}.{sys.version_info[1]}", packages
