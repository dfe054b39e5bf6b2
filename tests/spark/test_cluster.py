"""The same load on a standalone cluster and by Spark Connect; and one where an executor dies half-way."""

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from octo_resources.engines.spark import close
from tests.flow.shop import Shop, sales
from tests.servers.spark import Cluster, connect_server, standalone

FILES, ROWS = 12, 5000


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


def load(shop: Shop, engine: dict[str, Any]) -> dict[str, int]:
    """Land many files, approve, load; the table's ledger."""
    shop.sales_pipeline(engine=engine, quarantine={"max_ratio": 1.0})
    for number in range(FILES):
        rows = sales(range(number * ROWS, (number + 1) * ROWS))
        rows[7]["total"] = "much"
        shop.drop("sales", f"f{number:02d}", rows)
    result = shop.start()
    assert result.status == "loaded"
    assert result.engine == "spark"
    return result.tables["shop.sale"].model_dump(exclude={"seconds"}, exclude_defaults=True)


def nothing_left(shop: Shop) -> None:
    assert shop.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'octo_ld%'") == []
    assert shop.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'octo_ld%'") == []


ALL = {"read": FILES * ROWS, "inserted": FILES * (ROWS - 1), "quarantined": FILES}


def test_a_load_on_a_cluster_survives_an_executor_that_dies_half_way(shop: Shop, cluster: Cluster) -> None:
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'octo_ld%'"
        with psycopg.connect(shop.url, autocommit=True) as connection:
            while not over.is_set() and not killed:
                row = connection.execute(query).fetchone()
                if row is not None and row[0] and (victims := cluster.executors()):
                    os.kill(victims[0], signal.SIGKILL)
                    killed.append(victims[0])

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        ledger = load(shop, {"kind": "spark", "master": cluster.master, "conf": {"spark.executor.memory": "600m"}})
    finally:
        over.set()
        thread.join()
    assert killed, "the load was over before an executor could be killed"
    assert ledger == ALL
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(ALL["inserted"],) * 2]
    nothing_left(shop)


def test_a_load_by_spark_connect(shop: Shop, remote: str) -> None:
    assert load(shop, {"kind": "spark", "remote": remote}) == ALL
    assert shop.sql("SELECT count(*), count(DISTINCT sale_id) FROM shop.sale") == [(ALL["inserted"],) * 2]
    nothing_left(shop)
