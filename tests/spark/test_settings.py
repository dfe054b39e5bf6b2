"""What a session is opened with, which engine a load gets, and what is said where Spark is not there: no session."""

import sys
from pathlib import Path

import pytest

from octo_core.errors import EngineError
from octo_core.spec.pipeline import ATTACH, FROM, S3A, Engine
from octo_resources.engines.choice import attaches, choose
from octo_resources.engines.spark.doctor import examine
from octo_resources.engines.spark.missing import engine_error, java, java_fits, require_own_spark
from octo_resources.engines.spark.session import MEANINGS, Settings, configuration, session
from octo_resources.engines.spark.yarn import managers


def engine(**said: object) -> Engine:
    return Engine.model_validate(said)


def test_a_pipelines_engine_as_settings_of_a_session() -> None:
    asked = engine(
        kind="spark", master="spark://h:1", memory="2 GB", threads=3, conf={"spark.x": "y"}, packages=["a:b:1"]
    )
    conf = configuration(Settings.of(asked))
    wanted = {
        "spark.master": "spark://h:1", "spark.executor.memory": "1907m", "spark.executor.cores": "3", "spark.x": "y",
        "spark.jars.packages": "a:b:1",
    }  # fmt: skip
    assert wanted.items() <= conf.items()
    assert MEANINGS.items() <= conf.items()
    local = configuration(Settings.of(engine(kind="spark", threads=2, memory="1 GB")))
    assert (local["spark.master"], local["spark.driver.memory"]) == ("local[2,4]", "953m")
    assert local["spark.driver.host"] == "127.0.0.1"


@pytest.mark.parametrize("wrong", ["a:b", "a:b:1; DROP", "ivy://a:b:1", "a:b:1,c:d:2", ""])
def test_a_jar_is_named_by_its_coordinates(wrong: str) -> None:
    with pytest.raises(ValueError, match="write its coordinates"):
        engine(kind="spark", packages=["org.apache.hadoop:hadoop-aws:3.4.2", wrong])


def test_no_setting_changes_what_expressions_mean() -> None:
    conf = {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "Asia/Tokyo"}
    assert MEANINGS.items() <= configuration(Settings.of(engine(kind="spark", conf=conf))).items()


def test_what_is_for_octopipe_alone_is_not_sent_to_spark() -> None:
    asked = engine(kind="spark", conf={ATTACH: "true", FROM: "1 GB"})
    assert attaches(asked)
    assert not attaches(engine(kind="spark"))
    assert not {ATTACH, FROM} & configuration(Settings.of(asked)).keys()


def test_s3a_brings_its_jars_beside_the_pipelines_own() -> None:
    own = {"spark.jars.excludes": "d:e", S3A: "true"}
    conf = configuration(Settings.of(engine(kind="spark", packages=["a:b:1"], conf=own)))
    assert conf["spark.jars.packages"].startswith("a:b:1,org.apache.hadoop:hadoop-aws:")
    assert conf["spark.jars.excludes"].startswith("d:e,software.amazon.awssdk:bundle,")
    there = Settings.of(engine(kind="spark", conf={S3A: "provided"}))
    assert there.s3a == "provided"
    assert not {"spark.jars.packages", S3A} & configuration(there).keys()


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("octopipe.spark.atach", "true", "is no setting"),
        (ATTACH, "perhaps", "write true or false"),
        (S3A, "yes", "write true or provided or false"),
        (FROM, "much", "much"),
    ],
)
def test_a_setting_of_ours_that_says_nothing_is_a_mistake(name: str, said: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        engine(kind="spark", conf={name: said})


def test_by_connect_only_what_a_session_may_set_is_sent() -> None:
    conf = configuration(Settings.of(engine(kind="spark", remote="sc://h:1/;token=secret", conf={"spark.x": "y"})))
    assert conf["spark.remote"] == "sc://h:1/;token=secret"
    assert all(name.startswith("spark.sql.") for name in conf if name != "spark.remote")
    assert Settings.of(engine(kind="spark", remote="sc://h:1/;token=secret")).place == "sc://h:1/"


@pytest.mark.parametrize(
    ("said", "size", "wanted"),
    [
        ({"kind": "duckdb"}, 10**15, ("duckdb", "the pipeline asks for it")),
        ({"kind": "spark"}, 1, ("spark", "the pipeline asks for it (local[*])")),
        ({"kind": "auto", "master": "spark://h:1"}, 10**9, ("duckdb", "1.0 GB fits this machine")),
        ({"kind": "auto", "master": "spark://h:1"}, 10**12,
         ("spark", "1000.0 GB is more than 360.0 GB, and spark://h:1 is configured")),
        ({"kind": "auto", "master": "local[2]"}, 10**12,
         ("duckdb", "1000.0 GB is half an hour's work and more, and no cluster is configured")),
        ({"kind": "auto", "remote": "sc://h:1/;token=x", "conf": {FROM: "10 MB"}}, 10**8,
         ("spark", "0.1 GB is more than 0.0 GB, and sc://h:1/ is configured")),
    ],
)  # fmt: skip
def test_the_choice_of_an_engine_says_why(said: dict[str, object], size: int, wanted: tuple[str, str]) -> None:
    assert choose(engine(**said), size, cores=2) == wanted


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("… ModuleNotFoundError: No module named 'octo_resources'", "its executors have no Octopipe", "install"),
        ("… ModuleNotFoundError: No module named 'pyarrow'", "lack a Python package: pyarrow", "install"),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker is 3.9",
            "another Python",
            "spark.pyspark.python",
        ),
        ('java.io.IOException: Cannot run program "/nowhere/python"', "no such Python", "spark.pyspark.python"),
        (
            "… ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container killed by "
            "YARN for exceeding physical memory limits. 2.0 GB of 2 GB physical memory used. Consider boosting "
            "spark.executor.memoryOverhead.",
            "YARN ended executors that took more memory",
            "spark.executor.memoryOverhead",
        ),
        ("StatusCode.UNAVAILABLE", "does not answer", "is it running"),
        (
            "An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.\n"
            ": io.fabric8.kubernetes.client.KubernetesClientException: An error has occurred.\n\tat a.b.C\n"
            "Caused by: java.io.IOException: Connection reset: /10.0.0.1:443",
            "Spark failed: java.io.IOException: Connection reset",
            "",
        ),
        (
            "An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.\n"
            ": java.util.ConcurrentModificationException\n\tat a.b.C",
            "Spark failed: java.util.ConcurrentModificationException",
            "",
        ),
        ("x\n\tat a.b.C\nValueError: what it was\n\tat d.e.F", "Spark failed: ValueError: what it was", ""),
    ],
)
def test_what_spark_says_in_plain_words(text: str, said: str, hint: str) -> None:
    error = engine_error("spark://h:1", text)
    assert said in error.message
    assert hint in (error.hint or "")


