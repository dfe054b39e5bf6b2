"""What an expression may know of its load, as Spark takes it: a view of one row, so that no query shows a value."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from octo_core.expressions import VARIABLES, pseudonym_pads
from octo_core.expressions.table.identity import VIEW
from octo_resources.engines.duckdb import LoadVariables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def set_variables(spark: "SparkSession", variables: LoadVariables) -> None:
    """Make the view that rendered expressions read; in a session of the load's own."""
    from octo_resources.engines.spark.types import spark_schema

    pads = pseudonym_pads(variables.pseudonym_key) if variables.pseudonym_key is not None else {}
    values: dict[str, Any] = {
        VARIABLES["load_time"]: variables.load_time,
        VARIABLES["load_id"]: variables.load_id,
        **{VARIABLES[name]: pads.get(VARIABLES[name]) for name in ("inner", "outer")},
    }
    kinds: list[pa.DataType] = [pa.timestamp("us", tz="UTC"), pa.string(), pa.binary(), pa.binary()]
    schema = pa.schema(list(zip(values, kinds, strict=True)))
    spark.createDataFrame([tuple(values.values())], spark_schema(schema)).createOrReplaceTempView(VIEW)
