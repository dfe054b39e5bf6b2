"""One Spark session a process: locally, on a cluster, or by Spark Connect, with what exact loads need set in it.

A session costs 5 to 10 s, so it is kept until another is asked for. Where Dagster runs, dagster-pyspark opens it.
"""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from octo_core.errors import EngineError
from octo_core.expressions.spark_names import SETTINGS, literal
from octo_core.spec.pipeline import ATTACH, FROM, S3A, Engine
from octo_resources.engines.spark import archive, s3a
from octo_resources.engines.spark.missing import explained, require_answer, require_java, require_own_spark
from octo_resources.engines.spark.yarn import end, require_manager

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MEANINGS: Final[dict[str, str]] = {
    **SETTINGS,
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}
"""Settings that decide what expressions mean and what readers drop: no pipeline's `conf` goes over them."""
_PACKAGES: Final = "spark.jars.packages"
_PYTHON: Final = "spark.pyspark.python"
_TAGS: Final = "spark.yarn.tags"
_NEVER: Final = frozenset({"spark.sql.parser.escapedStringLiterals", ATTACH, FROM, S3A})
_USUAL: Final[dict[str, str]] = {
    "spark.ui.port": "0",
    "spark.log.level": "ERROR",
    "spark.driver.extraJavaOptions": "-Xss4m",  # long expressions are analysed by recursion
    "spark.executor.extraJavaOptions": "-Xss4m",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "16384",
    # Any lower limit makes Spark 4.2 measure a batch after each row, which costs the square of its rows.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
    "spark.task.maxFailures": "4",
}
_JAVA: Final = ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions")
_LOOPBACK: Final = ("local", "spark://127.", "spark://localhost", "spark://[::1]")
_PLAIN_LOCAL: Final = re.compile(r"^local\[(\d+|\*)\]$")
_REMOTE_MARKS: Final = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_LOCAL_REMOTE")
"""Variables that PySpark leaves behind after a Spark Connect session."""
_OF_JAVA: Final = ("AWS_", "JAVA_HOME", "HADOOP_CONF_DIR", "YARN_CONF_DIR")
"""How variables begin that Java, or a task in a process that Java starts, reads."""
_TRIPPED: Final = "java.util.ConcurrentModificationException"
_TRIES: Final = 4
_lock = threading.Lock()
_open: "tuple[Settings, SparkSession] | None" = None
_opening: "tuple[int, str] | None" = None
"""The thread that opens a session on YARN, and the tag of its application there."""
_begun: "tuple[dict[str, str], dict[str, str]] | None" = None
"""The settings and the variables that this process's Java was started with."""


@dataclass(frozen=True)
class Settings:
    """What a session is opened with; two of the same share one session."""

    master: str = "local[*]"
    remote: str | None = field(default=None, repr=False)
    conf: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, engine: Engine, reveal: Callable[[str], str] = str) -> "Settings":
        """What a pipeline's `engine:` says; `memory` and `threads`: of the driver locally, else of an executor.

        `reveal` turns references to secrets into their values.
        """
        master = engine.master or (f"local[{engine.threads}]" if engine.threads else "local[*]")
        conf: dict[str, str] = {}
        local = master.startswith("local")
        if engine.memory is not None:
            conf["spark.driver.memory" if local else "spark.executor.memory"] = f"{engine.memory >> 20}m"
        if engine.threads is not None and not local:
            conf["spark.executor.cores"] = str(engine.threads)
        if engine.packages:
            conf[_PACKAGES] = ",".join(engine.packages)
        conf |= {name: reveal(value) for name, value in engine.conf.items()}
        return cls(master, reveal(engine.remote) if engine.remote else None, tuple(sorted(conf.items())))

    @property
    def s3a(self) -> str:
        """Whether Parquet in S3 is read by s3a: `false`, `true` or `provided`, as S3A says."""
        return dict(self.conf).get(S3A, "false").lower()

    @property
    def by_s3a(self) -> bool:
        return self.s3a != "false"

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.remote.partition(";")[0] if self.remote else self.master

    @property
    def loopback(self) -> bool:
        return self.remote is None and self.master.startswith(_LOOPBACK)


def session(settings: Settings) -> "SparkSession":
    """The session of these settings. One of other settings is closed first: a process has one driver.

    Raises EngineError where Java or Spark is missing, or the master or server cannot be reached.
    """
    global _open
    with _lock:
        if _open is not None and _open[0] == settings and alive(_open[1]):
            return _open[1]
        if _open is not None:
            _stop(_open[1])
            _open = None
        found = _opened(settings)
        _open = (settings, found)
        return found


def close() -> None:
    """End the process's session, if there is one."""
    global _open
    with _lock:
        if _open is not None:
            _stop(_open[1])
            _open = None
            _forget_remote()


def _stop(found: "SparkSession") -> None:
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # it has no types

    try:
        found.stop()
    except (Py4JError, ConnectionError):  # its Java has died
        found.sparkContext.stop()  # what PySpark left half way


def _forget_remote() -> None:
    """After a Spark Connect session PySpark would take every later one for another."""
    for name in _REMOTE_MARKS:
        os.environ.pop(name, None)


