"""The `sources` of a pipeline file, one model a kind. Keys and meanings: docs/pipeline-file.md."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    WithJsonSchema,
)

from octo_core.spec.units import Duration, Rate, Size, duration_text, parse_duration

Landing = Literal["copy", "reference", "off"]


class Strict(BaseModel):
    """A part of a file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """`{retries: 3}` where text is wanted; a float is left to be refused, its digits may not be the ones written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])]
"""A list of names; a single one may stand by itself."""
Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | int | bool)]
"""The values of headers, tags and settings: whole numbers and booleans need no quotes."""


class NoAuth(Strict):
    kind: Literal["none"]


class BasicAuth(Strict):
    kind: Literal["basic"]
    username: str
    password: str


class BearerAuth(Strict):
    kind: Literal["bearer"]
    token: str


class ApiKeyAuth(Strict):
    """A key in a header (`in: header`, the default) or a query parameter (`in: query`)."""

    kind: Literal["api_key"]
    key: str
    name: str = "X-API-Key"
    in_: Literal["header", "query"] = Field(default="header", alias="in")


class OAuth2Auth(Strict):
    kind: Literal["oauth2"]
    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None


class HmacAuth(Strict):
    kind: Literal["hmac"]
    key: str
    header: str = "X-Signature"
    algorithm: Literal["sha256", "sha512"] = "sha256"


Auth = Annotated[NoAuth | BasicAuth | BearerAuth | ApiKeyAuth | OAuth2Auth | HmacAuth, Field(discriminator="kind")]


class PagePaging(Strict):
    """`?page=1`, `?page=2`, … until a page is empty, short, or the total is reached."""

    kind: Literal["page"]
    param: str = "page"
    start: int = 1
    size_param: str | None = None
    size: int | None = Field(default=None, ge=1)
    total: str | None = None
    """Path of the number of pages in the answer."""


class OffsetPaging(Strict):
    """`?offset=0&limit=100`, …"""

    kind: Literal["offset"]
    param: str = "offset"
    limit_param: str | None = "limit"
    limit: int | None = Field(default=None, ge=1)
    total: str | None = None
    """Path of the number of records in the answer."""


class CursorPaging(Strict):
    """The answer holds a cursor at `path`, sent back as `param`."""

    kind: Literal["cursor"]
    path: str
    param: str = "cursor"


class LinkPaging(Strict):
    """RFC 8288: a `Link` header with rel="next"."""

    kind: Literal["link"]


class NextUrlPaging(Strict):
    """The answer holds the next page's address at `path` (also HAL's `_links.next.href`)."""

    kind: Literal["next_url"]
    path: str


Paging = Annotated[PagePaging | OffsetPaging | CursorPaging | LinkPaging | NextUrlPaging, Field(discriminator="kind")]


def _paging(value: object) -> str:
    return "word" if isinstance(value, str) else "paging"


def _lag(value: object) -> timedelta | int:
    """`2 h` for a time; a plain whole number for a cursor that counts."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and value.strip().isdigit() else parse_duration(value)


def _lag_text(value: timedelta | int) -> str | int:
    return value if isinstance(value, int) else duration_text(value)


Lag = Annotated[
    timedelta | int,
    PlainValidator(_lag),
    PlainSerializer(_lag_text, return_type=str | int),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}], "examples": ["2 h", 100]}),
]


def _verified(value: object) -> object:
    """TLS is always verified: `verify` may name other authorities, and may not turn it off."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if value is False or value is None:
        raise ValueError("TLS is always verified; for a private authority give the path of its CA bundle")
    return value


class Cursor(Strict):
    """Incremental reading: records whose `field` is newer than what is there already, less `lag`."""

    field: str
    lag: Lag | None = None
    param: str | None = None
    """REST: the query parameter that takes the cursor's value (the field's own name when left out)."""
    start: str | int | None = None
    """Where the first read begins."""
    format: str | None = None


class SampleLimits(Strict):
    rows: int = Field(default=200_000, ge=1)
    bytes: Size = 256_000_000


class SourceBase(Strict):
    """What every kind of source may say."""

    key: Names = ()
    landing: Landing | None = None
    sample: SampleLimits | None = None
    """How much a first plan reads where nothing landed yet; all of it when left out."""
    description: str | None = None
    fields: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The user's own word on a field, over what inference says: type, format, unit, semantic, pii, description."""


