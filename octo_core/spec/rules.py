"""What a pipeline file must keep beyond its shape: the parts that name one another, and what cannot go together."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from octo_core.spec.document import Path
from octo_core.spec.names import PIPELINE_NAME, canonical_table_name, without_accents
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.pipeline import MarkDeletes, PipelineSpec, TableSpec
from octo_core.spec.select import dialect_of, no_select
from octo_core.spec.shapes import EachFrom, JoinFrom, SqlFrom, UnionFrom, driving
from octo_core.spec.sources import FileSource, KafkaSource, OAuth2Auth, PushSource, Source, SqlSource
from octo_core.types import parse_type

Finding = tuple[Path, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pipeline file's rules need to know of the project around it."""

    pipelines: Callable[[], Collection[str]] = tuple
    """All there are; asked for only where a name is wrong, for a thousand of them take a while to list."""
    has_pipeline: Callable[[str], bool] = lambda _: True
    profiles: Collection[str] = ()
    names: str | None = None
    """The project's `rules.names`."""
    needs_of: Callable[[str], Iterable[str]] = lambda _: ()
    """What another pipeline needs, as its file says."""
    has_file: Callable[[str], bool] = lambda _: True
    """Whether a file that the pipeline names is there."""


def check_name(name: str, surroundings: Surroundings) -> Iterator[Finding]:
    if not PIPELINE_NAME.match(name):
        yield (), f"'{name}' is no pipeline's name: lower-case letters, digits and _, a letter first"
    elif surroundings.names and not re.match(surroundings.names, name):
        yield (), f"the name '{name}' does not keep rules.names of octopipe.yaml: {surroundings.names}"


def check_pipeline(spec: PipelineSpec, data: Any, surroundings: Surroundings) -> Iterator[Finding]:
    """Every rule that the pipeline breaks. `data` is what the file says, also where parts of it were no good."""
    yield from _hosting(spec, surroundings)
    yield from _destinations(spec, data)
    yield from _needs(spec, surroundings)
    yield from _same_table(data)
    yield from _stream(spec)
    yield from _engine(spec)
    yield from _no_time(spec)
    for source_name, source in spec.sources.items():
        yield from _sql(("sources", source_name), source)
        if isinstance(source, FileSource) and source.path.startswith("s3://") and source.landing == "reference":
            where: Path = ("sources", source_name, "landing")
            yield where, "landing: objects in S3 are copied, for they can be written over at any time; write copy"
        if isinstance(source, FileSource) and source.cursor is not None:
            said = "cursor: files are read whole, new and changed ones only, so a cursor would do nothing; leave it out"
            yield ("sources", source_name, "cursor"), said
    sources = list(data["sources"]) if isinstance(data.get("sources"), dict) else list(spec.sources)
    yield from _same_source(sources)
    yield from _push(spec)
    yield from _kafka(spec, data)
    yield from _from(data, sources)
    yield from _fields(spec)
    for written, table in _tables(spec, data):
        path: Path = ("tables", written)
        yield from (((*path, "from", *place), said) for place, said in _twice(table.from_))
        yield from _write(path, table, spec, sources)
        yield from _files(path, table, surroundings)
        yield from _to(path, table, spec)


def _fields(spec: PipelineSpec) -> Iterator[Finding]:
    """What the file says of fields, in words that there are."""
    for name, source in spec.sources.items():
        if not source.fields:
            continue
        from octo_core.inference.bearing import SEMANTIC_NAMES  # 30 ms, and few files speak of fields
        from octo_core.inference.overrides import KEYS, ROLES

        for field, said in source.fields.items():
            for key, value in said.items():
                path: Path = ("sources", name, "fields", field, key)
                if key not in KEYS:
                    yield path, f"a field has no '{key}'.{did_you_mean(key, KEYS)}"
                elif key == "semantic" and value is not None and value not in SEMANTIC_NAMES:
                    near = did_you_mean(str(value), SEMANTIC_NAMES)
                    yield path, f"there is no semantic type '{value}'.{near} docs/semantic-types.md lists them"
                elif key == "role" and value is not None and value not in ROLES:
                    yield path, f"there is no role '{value}'.{did_you_mean(str(value), ROLES)}"
                elif key == "type":
                    yield from ((path, said) for said in _no_type(value))


def _no_type(value: Any) -> Iterator[str]:
    try:
        parse_type(str(value))
    except ValueError as error:
        yield str(error)


