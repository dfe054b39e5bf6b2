"""The same load on a standalone cluster and by Spark Connect; and one where an executor dies half-way."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from demo.broker import Broker
from demo.cluster import Cluster, connect_server, standalone
from octo_core.expressions import Node, parse, paths
from octo_core.spec.pipeline import Engine
from octo_resources.engines.duckdb import LoadVariables
from octo_resources.engines.spark import Settings, SparkEngine, close, doctor
from octo_resources.engines.spark.doctor import examine
from octo_resources.engines.spark.variables import set_variables
from tests.expressions.both_engines import on_spark
from tests.expressions.running import schema
from tests.expressions.test_spark import RUNNABLE, moved
from tests.flow.shop import Shop, sales
from tests.flow.test_sql import orders
from tests.kafka.topics import Topics
from tests.servers.java import LIGHT_JAVA

__all__ = ["orders"]

ROWS = 5000
"""Of each file."""
SLOW = (
    "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM "
    "pg_event_trigger_ddl_commands() WHERE schema_name LIKE 'octo_ld%') THEN PERFORM pg_sleep(1); END IF; END $$",
    "CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION slow()",
)
"""A task is a second in making its table: long enough to be killed then."""
CONF = {
    "spark.executor.memory": "600m",
    "spark.executor.extraJavaOptions": f"-Xss4m {LIGHT_JAVA}",
    "spark.speculation": "true",  # a task that takes long is begun a second time, on the other host
    "spark.speculation.multiplier": "1.5",
    "spark.speculation.quantile": "0.3",
}
STRAGGLER = (
    "CREATE SEQUENCE straggled",
    "CREATE FUNCTION straggle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM "
    "pg_event_trigger_ddl_commands() WHERE object_identity ~ '^octo_ld.*[.]s0_3_') AND nextval('straggled') = 1 "
    "THEN PERFORM pg_sleep(600); END IF; END $$",
    "CREATE EVENT TRIGGER straggle ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION straggle()",
)
"""The first attempt at part 3 sleeps for longer than the test runs; only a second one brings its rows."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone(tmp_path_factory.mktemp("cluster")) as found:
        yield found
        close()


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with connect_server(tmp_path_factory.mktemp("connect")) as found:
        yield found
        close()


def load(shop: Shop, engine: dict[str, Any], files: int) -> None:
    """Land files, approve, load: all rows are there, once, and nothing else is left over."""
    shop.sales_pipeline(engine=engine, quarantine={"max_ratio": 1.0})
    for number in range(files):
        rows = sales(range(number * ROWS, (number + 1) * ROWS))
        rows[7]["total"] = "much"
        shop.drop("sales", f"f{number:02d}", rows)
    result = shop.start()
    assert result.status == "loaded"
    assert result.engine == "spark"
    ledger = result.tables["shop.sale"].model_dump(exclude={"seconds"}, exclude_defaults=True)
    assert ledger == {"read": files * ROWS, "inserted": files * (ROWS - 1), "quarantined": files}
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(files * (ROWS - 1),) * 2]
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []
    assert shop.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%'") == []


def conforms(engine: SparkEngine) -> None:
    """The short form of the conformance suite: each fortieth of its cases, by one query."""
    short = RUNNABLE[::40]
    set_variables(engine.spark, LoadVariables(datetime(2026, 11, 21, 10, tzinfo=UTC), "7c1e"))
    columns: dict[str, Node] = {}
    tokens: dict[str, pa.Array] = {"_row": pa.array([0])}
    for place, case in short:
        node = parse(case.expression, schema(*case.fields))
        columns[str(place)] = moved(node, f"{place} ")
        tokens |= {f"{place} {name}": pa.array([case.tokens[name]], pa.string()) for name in paths(node)}
    done = on_spark(engine.spark, columns, pa.table(tokens))
    for place, case in short:
        text, reason = done[str(place)][0]
        shown = "NULL" if text is None else text
        kind = columns[str(place)].type
        assert case.expected in ((reason,) if case.kind == "!!" else (shown, f"{shown} : {kind}")), case


