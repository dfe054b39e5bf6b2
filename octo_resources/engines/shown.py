"""The SELECT of a mapping as a plan shows it for an engine that need not be there."""

from collections.abc import Mapping

from octo_core.expressions import SPARK_SETTINGS, Node, select_spark, to_spark
from octo_core.expressions.spark_names import name
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb.pretty import pretty


def spark_sql(schema: SourceSchema, columns: Mapping[str, Node]) -> str:
    """Spark's SQL of a mapping: values and, under `name!`, why a row has none; first the settings that it counts on."""
    rendered = {own: to_spark(node) for own, node in columns.items()}
    settings = "\n".join(f"-- {setting} = {value}" for setting, value in SPARK_SETTINGS.items())
    return f"{settings}\n{pretty(select_spark(rendered, name(schema.source)))}"