def _sql(path: Path, source: Source) -> Iterator[Finding]:
    """What only a SQL source can get wrong."""
    if not isinstance(source, SqlSource):
        return
    if (source.table is None) == (source.query is None):
        yield path, "give either 'table' or 'query'" + (", not both" if source.table else "")
    if source.landing == "reference":
        yield (*path, "landing"), "landing: a database cannot be referred to later; write off or copy"
    if source.query is not None and (why := no_select(source.query, dialect_of(source.url))):
        yield (*path, "query"), f"query: {why}; a query is one SELECT"
    if source.query is not None and source.split is not None and source.split.by is None:
        yield (*path, "split"), "split: say by which column of the query: {by: id, parts: 4}"


def _tables(spec: PipelineSpec, data: Any) -> Iterator[tuple[str, TableSpec]]:
    """Each table under the name that the file gives it."""
    for written in data.get("tables") or {}:
        try:
            table = spec.tables.get(canonical_table_name(written))
        except ValueError:
            continue
        if table is not None:
            yield written, table


def _stream(spec: PipelineSpec) -> Iterator[Finding]:
    if spec.stream is None:
        return
    if not any(source.kind in ("kafka", "push") for source in spec.sources.values()):
        yield ("stream",), "stream: no source is a stream; sources of kind kafka and push are"
    if spec.engine.kind == "spark" and any(source.kind == "push" for source in spec.sources.values()):
        yield ("stream",), "stream: on Spark it follows sources of kind kafka, and one of these is pushed"
    if spec.engine.kind == "spark" and spec.engine.remote:
        yield ("stream",), "stream: needs Spark's driver in its own process, and 'remote' is another's: give a 'master'"


_MASTER: Final = re.compile(
    r"local(\[(\d+|\*)(,\s*\d+)?\])?|local-cluster\[\d+,\s*\d+,\s*\d+\]|yarn|(spark|k8s)://.+|.*\$\{.*"
)
"""What Spark takes for a master, or a reference that says it later."""


def _engine(spec: PipelineSpec) -> Iterator[Finding]:
    master = spec.engine.master
    if master is not None and not _MASTER.fullmatch(master):
        said = "local[N], local[*], spark://HOST:PORT, yarn or k8s://…"
        yield ("engine", "master"), f"engine.master: Spark knows no master '{master}'; write {said}"
    if spec.engine.kind == "duckdb":
        for key in ("master", "remote", "conf", "packages"):
            if getattr(spec.engine, key):
                said = f"engine.{key} is Spark's, and this engine is duckdb: write kind: spark, or leave it out"
                yield ("engine", key), said


def _no_time(spec: PipelineSpec) -> Iterator[Finding]:
    """Limits of no time at all, which nothing can keep."""
    if spec.limits.time is not None and not spec.limits.time:
        yield ("limits", "time"), "limits.time: no run ends in 0 s; write for example 30 min, or leave it out"
    if spec.monitors.freshness is not None and not spec.monitors.freshness:
        said = "monitors.freshness: no table is 0 s old; write for example 26 h, or leave it out"
        yield ("monitors", "freshness"), said


def _hosting(spec: PipelineSpec, surroundings: Surroundings) -> Iterator[Finding]:
    if spec.hosting != "local" and spec.hosting not in surroundings.profiles:
        hint = did_you_mean(spec.hosting, ["local", *surroundings.profiles])
        yield ("hosting",), f"hosting: octopipe.yaml has no profile '{spec.hosting}'.{hint}"


def _destinations(spec: PipelineSpec, data: Any) -> Iterator[Finding]:
    if "destination" in data and "destinations" in data:
        yield ("destinations",), "give either 'destination' or 'destinations', not both"
    elif "destination" not in data and not data.get("destinations"):
        yield (), "'destination' is missing"
    del spec


def _to(path: Path, table: TableSpec, spec: PipelineSpec) -> Iterator[Finding]:
    if table.to is not None and table.to not in spec.destinations:
        hint = did_you_mean(table.to, spec.destinations) if spec.destinations else " There is only 'destination'."
        yield (*path, "to"), f"to: no destination is called '{table.to}'.{hint}"
    elif table.to is None and len(spec.destinations) > 1:
        yield path, f"'to' is missing: say which of {', '.join(spec.destinations)} the table is in"


def _needs(spec: PipelineSpec, surroundings: Surroundings) -> Iterator[Finding]:
    for index, name in enumerate(spec.needs):
        path: Path = ("needs", index)
        if not surroundings.has_pipeline(name):
            others = [other for other in surroundings.pipelines() if other != spec.name]
            yield path, f"needs: there is no pipeline '{name}'.{did_you_mean(name, others)}"
        elif cycle := _cycle([spec.name, name], surroundings.needs_of, set()):
            yield path, f"needs: the pipelines wait for one another: {' → '.join(cycle)}"


