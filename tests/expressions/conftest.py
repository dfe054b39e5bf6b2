"""One local Spark session for the language's tests on it, with the settings that its SQL counts on."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from octo_core.expressions import SPARK_SETTINGS, SPARK_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-Xss4m",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
}
FOR_SPEED = {
    # A job of some hundred rows is over before its Java would be compiled.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Else the optimizer itself would evaluate the expressions.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConvertToLocalRelation",
}


@pytest.fixture(scope="module")
def spark() -> "Iterator[SparkSession]":
    """A session of its own; its Spark ends with the tests that began it."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    running = SparkSession.getActiveSession()
    builder = SparkSession.builder.master("local[2]")
    for name, value in LOCAL.items():
        builder = builder.config(name, value)
    session = (running or builder.getOrCreate()).newSession()
    for name, value in {**SPARK_SETTINGS, **FOR_SPEED}.items():
        session.conf.set(name, value)
    variables = [(datetime(2026, 11, 21, 10, tzinfo=UTC), "7c1e", None, None)]
    names = [VARIABLES[name] for name in ("load_time", "load_id", "inner", "outer")]
    kinds = ("TIMESTAMP", "STRING", "BINARY", "BINARY")
    schema = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    session.createDataFrame(variables, schema).createOrReplaceTempView(SPARK_VARIABLES)
    yield session
    if running is None:
        session.stop()
