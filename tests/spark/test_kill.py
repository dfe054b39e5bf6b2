"""What dies while a load runs on Spark loses and doubles nothing: a Python worker in its task, the driver itself."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from benchmarks.kill_faults import running
from benchmarks.kill_ground import SLOW
from octo_core.spec.pipeline import Engine
from octo_resources.engines.spark import Settings, SparkEngine
from octo_resources.engines.spark.session import session
from tests.flow.shop import Shop, sale, sales
from tests.spark.test_loads import LOCAL

PROJECT = Path(__file__).parents[2]
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%' AND wait_event = 'PgSleep'"


@contextmanager
def killing(shop: Shop, killed: list[int]) -> Iterator[None]:
    """Kill the Python workers once, when a task has begun to bring its rows."""
    over = threading.Event()

    def kill() -> None:
        with psycopg.connect(shop.url, autocommit=True) as connection:
            while not killed and not over.wait(0.01):
                row = connection.execute(ASLEEP).fetchone()
                for one in running("Python worker") if row is not None and row[0] else ():
                    os.kill(one, signal.SIGKILL)
                    killed.append(one)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def ready(shop: Shop, **more: object) -> None:
    """Four files of rows have landed, one of which cannot be loaded, and their plan is approved."""
    shop.sales_pipeline(engine=LOCAL, quarantine={"max_ratio": 1.0}, **more)
    for number in range(4):
        shop.drop("sales", f"f{number}", sales(range(number * 10, number * 10 + 10)))
    shop.drop("sales", "odd", [sale(50, customer=77)])
    shop.land()
    shop.approve()


def whole(shop: Shop) -> None:
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(40, 40)]
    assert shop.sql("SELECT read, inserted, quarantined FROM _octopipe.ledger") == [(41, 40, 1)]
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []
    assert shop.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%'") == []


def test_a_python_worker_that_dies_in_its_task_doubles_nothing(shop: Shop, spark: SparkEngine) -> None:
    ready(shop, table={"write": "append"})
    shop.sql(SLOW)
    killed: list[int] = []
    with killing(shop, killed):
        assert shop.load().result.status == "loaded"
    assert killed, "the load was over before a worker could be killed"
    whole(shop)


@pytest.mark.thorough  # tests/spark/test_loads.py has what a dead driver left
def test_a_driver_that_dies_leaves_nothing_and_the_next_load_sweeps(shop: Shop, spark: SparkEngine) -> None:
    ready(shop)
    command = [sys.executable, "-m", "tests.flow.killed", "sales", "before_commit"]
    environment = shop.environment | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=environment, cwd=shop.root, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert shop.count() == 0
    assert len(shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'")) == 1
    assert shop.load().result.status == "loaded"
    whole(shop)


def test_a_java_that_died_is_started_again_and_each_pipeline_has_its_own_memory_and_python(spark: SparkEngine) -> None:
    java = spark.spark.sparkContext._gateway.proc
    java.kill()
    java.wait()
    conf = {"spark.pyspark.python": "./env/bin/python"}
    engine = Engine.model_validate({"kind": "spark", "master": "local[2]", "memory": "600 MB", "conf": conf})
    found = session(Settings.of(engine))
    assert found.range(3).count() == 3
    assert found.sparkContext._jvm.java.lang.Runtime.getRuntime().maxMemory() < 600_000_000
    assert found.sparkContext.pythonExec == "./env/bin/python"
    assert os.environ.get("PYSPARK_PYTHON") != "./env/bin/python", "the next pipeline's tasks would run it too"