def _cycle(path: list[str], needs_of: Callable[[str], Iterable[str]], seen: set[str]) -> list[str] | None:
    """The way from a pipeline back to itself, if there is one."""
    if path[-1] == path[0]:
        return path
    if path[-1] in seen:
        return None
    seen.add(path[-1])
    for name in needs_of(path[-1]):
        if found := _cycle([*path, name], needs_of, seen):
            return found
    return None


def _same_table(data: Any) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for written in data.get("tables") or {}:
        try:
            canonical = canonical_table_name(written)
        except ValueError:
            continue
        if canonical in seen:
            yield ("tables", written), f"'{written}' is the same table as '{seen[canonical]}'"
        seen[canonical] = written


def _same_source(sources: Iterable[str]) -> Iterator[Finding]:
    """Sources that Dagster would not tell apart: a step's outputs have plain letters, digits and underscores."""
    seen: dict[str, str] = {}
    for name in map(str, sources):
        plain = re.sub(r"[.-]", "_", without_accents(name))
        if plain in seen:
            yield ("sources", name), f"'{name}' and '{seen[plain]}' are one name to Dagster; give one another"
        seen.setdefault(plain, name)


def _push(spec: PipelineSpec) -> Iterator[Finding]:
    """What is pushed is there once: it cannot be read again, nor be left where it was."""
    for name, source in spec.sources.items():
        path: Path = ("sources", name)
        if not isinstance(source, PushSource):
            continue
        if source.landing not in (None, "copy"):
            yield (
                (*path, "landing"),
                f"landing: what is pushed is nowhere else, so it lands as a copy, not '{source.landing}'",
            )
        if source.auth is not None and source.token is not None:
            yield (*path, "token"), "token: give either 'auth' or its short form 'token', not both"
        if source.to is not None and source.to.brokers is None:
            yield (*path, "to"), "to: 'brokers' is missing: write to: {topic: …, brokers: …}, or add a Kafka source"
        if isinstance(source.auth, OAuth2Auth):
            yield (*path, "auth", "kind"), "auth: what is pushed is let in by bearer, basic, api_key, hmac or none"


def _kafka(spec: PipelineSpec, data: Any) -> Iterator[Finding]:
    """What sources that read topics and the transport over one need to say."""
    for name, source in spec.sources.items():
        if not isinstance(source, KafkaSource):
            continue
        path: Path = ("sources", name)
        if source.format in ("avro", "protobuf") and source.schema_registry is None:
            yield path, f"schema_registry is missing: messages in {source.format} are read by their schemas"
        if source.format == "csv" and not source.options.columns:
            yield path, "options.columns is missing: a row of CSV in a message does not say what its fields are called"
        if source.landing == "reference":
            said = "landing: messages cannot be referred to, their topic forgets them; write off or copy"
            yield (*path, "landing"), said
        if source.start not in ("earliest", "latest"):
            try:
                datetime.fromisoformat(source.start)
            except ValueError:
                yield (*path, "start"), f"start: {source.start!r} is neither earliest nor latest nor a time"
    has_brokers = any(isinstance(source, KafkaSource) for source in spec.sources.values())
    if spec.transport is not None and spec.transport.brokers is None and not has_brokers:
        yield ("transport",), "brokers is missing: no source of the pipeline reads from Kafka"
    if has_brokers:
        yield from _of_no_brokers(data)


def _of_no_brokers(data: Any) -> Iterator[Finding]:
    """Security and settings beside which no brokers stand: those of the first Kafka source count, and these would not.

    By what is written: the model has the source's already.
    """
    sources = data["sources"] if isinstance(data.get("sources"), dict) else {}
    written: list[tuple[Path, Any]] = [
        *((("sources", name, "to"), said.get("to")) for name, said in sources.items() if isinstance(said, dict)),
        (("transport",), data.get("transport")),
    ]
    for path, said in written:
        for key in ("security", "settings") if isinstance(said, dict) and not said.get("brokers") else ():
            if said.get(key):
                message = f"{key}: without `brokers` those of the first Kafka source count, with its `{key}`"
                yield (*path, key), f"{message}; give the brokers here as well, or leave this out"


def _from(data: Any, sources: list[str]) -> Iterator[Finding]:
    """By what is written, so that a table with other mistakes has its `from` looked at as well."""
    for written, table in data["tables"].items() if isinstance(data.get("tables"), dict) else ():
        path: Path = ("tables", written)
        origin = table.get("from") if isinstance(table, dict) else None
        for place, name in _named_sources(origin):
            if isinstance(name, str) and name and name not in sources:
                yield (*path, "from", *place), f"from: there is no source '{name}'.{did_you_mean(name, sources)}"


