"""The pipeline file as a model: one frozen value that holds what pipelines/<name>/pipeline.yaml says."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from octo_core.catalog import Label
from octo_core.spec.llm import LlmSettings
from octo_core.spec.names import TableName
from octo_core.spec.shapes import From, driving, looked_up
from octo_core.spec.sources import Brokers, KafkaSecurity, Names, Source, Strict, Text, with_brokers
from octo_core.spec.units import Duration, Size, parse_size


def _label(value: object) -> object:
    return {"label": value} if isinstance(value, str) else value


def _cron(value: object) -> object:
    return {"cron": value} if isinstance(value, str) else value


def _engine(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


def _table(value: object) -> object:
    return {} if value is None else value


FROM: Final = "octopipe.spark.from"
"""A key of `engine.conf`: the size from which `auto` takes Spark, instead of this machine's half hour."""
ATTACH: Final = "octopipe.spark.attach"
"""A key of `engine.conf`: whether what tasks bring may take the place of empty partitions."""
S3A: Final = "octopipe.spark.s3a"
"""A key of `engine.conf`: whether Spark reads Parquet in S3 by itself. `true`, and the session brings the jars for it;
`provided`, and they are there."""
_SAID: Final = {ATTACH: ("true", "false"), S3A: ("true", "provided", "false")}


def _kind_of_deletes(value: object) -> str:
    return "word" if isinstance(value, str) else "mapping"  # names that no key has: octo_core/spec/shapes.py


def _valid_cron(value: str) -> str:
    from croniter import croniter  # 70 ms, and many pipelines have no schedule

    if len(value.split()) != 5 or not croniter.is_valid(value):
        raise ValueError(f"'{value}' is no cron schedule; write five fields, for example '15 6 * * *' (06:15 each day)")
    return value


