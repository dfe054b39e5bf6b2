"""What a pipeline file must keep beyond its shape: the parts that name one another, and what cannot go together."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from octo_core.spec.document import Path
from octo_core.spec.names import PIPELINE_NAME, canonical_table_name
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.pipeline import MarkDeletes, PipelineSpec, SqlFrom, TableSpec

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
    sources = list(data["sources"]) if isinstance(data.get("sources"), dict) else list(spec.sources)
    yield from _from(data, sources)
    for written, table in _tables(spec, data):
        path: Path = ("tables", written)
        yield from _write(path, table, spec, sources)
        yield from _files(path, table, surroundings)
        yield from _to(path, table, spec)


def _tables(spec: PipelineSpec, data: Any) -> Iterator[tuple[str, TableSpec]]:
    """Each table under the name that the file gives it."""
    for written in data.get("tables") or {}:
        try:
            table = spec.tables.get(canonical_table_name(written))
        except ValueError:
            continue
        if table is not None:
            yield written, table


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


def _from(data: Any, sources: list[str]) -> Iterator[Finding]:
    """By what is written, so that a table with other mistakes has its `from` looked at as well."""
    for written, table in data["tables"].items() if isinstance(data.get("tables"), dict) else ():
        path: Path = ("tables", written)
        origin = table.get("from") if isinstance(table, dict) else None
        if origin is None and len(sources) > 1:
            yield path, f"'from' is missing: say which of the sources {', '.join(sources)} feeds it"
        for name in _named_sources(origin):
            if name not in sources:
                yield (*path, "from"), f"from: there is no source '{name}'.{did_you_mean(name, sources)}"


def _named_sources(origin: Any) -> Iterator[str]:
    if isinstance(origin, str):
        yield origin
    elif isinstance(origin, dict):
        union = origin.get("union")
        yield from (name for name in union if isinstance(name, str)) if isinstance(union, list) else ()
        if isinstance(origin.get("source"), str):
            yield origin["source"]


def _write(path: Path, table: TableSpec, spec: PipelineSpec, sources: list[str]) -> Iterator[Finding]:
    name = table.from_ if isinstance(table.from_, str) else sources[0] if len(sources) == 1 else None
    source = spec.sources.get(name) if name else None
    cursor = getattr(source, "cursor", None)
    if table.write == "replace" and cursor is not None:
        message = f"write: 'replace' needs the whole source, and source '{name}' reads only what is new (cursor)"
        yield (*path, "write"), message
    keyless = not table.key and not getattr(source, "key", ())
    if table.write == "append" and cursor is not None and cursor.lag is not None and keyless:
        message = f"write: 'append' without a key would load the rows of the cursor's lag twice (source '{name}')"
        yield (*path, "write"), f"{message}; give a key, or leave out the lag"
    if isinstance(table.deletes, MarkDeletes) and table.deletes.found_by == "absence" and cursor is not None:
        message = f"deletes: what is absent shows only in full reads, and source '{name}' has a cursor"
        yield (*path, "deletes"), message


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
