"""What Spark's tasks read themselves: objects of a landing zone in S3, key ranges of a table, offset ranges of a topic.

The driver has none of it on its disk; what is loaded, set aside and accounted for is what the embedded engine makes.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from pyarrow import parquet

from demo.broker import Broker
from octo_core.errors import LandingError
from octo_resources.engines.spark import SparkEngine, close
from tests.conftest import PostgresServer, drop_database, fresh_database
from tests.flow.shop import Shop, sale, sales
from tests.flow.test_sql import ORDERS
from tests.kafka.topics import Topics
from tests.servers.s3 import S3Server
from tests.spark.conftest import LOCAL
from tests.spark.test_loads import LOCAL as ENGINE
from tests.spark.test_loads import loaded, start_again

ODD = [sale(20, total="much"), sale(22, state="lost"), sale(33) | {"extra": {"a": [1]}}]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, s3_process: S3Server) -> Iterator[SparkEngine]:
    """A session whose tasks have credentials of their own for S3: those of the environment that it was opened in."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_process.keys.items():
            patch.setenv(name, value)
        engine = SparkEngine(LOCAL, temp=Path(tmp_path_factory.mktemp("spark")))
        assert engine.spark.range(1).count() == 1
        yield engine
        close()


def on_both(shop: Shop, there: dict[str, Any] = ENGINE) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the same load leaves behind on the embedded engine, and on Spark."""
    found = []
    for engine in ("duckdb", there):
        found.append(again_on(shop, engine))
        assert found[-1].pop("engine") == (engine if engine == "duckdb" else "spark")
    return found[0], found[1]


def again_on(shop: Shop, engine: dict[str, Any] | str) -> dict[str, Any]:
    """What landed, loaded from the beginning."""
    start_again(shop, engine, "")
    shop.land()
    return loaded(shop)


def test_objects_of_a_landing_zone_in_s3(shop: Shop, s3: S3Server, spark: SparkEngine) -> None:
    close()  # a session that was up before has workers without this server's credentials
    bucket = s3.bucket()
    (shop.root / "octopipe.yaml").write_text(f"registry: sqlite\nlanding: {{path: 's3://{bucket}/landing'}}\n")
    shop.sales_pipeline(
        sources={"sales": {"kind": "file", "path": "in/sales/*.jsonl", "key": ["id"], "landing": "copy"}},
        quarantine={"max_ratio": 1.0}, drift={"new_field": "ignore"},
    )  # fmt: skip
    shop.drop("sales", "a", sales(range(100)))
    shop.drop("sales", "b", ODD)
    shop.land()
    shop.approve()
    wanted, found = on_both(shop)
    assert found == wanted
    assert len(found["quarantine"]) == 2

    shop.drop("sales", "c", sales(range(200, 300)))
    shop.land()
    (mirror,) = (shop.root / ".octopipe" / "mirror").glob("*/sales")
    for path in mirror.rglob("*.jsonl*"):
        path.unlink()  # as on another machine
    assert shop.load().result.tables["shop.sale"].inserted == 100
    assert list(mirror.rglob("*.jsonl*")) == [], "the driver downloaded what only tasks read"

    shop.drop("sales", "d", sales(range(300, 310)))
    shop.land()
    newest = max(name for name in s3.names(bucket) if ".jsonl" in name and name.startswith("landing/"))
    s3.put(bucket, newest, s3.client.get_object(Bucket=bucket, Key=newest)["Body"].read()[:-1] + b"X")
    with pytest.raises(LandingError, match="is not as it landed: its checksum differs"):
        shop.load()
    assert shop.count() == found["ledger"]["inserted"] + 100


@pytest.fixture
def orders(shop: Shop, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    url = fresh_database(postgres_server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ORDERS)
        connection.execute("UPDATE orders SET state = 'lost' WHERE id % 100 = 0")
        connection.execute("UPDATE orders SET at = 'infinity' WHERE id = 77")
    monkeypatch.setenv("SHOP_ORDERS", url)
    yield url
    drop_database(postgres_server, url)


def test_key_ranges_of_a_table_in_one_snapshot(shop: Shop, orders: str, spark: SparkEngine) -> None:
    said = {
        "kind": "sql", "url": "${secret:env/SHOP_ORDERS}", "table": "orders", "split": 3, "cursor": {"field": "changed"}
    }  # fmt: skip
    shop.sales_pipeline(sources={"sales": said}, quarantine={"max_ratio": 1.0})
    shop.land()
    shop.approve()
    wanted, found = on_both(shop)
    for one in (wanted, found):
        one["quarantine"] = sorted(
            (str(row["column"]), row["reason"], row["payload"]) for row in one["quarantine"]
        )  # a range has numbers of its own
        del one["positions"], one["sources"]
    assert found == wanted
    assert found["ledger"]["quarantined"] == 6

    def insert(number: int, changed: str) -> None:
        with psycopg.connect(orders, autocommit=True) as connection:
            connection.execute("INSERT INTO orders VALUES (%s, 1, 1, 'paid', now(), NULL, %s)", (number, changed))

    insert(900, "2026-02-01")
    shop.land()
    (batch,) = shop.space.landing.batches("sales", "sales")
    assert batch.unread
    insert(901, "2026-03-01")  # after the batch was made: the next one's
    assert shop.load().result.tables["shop.sale"].inserted == 1
    assert shop.run().tables["shop.sale"].inserted == 1
    assert list((shop.root / ".octopipe" / "landing").rglob("*.parquet")) == []


def test_offset_ranges_of_a_topic(shop: Shop, broker: Broker, spark: SparkEngine) -> None:
    topics = Topics(broker)
    topic = topics.make(partitions=2)
    for part in range(2):
        lines = [json.dumps(one) for one in sales(range(part * 100, part * 100 + 50))]
        topics.fill(topic, [*lines, "no json", None], partition=part)
    source = {"kind": "kafka", "brokers": broker.address, "topic": topic, "key": ["id"]}
    shop.sales_pipeline(sources={"sales": source}, quarantine={"max_ratio": 1.0})
    shop.approve()
    wanted, found = on_both(shop)
    for one in (wanted, found):
        one["quarantine"] = sorted((row["reason"], row["payload"]) for row in one["quarantine"])
        del one["positions"], one["sources"]
    assert found == wanted
    assert found["ledger"]["quarantined"] == 4  # of each partition no JSON, and a tombstone without a key
    topics.fill(topic, [json.dumps(sale(300))])
    assert shop.run().tables["shop.sale"].inserted == 1
    assert shop.run().status == "nothing_new"
    assert list((shop.root / ".octopipe" / "landing").rglob("*.jsonl")) == []


def test_what_tasks_find_that_is_about_no_row_is_told(shop: Shop, broker: Broker, spark: SparkEngine) -> None:
    topics = Topics(broker)
    topic = topics.make()
    rows = [{"op": "c", "before": None, "after": one, "source": {}} for one in sales(range(1, 21))]
    ddl = {"databaseName": "shop", "ddl": "ALTER TABLE sale ADD colour text"}
    topics.fill(topic, [json.dumps(one) for one in [*rows, ddl]] + ["no json"])
    source = {"kind": "kafka", "brokers": broker.address, "topic": topic, "key": ["id"], "format": "debezium"}
    shop.sales_pipeline(sources={"sales": source})
    shop.approve()
    wanted, found = on_both(shop)
    assert wanted["ledger"]["quarantined"] == 1
    assert found["warnings"] == wanted["warnings"] == ("sales: schema change: ALTER TABLE sale ADD colour text",)
    assert found["ledger"] == wanted["ledger"]


def test_parquet_in_s3_by_sparks_own_reader(shop: Shop, s3: S3Server, spark: SparkEngine) -> None:
    """Through s3a: what is loaded, set aside and accounted for is the same, and an object that changed is told."""
    close()
    bucket = s3.bucket()
    (shop.root / "octopipe.yaml").write_text(f"registry: sqlite\nlanding: {{path: 's3://{bucket}/landing'}}\n")
    shop.sales_pipeline(
        sources={"sales": {"kind": "file", "path": "in/sales/*.parquet", "key": ["id"], "landing": "copy"}},
        quarantine={"max_ratio": 1.0},
    )  # fmt: skip
    for name, numbers in (("a", range(100)), ("b", range(60, 160))):
        records = sales(numbers, state="lost") if name == "b" else sales(numbers)
        path = shop.drop_text("sales", f"{name}.parquet", "")
        typed = [one | {"total": Decimal(one["total"]), "at": datetime.fromisoformat(one["at"])} for one in records]
        parquet.write_table(pa.Table.from_pylist(typed), path, row_group_size=10)
    shop.land()
    shop.approve()
    by_s3a = ENGINE | {"conf": {"octopipe.spark.s3a": "true"}}
    wanted, found = on_both(shop, by_s3a)
    assert found == wanted
    assert len(found["quarantine"]) == 100
    assert bytes_by("s3a") > 0

    newest = max(name for name in s3.names(bucket) if name.endswith(".parquet"))
    s3.put(bucket, newest, s3.client.get_object(Bucket=bucket, Key=newest)["Body"].read() + b"X")
    with pytest.raises(LandingError, match=r"is not as it landed: it has .* bytes, landed were"):
        again_on(shop, by_s3a)


def bytes_by(scheme: str) -> int:
    """What this process's Java has read through one of Hadoop's file systems."""
    from pyspark import SparkContext

    statistics = SparkContext._jvm.org.apache.hadoop.fs.FileSystem.getAllStatistics()
    return sum(int(one.getBytesRead()) for one in statistics if one.getScheme() == scheme)