def _coordinates(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        if not re.fullmatch(r"[\w.-]+[:/][\w.-]+:[\w.-]+", one):
            raise ValueError(f"'{one}' names no jar; write its coordinates, group:name:version")
    return value


def _own_settings(value: dict[str, str]) -> dict[str, str]:
    for name, said in value.items():
        if name.startswith("octopipe.") and name not in (ATTACH, S3A, FROM):
            raise ValueError(f"'{name}' is no setting; there are {ATTACH}, {S3A} and {FROM}")
        if name == FROM:
            parse_size(said)
        elif (words := _SAID.get(name)) and said.lower() not in words:
            raise ValueError(f"{name} is '{said}'; write {' or '.join(words)}")
    return value


def _valid_timezone(value: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    from octo_core.spec.nearest import did_you_mean

    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"'{value}' is no time zone.{did_you_mean(value, available_timezones())}") from None
    return value


class Destination(Strict):
    kind: Literal["postgres", "duckdb", "sqlite", "mysql", "files", "bigquery", "snowflake", "redshift"]
    url: str
    state_schema: str = "_octopipe"
    direct_url: str | None = None


class MarkDeletes(Strict):
    mark: str
    found_by: Literal["tombstone", "absence"] = "tombstone"


Deletes = Annotated[
    Annotated[Literal["ignore"], Tag("word")] | Annotated[MarkDeletes, Tag("mapping")], Discriminator(_kind_of_deletes)
]


class TableSpec(Strict):
    """One table that the pipeline writes."""

    from_: From | None = Field(default=None, alias="from")
    to: str | None = None
    key: Names | None = None
    version: str | None = None
    write: Literal["append", "merge", "replace", "history"] | None = None
    """`merge` where the table has a key, else `append`, when left out."""
    create: bool = False
    asset_key: tuple[str, ...] | None = None
    deletes: Deletes = "ignore"
    labels: dict[str, Annotated[Label, BeforeValidator(_label, json_schema_input_type=str | Label)]] = Field(
        default_factory=dict
    )
    transforms: Names = ()
    after: Names = ()


EngineKind = Literal["auto", "duckdb", "spark"]


class Engine(Strict):
    kind: EngineKind = "auto"
    memory: Size | None = None
    threads: int | None = Field(default=None, ge=1)
    master: str | None = None
    remote: str | None = None
    conf: Annotated[dict[str, Text], AfterValidator(_own_settings)] = Field(default_factory=dict)
    packages: Annotated[Names, AfterValidator(_coordinates)] = ()


class Schedule(Strict):
    cron: Annotated[str, AfterValidator(_valid_cron)]
    timezone: Annotated[str, AfterValidator(_valid_timezone)] = "UTC"


def _trigger(value: object) -> str:
    return "word" if isinstance(value, str) and value.strip() == "continuous" else "time"


class Stream(Strict):
    """Micro-batches of the sources that are streams, one after the other."""

    trigger: Annotated[
        Annotated[Literal["continuous"], Tag("word")] | Annotated[Duration, Tag("time")], Discriminator(_trigger)
    ] = Field(default="2 s", validate_default=True)
    """How often a micro-batch begins; `continuous`: as soon as the one before it is done."""
    max_rows: int = Field(default=100_000, ge=1)
    """Rows of a micro-batch: what there is more of waits at the brokers."""
    max_bytes: Size = 64_000_000
    dead_letters: str | None = None
    """A topic that gets the messages that were set aside as well."""


class Transport(Strict):
    """Landed batches are announced on a topic, and the next step starts from there."""

    kafka: str
    """The topic; made where it is missing."""
    brokers: Brokers | None = None
    """Those of the pipeline's first Kafka source when left out; then `security` and `settings` are that one's too."""
    security: KafkaSecurity | None = None
    settings: dict[str, Text] = Field(default_factory=dict)


class Retries(Strict):
    max: int = Field(default=3, ge=0, le=100)
    delay: Duration = Field(default="30 s", validate_default=True)
    backoff: Literal["exponential", "linear", "none"] = "exponential"


class Limits(Strict):
    concurrency: int = Field(default=4, ge=1)
    time: Duration | None = None


DriftAction = Literal["ask", "stop", "ignore"]


class DriftPolicy(Strict):
    new_field: DriftAction = "ask"
    missing_field: DriftAction = "stop"
    type_change: DriftAction = "ask"


class QuarantineLimits(Strict):
    max_ratio: float | None = Field(default=None, ge=0, le=1)
    max_rows: int | None = Field(default=None, ge=0)


class ApprovalPolicy(Strict):
    reviewers: Names = ()
    not_author: bool = False
    via: Literal["any", "api"] = "any"


class Anomaly(Strict):
    metrics: Names = ()


class Monitors(Strict):
    freshness: Duration | None = None
    timeliness: Duration | None = None
    anomaly: Anomaly | None = None
    active: bool = True


class PipelineSpec(Strict):
    """A pipeline. `name` is its folder's; `sources`, `destination` and `tables` are required."""

    name: str
    version: Literal[1] = 1
    description: str | None = None
    owner: str | None = None
    type: str | None = None
    tags: dict[str, Text] = Field(default_factory=dict)
    hosting: str = "local"
    sources: Annotated[dict[str, Source], AfterValidator(with_brokers)] = Field(min_length=1)
    destination: Destination | None = None
    destinations: dict[str, Destination] = Field(default_factory=dict)
    tables: dict[TableName, Annotated[TableSpec, BeforeValidator(_table, json_schema_input_type=TableSpec | None)]] = (
        Field(min_length=1)
    )
    engine: Annotated[Engine, BeforeValidator(_engine, json_schema_input_type=EngineKind | Engine)] = Engine()
    schedule: Annotated[Schedule, BeforeValidator(_cron, json_schema_input_type=str | Schedule)] | None = None
    stream: Stream | None = None
    transport: Transport | None = None
    retries: Retries = Retries()
    limits: Limits = Limits()
    drift: DriftPolicy = DriftPolicy()
    quarantine: QuarantineLimits = QuarantineLimits()
    approval: ApprovalPolicy = ApprovalPolicy()
    monitors: Monitors = Monitors()
    llm: LlmSettings = LlmSettings()
    needs: Names = ()

    def origin_of(self, table: str) -> From | None:
        """What feeds a table: its `from`, or the only source there is; None where the file leaves it open."""
        origin = self.tables[table].from_
        return next(iter(self.sources)) if origin is None and len(self.sources) == 1 else origin

    def sources_of(self, table: str) -> tuple[str, ...]:
        """The sources whose batches a table is loaded with: all of them where the file leaves it open."""
        origin = self.origin_of(table)
        return driving(origin) if origin is not None else tuple(self.sources)

    def beside(self, table: str) -> tuple[str, ...]:
        """The sources that are only looked up for a table's rows: what a join joins with."""
        origin = self.origin_of(table)
        return looked_up(origin) if origin is not None else ()


class PartialSpec(PipelineSpec):
    """What is left of a pipeline's file without its mistakes, which may be no source and no table at all."""

    model_config = ConfigDict(defer_build=True)

    sources: Annotated[dict[str, Source], AfterValidator(with_brokers)] = Field(default_factory=dict)
    tables: dict[TableName, Annotated[TableSpec, BeforeValidator(_table)]] = Field(default_factory=dict)