@contextmanager
def one_killed(shop: Shop, executors: Callable[[], list[int]]) -> Iterator[None]:
    """Kill an executor once, when a task has begun to bring its rows; each is slow to."""
    killed: list[int] = []
    over = threading.Event()
    for statement in SLOW:
        shop.sql(statement)

    def kill() -> None:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%' AND wait_event = 'PgSleep'"
        )
        with psycopg.connect(shop.url, autocommit=True) as connection:
            while not killed and not over.wait(0.01):
                row = connection.execute(query).fetchone()
                if row is not None and row[0] and (victims := executors()):
                    os.kill(victims[0], signal.SIGKILL)
                    killed.append(victims[0])

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert killed, "the load was over before an executor could be killed"


def test_a_load_on_a_cluster_survives_an_executor_that_dies_half_way(shop: Shop, cluster: Cluster) -> None:
    with one_killed(shop, cluster.executors):
        load(shop, {"kind": "spark", "master": cluster.master, "conf": CONF}, files=12)
    conforms(SparkEngine(Settings(cluster.master, conf=tuple(sorted(CONF.items()))), temp=shop.root))


@pytest.mark.thorough  # tests/spark/test_yarn.py has an executor that does not come, too
def test_the_doctor_waits_for_an_executor_no_longer_than_it_has_patience(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PATIENCE", 3.0)
    found = examine(Engine.model_validate({"kind": "spark", "master": cluster.master, "memory": "900 GB"}))
    assert (found.state, found.found) == ("broken", f"{cluster.master}: no executor came within 3 s")


@pytest.mark.thorough  # what the driver makes of two attempts, tests/destination/test_tasks.py says
def test_the_slower_of_two_attempts_at_a_task_leaves_nothing(shop: Shop, cluster: Cluster) -> None:
    for statement in STRAGGLER:
        shop.sql(statement)
    load(shop, {"kind": "spark", "master": cluster.master, "conf": CONF}, files=8)
    assert shop.sql("SELECT last_value FROM straggled")[0][0] >= 2, "there was no second attempt"


@pytest.mark.thorough  # tests/spark/test_reading.py has the same in one process
def test_executors_read_key_ranges_and_offset_ranges_themselves(
    shop: Shop, cluster: Cluster, orders: str, broker: Broker
) -> None:
    topics = Topics(broker)
    topic = topics.make(partitions=2)
    for part in range(2):
        lines = [json.dumps(one) for one in sales(range(1000 + part * 100, 1050 + part * 100))]
        topics.fill(topic, [*lines, "no json"], partition=part)
    table = {"kind": "sql", "url": "${secret:env/SHOP_ORDERS}", "table": "orders", "split": 4, "landing": "off"}
    messages = {"kind": "kafka", "brokers": broker.address, "topic": topic, "key": ["id"], "landing": "off"}
    shop.sales_pipeline(
        sources={"orders": table, "messages": messages},
        table={"from": {"union": ["orders", "messages"]}, "key": ["sale_id"]},
        engine={"kind": "spark", "master": cluster.master, "conf": CONF}, quarantine={"max_ratio": 1.0},
    )  # fmt: skip
    shop.approve()
    result = shop.run()
    ledger = result.tables["shop.sale"].model_dump(exclude={"seconds"}, exclude_defaults=True)
    assert ledger == {"read": 602, "inserted": 600, "quarantined": 2}
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(600, 600)]
    landed = (shop.root / ".octopipe" / "landing").rglob("*")
    assert not [path for path in landed if path.suffix in (".parquet", ".jsonl", ".zst")], "the driver read the source"


def test_a_load_by_spark_connect(shop: Shop, remote: str) -> None:
    load(shop, {"kind": "spark", "remote": remote}, files=2)
    conforms(SparkEngine(Settings(remote=remote), temp=shop.root))
    found = examine(Engine(kind="spark", remote=remote))
    assert found.state == "ok"
    assert "executors on" in found.found
    without = examine(Engine(kind="spark", remote=remote, packages=("nowhere.example:nothing:1.0",)))
    assert "a jar of engine.packages cannot be found" in without.found
    bare = examine(Engine(kind="spark", remote=remote, conf={"octopipe.spark.s3a": "provided"}))
    assert "it has no s3a" in bare.found