def landing_of(source: "SourceBase") -> Landing:
    """What becomes of a source's data, by its kind where the file does not say."""
    if source.landing is not None:
        return source.landing
    kind = getattr(source, "kind", "")
    if kind == "file":
        return "copy" if "://" in getattr(source, "path", "").removeprefix("file://") else "reference"
    return "off" if kind in ("sql", "kafka") else "copy"


class FileOptions(Strict):
    """How a file is written, where looking at it does not say."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool | None = None
    encoding: str | None = None
    skip: int | None = Field(default=None, ge=0)
    null: Names | None = None
    columns: tuple[str, ...] | None = None
    records: str | None = None
    sheet: str | int | None = None


class FileSource(SourceBase):
    kind: Literal["file"]
    path: str
    """A file, a folder, a pattern with *, ? and **; or such an address in S3: `s3://bucket/prefix/*.json.gz`."""
    endpoint: str | None = None
    """Of S3, where it is not Amazon's and AWS_ENDPOINT_URL does not say."""
    format: Literal["csv", "tsv", "json", "jsonl", "ndjson", "parquet"] | None = None
    options: FileOptions = FileOptions()
    cursor: Cursor | None = None


class RestSource(SourceBase):
    kind: Literal["rest"]
    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, Text] = Field(default_factory=dict)
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)
    body: Any = None
    auth: Auth | None = None
    records: str | None = None
    pages: Annotated[
        Annotated[Literal["auto", "none"], Tag("word")] | Annotated[Paging, Tag("paging")], Discriminator(_paging)
    ] = "auto"
    cursor: Cursor | None = None
    rate: Rate | None = None
    """At most so many requests: `10/s`, `600/min`."""
    timeout: Duration = Field(default="30 s", validate_default=True)
    verify: Annotated[bool | str, BeforeValidator(_verified)] = True
    """True (TLS verified), or the path of a CA bundle. `false` is refused."""
    children: dict[str, Any] | None = None
    public_only: bool = False


class Split(Strict):
    """Read by ranges of a number or a time, where the database can at the same moment."""

    by: str | None = None
    """The column; the first of the table's key when left out."""
    parts: int = Field(default=4, ge=1, le=256)


def _split(value: object) -> object:
    """`split: 8` and `split: id`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"parts": value}
    return {"by": value} if isinstance(value, str) else value


class SqlSource(SourceBase):
    """A table, or a query of one SELECT, of a database that is only read."""

    kind: Literal["sql"]
    url: str
    table: str | None = None
    """`name` or `schema.name`; odd names in double quotes."""
    query: str | None = None
    cursor: Cursor | None = None
    split: Annotated[Split | None, BeforeValidator(_split, json_schema_input_type=Split | int | str | None)] = None


KafkaFormat = Literal["json", "debezium", "avro", "protobuf", "text", "csv"]


def _broker_list(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Brokers = Annotated[tuple[str, ...], BeforeValidator(_broker_list, json_schema_input_type=str | tuple[str, ...])]
"""Addresses, as a list or with commas."""


class KafkaSecurity(Strict):
    """How brokers are spoken to. `protocol` follows from the rest when left out: TLS where there is `tls`, SASL where
    there is a `mechanism`."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"] | None = None
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca: str | None = None
    """The path of a CA bundle, for a private authority."""
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = None
    """A client's own certificate and key: paths of PEM files."""
    token_url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None
    """OAUTHBEARER by a client's credentials."""


class KafkaBatch(Strict):
    """How much of a topic makes a batch: it is read once so many messages wait, or the oldest waits so long."""

    rows: int = Field(default=1_000_000, ge=1)
    bytes: Size = 1_000_000_000
    age: Duration = Field(default="1 min", validate_default=True)


class SchemaRegistry(Strict):
    """Where the schemas of Avro and Protobuf messages are: a registry, or a file (`file://…`) without one."""

    url: str
    username: str | None = None
    password: str | None = None
    ca: str | None = None


