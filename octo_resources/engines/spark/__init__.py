"""The Spark engine. Nothing here imports pyspark before a session is opened."""

from octo_resources.engines.spark.engine import SparkEngine
from octo_resources.engines.spark.session import Settings, close

__all__ = ["Settings", "SparkEngine", "close"]