def configuration(settings: Settings) -> dict[str, str]:
    """Every setting that a session is opened with."""
    own = {name: value for name, value in settings.conf if name not in _NEVER}
    conf = {**_USUAL, **own, **MEANINGS}
    if settings.remote:
        # A server has its own driver and jars: only what a session may set is sent.
        kept = {name: value for name, value in conf.items() if name.startswith("spark.sql.")}
        return {"spark.remote": settings.remote, **kept}
    if settings.s3a == "true":
        conf = s3a.with_jars(conf)
    conf["spark.master"] = _PLAIN_LOCAL.sub(r"local[\1,4]", settings.master)  # tasks are tried again there too
    for name in _JAVA if settings.loopback else _JAVA[:1]:  # executors elsewhere have other files
        conf[name] = archive.used_by(conf[name])
    conf.setdefault("spark.app.name", "octopipe")
    conf.setdefault("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())  # Spark's own bar
    conf.setdefault(_PYTHON, os.environ.get("PYSPARK_PYTHON", sys.executable))
    conf.setdefault("spark.pyspark.driver.python", sys.executable)
    if settings.loopback:
        conf.setdefault("spark.driver.host", "127.0.0.1")
        conf.setdefault("spark.driver.bindAddress", "127.0.0.1")
    return conf


def _opened(settings: Settings) -> "SparkSession":
    try:
        import pyspark  # 0.4 s
    except ImportError:
        hint = "pip install 'octopipe[spark]'"
        raise EngineError("the Spark engine is not installed", where=settings.place, hint=hint) from None

    conf = configuration(settings)
    if settings.remote is None:
        require_java(settings.place)
        require_own_spark(pyspark.__version__, settings.place)
        _forget_remote()
        if settings.loopback:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if settings.master == "yarn" and settings.remote is None:
        require_manager(conf)
    require_answer(settings.remote or settings.master)
    with explained(settings.place):
        if settings.remote is None:
            _begin_java(conf)
        with _executors_python(conf.get(_PYTHON)), _told_apart(conf):
            found = _built_at_last(conf)
        if settings.remote is not None:
            _bring_jars(found, settings)
        return settled(found)


@contextmanager
def _executors_python(path: str | None) -> Iterator[None]:
    """PySpark reads from a variable alone what its tasks run with: set for one session, else the next one, of another
    pipeline, would get it too."""
    before = os.environ.get("PYSPARK_PYTHON")
    if path is not None:
        os.environ["PYSPARK_PYTHON"] = path
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYSPARK_PYTHON", None)
        else:
            os.environ["PYSPARK_PYTHON"] = before


def _bring_jars(found: "SparkSession", settings: Settings) -> None:
    """By Connect a session's jars are brought by its server, for this session only: it was started without them."""
    try:
        for coordinates in filter(None, dict(settings.conf).get(_PACKAGES, "").split(",")):
            found.sql(f"ADD JAR {literal('ivy://' + coordinates.strip().replace('/', ':'))}")
    except BaseException:
        found.stop()  # else the next asker gets this session, without the jars
        raise


def _begin_java(conf: dict[str, str]) -> None:
    """End a Java that was started with other settings or variables: one that runs keeps its memory, jars and options,
    and hands the tasks of a local master the variables that it was started with. Forget one that has died."""
    global _begun
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    wanted = (conf, {name: value for name, value in os.environ.items() if name.startswith(_OF_JAVA)})
    gateway = SparkContext._gateway
    java = getattr(gateway, "proc", None)  # none where spark-submit started us
    if gateway is not None and java is not None and (java.poll() is not None or _begun not in (None, wanted)):
        SparkContext._gateway = SparkContext._jvm = None
        with suppress(Py4JError, OSError):
            gateway.shutdown()
        java.stdin.close()  # with which it ends
        java.wait()
    _begun = wanted


def settled(found: "SparkSession") -> "SparkSession":
    """A session in which expressions mean what they should, whoever opened it."""
    for name, value in MEANINGS.items():
        if found.conf.get(name, None) != value:
            found.conf.set(name, value)
    return found


@contextmanager
def _told_apart(conf: dict[str, str]) -> Iterator[None]:
    """Give the application that is asked of YARN a tag of its own meanwhile, by which `give_up` finds it."""
    global _opening
    if conf.get("spark.master") != "yarn":
        yield
        return
    tag = f"octopipe-{uuid4().hex}"
    conf[_TAGS] = ",".join(filter(None, (conf.get(_TAGS), tag)))
    _opening = (threading.get_ident(), tag)
    try:
        yield
    finally:
        _opening = None


def give_up(thread: int) -> None:
    """End the application for which a thread waits that opens a session on YARN, from any other; else without effect.

    It may stand in YARN's queue for hours. The one who opens it gets an EngineError then.
    """
    opening = _opening
    if opening is None or opening[0] != thread:
        return
    with explained("yarn"):
        end(opening[1])


def _built_at_last(conf: Mapping[str, str]) -> "SparkSession":
    """Spark 4.2 trips over itself on YARN now and then: its pages are put up while YARN has it guard them."""
    from py4j.protocol import Py4JJavaError

    for _ in range(_TRIES - 1):
        try:
            return _built(conf)
        except Py4JJavaError as error:
            if _TRIPPED not in str(error):
                raise
    return _built(conf)


def _built(conf: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession

    if "dagster" in sys.modules and "spark.remote" not in conf:
        from dagster_pyspark import LazyPySparkResource

        made: SparkSession = LazyPySparkResource(spark_config=dict(conf)).spark_session
        return made
    builder = SparkSession.builder
    for name, value in conf.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def alive(found: "SparkSession") -> bool:
    """Whether its driver or server still runs it."""
    from py4j.protocol import Py4JError

    if hasattr(found, "is_stopped"):  # Spark Connect
        return not found.is_stopped
    try:
        context = found.sparkContext._jsc  # None once it was stopped
        return context is not None and not context.sc().isStopped()
    except (Py4JError, ConnectionError):
        return False


def web_url(found: "SparkSession") -> str | None:
    """Where the session's own pages are; None by Connect, whose server does not say."""
    try:
        return found.sparkContext.uiWebUrl
    except Exception as error:  # noqa: BLE001 - PySpark raises its own kinds for what a session does not have
        del error
        return None
