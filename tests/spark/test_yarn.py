"""The same on a real YARN: a ResourceManager and a NodeManager of `make yarn`, whose containers run the executors."""

import os
import signal
from collections.abc import Iterator

import pytest

from demo.yarn import JARS, Yarn, yarn
from octo_core.errors import OutOfTime
from octo_core.spec.pipeline import Engine
from octo_resources.engines.spark import Settings, SparkEngine, close, doctor
from octo_resources.engines.spark.doctor import examine
from tests.flow.shop import Shop, sales
from tests.servers.java import LIGHT_JAVA
from tests.spark.test_cluster import conforms, load, one_killed

pytestmark = [
    pytest.mark.thorough,  # what a load does is the same whoever lends the executors
    pytest.mark.skipif(not (JARS / ".brought").exists(), reason="`make yarn` brings the jars of a YARN"),
]


@pytest.fixture(scope="module")
def hadoop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yarn]:
    with yarn(tmp_path_factory.mktemp("yarn")) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HADOOP_CONF_DIR", str(found.conf))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield found
        close()


def asked(hadoop: Yarn, **conf: str) -> Engine:
    """A pipeline's engine on that YARN."""
    light = {"spark.executor.memory": "600m", "spark.executor.extraJavaOptions": f"-Xss4m {LIGHT_JAVA}"}
    return Engine.model_validate({"kind": "spark", "master": "yarn", "conf": {**hadoop.settings, **light, **conf}})


def test_a_load_survives_a_container_that_is_killed_half_way(shop: Shop, hadoop: Yarn) -> None:
    engine = asked(hadoop)
    with one_killed(shop, hadoop.executors):
        load(shop, {"kind": "spark", "master": "yarn", "conf": dict(engine.conf)}, files=12)
    conforms(SparkEngine(Settings.of(engine), temp=shop.root))
    close()
    assert [one["finalStatus"] for one in hadoop.applications()][-1] == "SUCCEEDED"


def test_the_doctor_opens_an_application_and_says_what_its_containers_lack(hadoop: Yarn) -> None:
    found = examine(asked(hadoop))
    assert (found.state, found.found.startswith("yarn, Spark ")) == ("ok", True)
    without = examine(asked(hadoop, **{"spark.pyspark.python": "/nowhere/python", "spark.executor.instances": "1"}))
    assert (without.state, without.found) == ("broken", "yarn: its executors have no such Python")


def test_what_waits_for_a_container_is_ended_and_leaves_nothing_in_the_queue(
    shop: Shop, hadoop: Yarn, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = asked(hadoop)
    words = {"kind": "spark", "master": "yarn", "conf": dict(engine.conf)}
    shop.sales_pipeline(engine=words)
    shop.drop("sales", "a", sales(range(10)))
    shop.land()
    shop.approve()
    shop.sales_pipeline(engine=words, limits={"time": "8 s"})
    monkeypatch.setattr(doctor, "PATIENCE", 8.0)
    before = len(hadoop.applications())
    os.kill(hadoop.manager, signal.SIGSTOP)
    try:
        with pytest.raises(OutOfTime):
            shop.load()
        found = examine(engine)
        assert (found.state, found.found) == ("broken", "yarn: no executor came within 8 s")
    finally:
        os.kill(hadoop.manager, signal.SIGCONT)
    assert shop.count() == 0
    assert [one["state"] for one in hadoop.applications()[before:]] == ["KILLED", "KILLED"]
