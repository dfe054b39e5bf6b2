"""Parquet into PostgreSQL on Spark: a whole load, safe to retry, against Spark's own JDBC write, which is not.

Rows are appended without a key, as JDBC does: into a plain table, and into one whose empty partitions are exchanged for
those that the tasks filled.
Both run in one local session on two cores that is up already; the JDBC write has batched and rewritten inserts. And the
peak memory of the driver and its Python workers at 5 and at 20 million rows.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from benchmarks.measure import Figure, by_turns, report
from benchmarks.place import Place, Sales, place
from octo_resources.engines.spark.session import Settings, close, session
from octo_resources.flow import load

ROWS = 5_000_000
FILES = 8
DRIVER = "org.postgresql:postgresql:42.7.8"
CORES = "local[2]"
_CONF = {"spark.driver.memory": "2g", "octopipe.spark.attach": "true"}
_SPARK = {"kind": "spark", "master": CORES, "packages": [DRIVER], "conf": _CONF}
_ENGINE = f"engine: {json.dumps(_SPARK)}\n"
TABLE = """
CREATE TABLE sale (id bigint NOT NULL, sold_at timestamptz NOT NULL, customer text NOT NULL,
                   amount numeric(12, 2) NOT NULL, quantity integer NOT NULL, note text)
"""


PARTED = "CREATE TABLE parted (LIKE sale) PARTITION BY RANGE (id);"


def parted(rows: int) -> str:
    """SQL of the same table in partitions, each of about two files' rows."""
    each = rows // (FILES // 2)
    places = (f"FOR VALUES FROM ({n * each}) TO ({(n + 1) * each})" for n in range(FILES // 2 + 1))
    return PARTED + "".join(f"CREATE TABLE parted_{n} PARTITION OF parted {one};" for n, one in enumerate(places))


def write_parquet(folder: Path, rows: int) -> Path:
    """Sales in FILES files; a glob of them."""
    folder.mkdir()
    each = rows // FILES
    for number in range(FILES):
        ids = pa.array(range(number * each, (number + 1) * each), pa.int64())
        cents = pc.bit_wise_and(pc.multiply(ids, 2_654_435_761 % 1_000_003), 0xFFFFF)
        text = pc.cast(cents, pa.string())
        table = pa.table(
            {
                "id": ids,
                "sold_at": pc.cast(pc.multiply(ids, 7_000_000), pa.timestamp("us", tz="UTC")),
                "customer": pc.binary_join_element_wise("C", text, "-"),
                "amount": pc.cast(pc.cast(cents, pa.decimal128(21, 2)), pa.decimal128(12, 2)),
                "quantity": pc.cast(pc.bit_wise_and(ids, 63), pa.int32()),
                "note": pc.binary_join_element_wise("left with the neighbour", text, " "),
            }
        )
        parquet.write_table(table, folder / f"{number}.parquet", row_group_size=250_000)
    return folder / "*.parquet"


@contextmanager
def by_tcp(here: Place) -> Iterator[Place]:
    """The same server, also on a port of 127.0.0.1: JDBC knows no sockets of the file system."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET listen_addresses = '127.0.0.1'")
        connection.execute(f"ALTER SYSTEM SET port = {port}".encode())
        data = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]  # SHOW gives a row
    user = data.owner() if os.geteuid() == 0 else None
    restart = [here.psql.with_name("pg_ctl"), "-D", data, "-w", "-o", "-h 127.0.0.1", "restart"]
    subprocess.run(restart, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)
    yield replace(here, url=f"postgresql://postgres@127.0.0.1:{port}/bench")


def ours(here: Place, sales: Sales, rows: int, table: str = "sale") -> float:
    """Rows a second of a whole load: gate, reading, checks, staging by attempt, move, ledger and commit."""
    here.run(f"TRUNCATE {table}")
    sales.land_again()
    here.run("CHECKPOINT")
    started = time.monotonic()
    result = load(sales.space, sales.pipeline).result
    seconds = time.monotonic() - started
    print(f"    {result.phases}", file=sys.stderr)
    if result.engine != "spark" or here.value(f"SELECT count(*) FROM {table}") != rows:
        raise SystemExit(f"not all rows were loaded by Spark: {result}")
    return rows / seconds


def jdbc(here: Place, glob: Path, rows: int) -> float:
    """Rows a second of Spark's own JDBC write of the same files."""
    here.run("TRUNCATE sale")
    here.run("CHECKPOINT")
    spark = session(settings())
    port = here.url.rpartition(":")[2].partition("/")[0]
    started = time.monotonic()
    writer = spark.read.parquet(str(glob)).write.format("jdbc")
    writer.option("url", f"jdbc:postgresql://127.0.0.1:{port}/bench?reWriteBatchedInserts=true").option(
        "driver", "org.postgresql.Driver"
    ).option("user", "postgres").option("dbtable", "sale").option("batchsize", 10_000).mode("append").save()
    seconds = time.monotonic() - started
    if here.value("SELECT count(*) FROM sale") != rows:
        raise SystemExit("the JDBC write left rows out")
    return rows / seconds


def settings() -> Settings:
    """The session of the pipeline that `made` writes."""
    from octo_core.spec.pipeline import Engine

    return Settings.of(Engine.model_validate(_SPARK))


def made(here: Place, glob: Path, table: str = "sale") -> Sales:
    """The approved pipeline, on Spark; its table's partitions, if it has some, may be exchanged."""
    sales = Sales(here, glob, name=table, table=table, write="append", key="")
    with (sales.root / "pipelines" / sales.name / "pipeline.yaml").open("a") as file:
        file.write(_ENGINE)
    vars(sales).pop("pipeline", None)  # it was read before
    return sales


def run_spark(times: int = 5, rows: int = ROWS) -> None:
    with place() as socketed, by_tcp(socketed) as here:
        here.run(f"{TABLE};{parted(rows)}")
        glob = write_parquet(here.folder / "sales", rows)
        sales, attached = made(here, glob), made(here, glob, "parted")
        found = by_turns(
            {
                "octopipe load on Spark": lambda: ours(here, sales, rows),
                "the same, attaching partitions": lambda: ours(here, attached, rows, "parted"),
                "Spark's JDBC write": lambda: jdbc(here, glob, rows),
            },
            times,
        )
        close()
    base = sorted(found["Spark's JDBC write"])[times // 2]
    figures = [
        Figure(name, "rows/s", values, sorted(values)[times // 2] / base, "× JDBC", wanted)
        for (name, values), wanted in zip(found.items(), ("≥ 0.9", "≥ 1.4", ""), strict=True)
    ]
    report(f"spark: {rows:,} rows of Parquet into PostgreSQL, {CORES}", figures)


class Peak:
    """The most memory that this process and those below it have at a time, by kind, in MB; ten looks a second."""

    def __init__(self) -> None:
        self.python = self.java = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            found = {"python": 0.0, "java": 0.0}
            for pid in [os.getpid(), *below(os.getpid())]:
                name, size = described(pid)
                if name in found:
                    found[name] += size
            self.python, self.java = max(self.python, found["python"]), max(self.java, found["java"])


def below(pid: int) -> Iterator[int]:
    """All processes that a process started, and those that they started."""
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield int(child)
                yield from below(int(child))
    except OSError:
        return


def described(pid: int) -> tuple[str, float]:
    """A process's kind and its own memory (what it shares is counted in parts), in MB."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        size = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return "", 0.0
    return ("java" if name == "java" else "python" if name.startswith("python") else name), size


def run_spark_memory(times: int = 1) -> None:
    figures: list[Figure] = []
    for rows in (ROWS, 4 * ROWS):
        with place() as socketed, by_tcp(socketed) as here:
            here.run(TABLE)
            sales = made(here, write_parquet(here.folder / "sales", rows))
            values: dict[str, list[float]] = {"Python: driver and workers": [], "Java: the session": []}
            for _ in range(times):
                with Peak() as peak:
                    ours(here, sales, rows)
                values["Python: driver and workers"].append(peak.python)
                values["Java: the session"].append(peak.java)
            close()
        for name, found in values.items():
            base = next((one.median for one in figures if one.name.startswith(name)), None)
            ratio = sorted(found)[len(found) // 2] / base if base else None
            figures.append(Figure(f"{name}, {rows:,} rows", "MB", tuple(found), ratio, "× the first" if ratio else ""))
    report("spark-memory: peak of a load on Spark", figures)


def opened(asked: Settings) -> float:
    """Seconds until a session has answered its first query."""
    started = time.monotonic()
    if session(asked).range(1).count() != 1:
        raise SystemExit("Spark cannot count")
    return time.monotonic() - started


def run_spark_session(times: int = 3) -> None:
    """What a session costs: the first of a process, asked for again in it, and by Connect to a server that is up."""
    from demo.cluster import connect_server

    local = Settings(master=CORES)
    found: dict[str, list[float]] = {"local": [], "local, asked for again": [], "by Connect": []}
    for _ in range(times):
        found["local"].append(opened(local))
        found["local, asked for again"].append(opened(local))
        close()
    with tempfile.TemporaryDirectory() as folder, connect_server(Path(folder)) as remote:
        opened(Settings(remote=remote))  # the server's own first query
        close()
        for _ in range(times):
            found["by Connect"].append(opened(Settings(remote=remote)))
            close()
    figures = [Figure(name, "s", tuple(values), None, "") for name, values in found.items()]
    report("spark-session: until a first query is answered", figures)
