"""Spark's classes in an archive that Java maps in as it starts: a session is there in half the time.

Java reads, checks and links some 15,000 classes whenever Spark starts, which is most of what a start costs. With an
archive of them (Java's "application class data sharing") it does so once. This module, run, makes it: 180 MB in the
environment that it is for. Java leaves an archive aside that was made by another Java or of other jars, so that one
which is out of date costs nothing but the time that it would have saved.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from octo_core.errors import EngineError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

ARCHIVE: Final = Path(sys.prefix) / "share" / "octopipe" / "spark.jsa"
_QUIET: Final = "-Xlog:disable -Xlog:all=error:stderr"
"""What Java says of an archive that does not fit goes to standard output, where our JSON is."""


def options(archive: Path = ARCHIVE) -> str:
    """Java's options that use the archive; none where there is none, or its path has a blank, at which Java splits."""
    usable = archive.is_file() and not any(letter.isspace() for letter in str(archive))
    return f"-XX:SharedArchiveFile={archive} {_QUIET}" if usable else ""


def used_by(java: str) -> str:
    """A Java's options `java` with the archive's, unless it has an archive of its own."""
    return java if "ArchiveClassesAtExit" in java or "SharedArchiveFile" in java else f"{java} {options()}".strip()


def make(archive: Path = ARCHIVE) -> Path:
    """Run what loads have Spark do, in a Java of its own that writes down which classes it took; returns where.

    Raises EngineError where Spark does not start.
    """
    from octo_resources.engines.spark.session import Settings, close, session

    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        written = Path(folder) / "spark.jsa"
        light = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # this Java lives for seconds
        java = f"-Xss4m -XX:ArchiveClassesAtExit={written} {light} {_QUIET}"
        spark = session(Settings("local[2]", conf=(("spark.driver.extraJavaOptions", java),)))
        gateway: Any = spark.sparkContext._gateway
        _work(spark, Path(folder))
        close()
        gateway.shutdown()
        gateway.proc.stdin.close()  # the Java of a session ends with its input
        if gateway.proc.wait() or not written.exists():
            raise EngineError("Java wrote no archive of Spark's classes", where=str(archive), hint="is its disk full?")
        written.replace(archive)
    return archive


def _work(spark: "SparkSession", folder: Path) -> None:
    """What loads have Spark do: read each format, reckon, take rows through Python, shuffle, join, follow a stream."""
    from pyspark.sql import functions

    reckoned = spark.range(0, 2000, 1, 4).selectExpr(
        "id", "cast(id as string) text", "cast(id as decimal(20, 4)) / 3 price", "timestamp_millis(id) at",
        "date_from_unix_date(cast(id as int)) day", "array(id, id) many", "named_struct('a', id, 'b', text) nested",
        "regexp_replace(cast(id as string), '1', 'x') other", "case when id % 2 = 0 then null else id end odd",
    )  # fmt: skip
    reckoned.write.json(str(folder / "json"))
    reckoned.write.parquet(str(folder / "parquet"))
    reckoned.select("id", "text", "price", "at").write.option("header", True).csv(str(folder / "csv"))
    lines = spark.read.schema(reckoned.schema).json(str(folder / "json"))
    table = spark.read.parquet(str(folder / "parquet"))
    text = spark.read.schema("id long, text string, price decimal(20, 4), at timestamp").csv(str(folder / "csv"))
    joined = lines.join(table.select("id", functions.col("text").alias("also")), "id").join(
        functions.broadcast(text.select("id")), "id", "left"
    )
    joined.mapInArrow(_same, joined.schema).repartition(2).toArrow()
    lines.groupBy("text").agg(functions.max("at"), functions.sum("price"), functions.count("*")).orderBy(
        "text"
    ).collect()
    lines.withColumn("first", functions.expr("row_number() over (partition by text order by id)")).count()
    follow = spark.readStream.schema(reckoned.schema).json(str(folder / "json")).writeStream
    follow.foreachBatch(_counted).option("checkpointLocation", str(folder / "point")).trigger(
        availableNow=True
    ).start().awaitTermination()


def _same(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
    yield from batches


def _counted(rows: "DataFrame", number: int) -> None:
    assert rows.count() >= number


if __name__ == "__main__":
    made = make()
    sys.stdout.write(f"{made}: {made.stat().st_size >> 20} MB; Spark starts with it from now on\n")
