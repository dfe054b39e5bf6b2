"""`python -m benchmarks [NAME …]`: all benchmarks, or those named."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import command, kafka, kill_matrix, load, many, merge, push, spark, sql, stream

BENCHMARKS: dict[str, Callable[[int], None]] = {
    "cli": command.run_cli,
    "kafka": kafka.run_kafka,
    "load": load.run,
    "command": command.run_command,
    "many": many.run_many,
    "merge": merge.run_merge,
    "memory": merge.run_memory,
    "kill_matrix": lambda _: kill_matrix.run_kill_matrix(),
    "push": push.run,
    "spark": spark.run_spark,
    "spark-memory": spark.run_spark_memory,
    "spark-session": spark.run_spark_session,
    "stream": stream.run_stream,
    "sql": sql.run_sql,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--times", type=int, default=5, help="turns of each case; the median is shown")
    parser.add_argument("--only", action="append", default=[], help="a part of the kill matrix: a mode, or a fault")
    parser.add_argument("--results", type=Path, help="a file that keeps the outcomes of the kill matrix")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # with all the servers that it has started
    if asked.only or asked.results:
        kill_matrix.run_kill_matrix(asked.only, asked.results)
        return
    for name in asked.names or BENCHMARKS:
        BENCHMARKS[name](asked.times)


if __name__ == "__main__":
    main()