def test_a_java_that_is_missing_or_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert java_fits('openjdk version "17.0.15" 2025-04-15')
    assert not java_fits('openjdk version "11.0.2"')
    assert not java_fits('java version "1.8.0_292"')
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert java() == (None, "JAVA_HOME is /nowhere, and no java is there")
    found = examine(engine(kind="spark", master="local[1]"))
    assert found.state == "broken"
    assert "JAVA_HOME is /nowhere" in found.found


def test_a_home_of_another_spark_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPARK_HOME", "/nowhere")
    found = examine(engine(kind="spark", master="local[1]"))
    assert (found.state, "none is there" in found.found) == ("broken", True)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "spark-core_2.12-3.5.1.jar").touch()
    with pytest.raises(EngineError, match="another version is there"):
        require_own_spark("4.2.0", "yarn")
    (tmp_path / "jars" / "spark-core_2.13-4.2.0-amzn-1.jar").touch()
    require_own_spark("4.2.0", "yarn")


def test_the_doctor_says_where_nothing_answers() -> None:
    kubernetes = "k8s://https://127.0.0.1:1"
    for said in (
        {"master": "spark://127.0.0.1:1"},
        {"master": kubernetes},
        {"remote": "sc://127.0.0.1:1/;token=secret"},
    ):
        found = examine(engine(kind="spark", **said))
        assert found.state == "broken"
        assert "nothing answers there" in found.found
        assert "secret" not in found.found
        with pytest.raises(EngineError, match="nothing answers there"):  # a load too, which has tables locked
            session(Settings.of(engine(kind="spark", **said)))


YARN = engine(kind="spark", master="yarn")


def test_the_doctor_says_that_nobody_told_it_where_yarn_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HADOOP_CONF_DIR", "YARN_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    found = examine(YARN)
    assert (found.state, found.found) == ("broken", "yarn: YARN's configuration is not there")
    assert "HADOOP_CONF_DIR" in (found.fix or "")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    found = examine(YARN)
    assert f"HADOOP_CONF_DIR is {tmp_path}, without a yarn-site.xml" in found.found
    (tmp_path / "yarn-site.xml").write_text("<configuration>")
    assert "Hadoop's configuration cannot be read" in examine(YARN).found


def hadoop(folder: Path, **said: str) -> None:
    properties = (f"<property><name>{name}</name><value>{value}</value></property>" for name, value in said.items())
    (folder / "yarn-site.xml").write_text(f"<configuration>{''.join(properties)}</configuration>")


def test_the_doctor_says_that_no_resource_manager_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.setenv("YARN_CONF_DIR", str(tmp_path))
    hadoop(tmp_path, **{"yarn.resourcemanager.hostname": "127.0.0.1", "yarn.resourcemanager.address": "${h}:1"})
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>h</name><value>localhost</value></property></configuration>"
    )
    found = examine(YARN)  # Hadoop's own client would try for a quarter of an hour
    assert found.state == "broken"
    assert "YARN's ResourceManager does not answer (localhost:1: Connection refused)" in found.found
    assert str(tmp_path / "yarn-site.xml") in (found.fix or "")


def test_where_resource_managers_are() -> None:
    two = {"ha.enabled": "true", "ha.rm-ids": "a, b", "hostname.a": "one.example", "address.b": "two.example:8050"}
    assert managers({f"yarn.resourcemanager.{name}": value for name, value in two.items()}) == [
        ("one.example", 8032), ("two.example", 8050),
    ]  # fmt: skip
    assert managers({}) == [("0.0.0.0", 8032)]


def test_the_executors_python_is_the_pipelines_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/opt/python")
    conf = {"spark.pyspark.python": "./env/bin/python"}
    asked = engine(kind="spark", master="yarn", conf=conf)
    assert conf.items() <= configuration(Settings.of(asked)).items()
    assert configuration(Settings.of(YARN))["spark.pyspark.python"] == "/opt/python"
    monkeypatch.delenv("PYSPARK_PYTHON")
    assert configuration(Settings.of(YARN))["spark.pyspark.python"] == sys.executable