def _registry(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class KafkaSource(SourceBase):
    kind: Literal["kafka"]
    brokers: Brokers
    topic: Names
    """One topic, a list, or a pattern, which begins with `^`."""
    format: KafkaFormat = "json"
    key_format: Literal["text", "json", "avro", "protobuf"] | None = None
    """`json` with Debezium, `avro` with Avro, else `text` when left out."""
    schema_registry: (
        Annotated[SchemaRegistry, BeforeValidator(_registry, json_schema_input_type=str | SchemaRegistry)] | None
    ) = None
    message: str | None = None
    """Protobuf from a file: the message's full name."""
    security: KafkaSecurity | None = None
    start: str = "earliest"
    """Where the first read begins: earliest, latest or a time."""
    batch: KafkaBatch = KafkaBatch()
    options: FileOptions = FileOptions()
    """CSV: delimiter, columns, null."""
    settings: dict[str, Text] = Field(default_factory=dict)
    """Any further setting of the client (librdkafka's names)."""


class PushBatch(Strict):
    """When what was pushed lands by itself: at so many items, or when the oldest has waited so long."""

    rows: int = Field(default=100_000, ge=1)
    """Items of a landed batch, at most; one request's items always stay together."""
    age: Duration = Field(default="30 s", validate_default=True)


class PushTopic(Strict):
    """The Kafka topic that takes what was pushed; made where it is missing."""

    topic: str
    brokers: Brokers | None = None
    """Those of the pipeline's first Kafka source when left out; then `security` and `settings` are that one's too."""
    security: KafkaSecurity | None = None
    settings: dict[str, Text] = Field(default_factory=dict)

    def source(self) -> KafkaSource:
        """The topic as what reads it; its brokers have to be there."""
        return KafkaSource(
            kind="kafka",
            brokers=self.brokers or (),
            topic=(self.topic,),
            security=self.security,
            settings=self.settings,
            landing="copy",
        )


def _push_topic(value: object) -> object:
    return {"topic": value} if isinstance(value, str) else value


class PushSource(SourceBase):
    """Items that others send: `POST /push/PIPELINE` of `octopipe serve`."""

    kind: Literal["push"]
    auth: Auth | None = None
    """Who may push. Left out: whoever has one of the tokens that `octopipe token create` made for the pipeline."""
    token: str | None = None
    """Short for `auth: {kind: bearer, token: …}`."""
    signature: HmacAuth | None = None
    """Each body must be signed as well, beside whatever `auth` asks."""
    max_bytes: Size = 10_000_000
    """Of one request, decompressed."""
    max_waiting: Size = 1_000_000_000
    """Of what waits to land; past it requests are put off (503)."""
    rate: Rate | None = None
    """Requests taken, at most: `100/s`; past it they are put off (429)."""
    batch: PushBatch = PushBatch()
    to: Annotated[PushTopic, BeforeValidator(_push_topic, json_schema_input_type=str | PushTopic)] | None = None
    """A Kafka topic that takes what was pushed; a durable local queue when left out."""


class SingerSource(SourceBase):
    kind: Literal["singer"]
    tap: str
    config: dict[str, Any] = Field(default_factory=dict)
    streams: tuple[str, ...] = ()


class PythonSource(SourceBase):
    kind: Literal["python"]
    file: str


Source = Annotated[
    FileSource | RestSource | SqlSource | KafkaSource | PushSource | SingerSource | PythonSource,
    Field(discriminator="kind"),
]


def with_brokers(sources: dict[str, Source]) -> dict[str, Source]:
    """The sources, with the brokers of the first that reads Kafka for those pushed to a topic that name none."""
    kafka = next((one for one in sources.values() if isinstance(one, KafkaSource)), None)
    if kafka is None:
        return sources
    said = {"brokers": kafka.brokers, "security": kafka.security, "settings": kafka.settings}

    def known(one: Source) -> Source:
        if not isinstance(one, PushSource) or one.to is None or one.to.brokers is not None:
            return one
        return one.model_copy(update={"to": one.to.model_copy(update=said)})

    return {name: known(one) for name, one in sources.items()}
