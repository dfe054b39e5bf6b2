"""The pipeline file as a model: one frozen value that holds what pipelines/<name>/pipeline.yaml says."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from octo_core.catalog import Label
from octo_core.spec.sources import Source, Strict
from octo_core.spec.units import Duration, Size


def _label(value: object) -> object:
    return {"label": value} if isinstance(value, str) else value


def _cron(value: object) -> object:
    return {"cron": value} if isinstance(value, str) else value


def _engine(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


class Destination(Strict):
    kind: Literal["postgres", "duckdb", "sqlite", "mysql", "files", "bigquery", "snowflake", "redshift"]
    url: str
    state_schema: str = "_octopipe"
    direct_url: str | None = None


class SqlFrom(Strict):
    sql: str


class UnionFrom(Strict):
    union: tuple[str, ...]


class JoinFrom(Strict):
    join: dict[str, Any]


class EachFrom(Strict):
    source: str
    each: str


class MarkDeletes(Strict):
    mark: str
    found_by: Literal["tombstone", "absence"] = "tombstone"


class TableSpec(Strict):
    """One table that the pipeline writes."""

    from_: str | SqlFrom | UnionFrom | JoinFrom | EachFrom | None = Field(default=None, alias="from")
    to: str | None = None
    key: tuple[str, ...] | None = None
    version: str | None = None
    write: Literal["append", "merge", "replace", "history"] | None = None
    """`merge` where the table has a key, else `append`, when left out."""
    create: bool = False
    asset_key: tuple[str, ...] | None = None
    deletes: Literal["ignore"] | MarkDeletes = "ignore"
    labels: dict[str, Annotated[Label, BeforeValidator(_label)]] = Field(default_factory=dict)
    transforms: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Engine(Strict):
    kind: Literal["auto", "duckdb", "spark"] = "auto"
    memory: Size | None = None
    threads: int | None = Field(default=None, ge=1)
    master: str | None = None
    remote: str | None = None
    conf: dict[str, str] = Field(default_factory=dict)
    packages: tuple[str, ...] = ()


class Schedule(Strict):
    cron: str
    timezone: str = "UTC"


class Stream(Strict):
    trigger: str | None = None
    max_rows: int | None = Field(default=None, ge=1)
    dead_letters: str | None = None


class Transport(Strict):
    kafka: str


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
    reviewers: tuple[str, ...] = ()
    not_author: bool = False
    via: Literal["any", "api"] = "any"


class Anomaly(Strict):
    metrics: tuple[str, ...] = ()


class Monitors(Strict):
    freshness: Duration | None = None
    timeliness: Duration | None = None
    anomaly: Anomaly | None = None
    active: bool = True


class LlmSettings(Strict):
    model: str | None = None
    base_url: str | None = None
    key: str | None = None
    share: Literal["none", "statistics", "samples"] | None = None
    budget: dict[str, Any] = Field(default_factory=dict)


class PipelineSpec(Strict):
    """A pipeline. `name` is its folder's; `sources`, `destination` and `tables` are required."""

    name: str
    version: Literal[1] = 1
    description: str | None = None
    owner: str | None = None
    type: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    hosting: str = "local"
    sources: dict[str, Source] = Field(min_length=1)
    destination: Destination | None = None
    destinations: dict[str, Destination] = Field(default_factory=dict)
    tables: dict[str, TableSpec] = Field(min_length=1)
    engine: Annotated[Engine, BeforeValidator(_engine)] = Engine()
    schedule: Annotated[Schedule, BeforeValidator(_cron)] | None = None
    stream: Stream | None = None
    transport: Transport | None = None
    retries: Retries = Retries()
    limits: Limits = Limits()
    drift: DriftPolicy = DriftPolicy()
    quarantine: QuarantineLimits = QuarantineLimits()
    approval: ApprovalPolicy = ApprovalPolicy()
    monitors: Monitors = Monitors()
    llm: LlmSettings = LlmSettings()
    needs: tuple[str, ...] = ()