def _named_sources(origin: Any) -> Iterator[tuple[Path, str]]:
    """Each source that a `from` names, and where in it."""
    if isinstance(origin, str):
        yield (), origin
    elif isinstance(origin, dict):
        union = origin.get("union")
        for index, name in enumerate(union if isinstance(union, list) else ()):
            yield ("union", index), name
        yield ("source",), origin.get("source", "")
        joined = origin.get("join")
        join: dict[str, Any] = joined if isinstance(joined, dict) else {}
        yield ("join", "left"), join.get("left", "")
        right = join.get("with")
        for index, one in enumerate(right if isinstance(right, list) else ()):
            yield ("join", "with", index, "source"), one.get("source", "") if isinstance(one, dict) else ""


def _twice(origin: Any) -> Iterator[tuple[Path, str]]:
    """Names in a `from` that stand for two things."""
    seen: set[str] = set()
    if isinstance(origin, UnionFrom):
        for index, name in enumerate(origin.union):
            if name in seen:
                yield ("union", index), f"from: '{name}' is in the union twice: its rows would be there twice"
            seen.add(name)
    if isinstance(origin, JoinFrom):
        for index, one in enumerate(origin.join.with_):
            if one.alias in seen or one.alias == origin.join.left:
                said = f"from: '{one.alias}' is joined already; give this one another name by `as:`"
                yield ("join", "with", index), said
            seen.add(one.alias)


def _write(path: Path, table: TableSpec, spec: PipelineSpec, sources: list[str]) -> Iterator[Finding]:
    origin = table.from_ if table.from_ is not None else sources[0] if len(sources) == 1 else None
    if isinstance(table.deletes, MarkDeletes):
        yield from (((*path, "deletes"), f"deletes: {said}") for said in _deletes(table, table.deletes, origin))
    for name in driving(origin) if origin is not None else ():
        yield from _write_from(path, table, name, spec.sources.get(name), plain=isinstance(origin, str))


def _write_from(path: Path, table: TableSpec, name: str, source: Source | None, *, plain: bool) -> Iterator[Finding]:
    """What the way of writing asks of one source; `plain`: its records are the table's rows."""
    cursor = getattr(source, "cursor", None)
    if table.write == "replace" and cursor is not None:
        message = f"write: 'replace' needs the whole source, and source '{name}' reads only what is new (cursor)"
        yield (*path, "write"), message
    if table.write == "replace" and isinstance(source, PushSource):
        message = f"write: 'replace' needs the whole source, and what is pushed to '{name}' is only what is new"
        yield (*path, "write"), message
    keyless = not table.key and not (plain and source is not None and source.key)
    if table.write == "replace" and isinstance(source, KafkaSource):
        message = f"write: 'replace' needs the whole source, and a run reads only what is new in topic '{name}'"
        yield (*path, "write"), message
    if table.write == "append" and cursor is not None and cursor.lag is not None and keyless:
        message = f"write: 'append' without a key would load the rows of the cursor's lag twice (source '{name}')"
        yield (*path, "write"), f"{message}; give a key, or leave out the lag"
    if not isinstance(table.deletes, MarkDeletes) or table.deletes.found_by != "absence":
        return
    message = "deletes: what is absent shows only in full reads, and source"
    if cursor is not None:
        yield (*path, "deletes"), f"{message} '{name}' has a cursor"
    elif source is not None and source.kind in ("kafka", "push"):
        yield (*path, "deletes"), f"{message} '{name}' is a stream; write found_by: tombstone"


def _deletes(table: TableSpec, said: MarkDeletes, origin: Any) -> Iterator[str]:
    """What marking rows asks of a table by itself."""
    if table.write in ("append", "replace", "history"):
        yield f"rows are marked with write: merge, and this is {table.write}"
    if said.found_by == "absence" and isinstance(origin, UnionFrom):
        yield "what is absent from a union cannot be told: its sources are not read at one time"
    if said.found_by == "tombstone" and isinstance(origin, JoinFrom | EachFrom):
        yield "tombstones are records of a source itself, and this table is made from a list or a join"


def _files(path: Path, table: TableSpec, surroundings: Surroundings) -> Iterator[Finding]:
    named: list[tuple[Path, str]] = [
        *((("transforms", index), name) for index, name in enumerate(table.transforms)),
        *((("after", index), name) for index, name in enumerate(table.after)),
    ]
    if isinstance(table.from_, SqlFrom):
        named.append((("from", "sql"), table.from_.sql))
    for inner, name in named:
        if not surroundings.has_file(name):
            yield (*path, *inner), f"{inner[0]}: the pipeline's folder has no file '{name}'"
