"""A source's records as instances of models, statically typed: `for flight in records("flights", Flights): …`.

The models come from `octopipe schema NAME --pydantic > models.py`; any other Pydantic model does as well.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from octo_core.batch import Batch, LandedFile
from octo_core.errors import SourceError, UsageError
from octo_core.schema import Field, SourceSchema
from octo_core.spec.sources import landing_of
from octo_resources.flow.workspace import Workspace
from octo_resources.landing import Landing
from octo_resources.project import Pipeline, Project
from octo_resources.sampling import looked, rows_of
from octo_resources.sources.file.content import open_plain
from octo_resources.sources.place import silent

if TYPE_CHECKING:
    from octo_core.plan.judged import Judged, TableReads
    from octo_core.plan.model import Recipe

__all__ = ["records"]

M = TypeVar("M", bound=BaseModel)
Numbered = tuple[str, object]
"""Where a row is, for an error's sake, and the row."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """What stands in a record's place, and is none."""

    why: str


def records(
    pipeline: str,
    model: type[M],
    source: str | None = None,
    *,
    live: bool = False,
    invalid: Literal["raise", "skip"] = "raise",
    home: Path | str | None = None,
) -> Iterator[M]:
    """Every record of a pipeline's source, as an instance of `model`.

    `source` may be left out where there is one. Records are those that landed, from the last whole read on, oldest
    first; `live` reads the source now instead, all of it, and lands nothing, as does a source with `landing: off`.
    `invalid`: what to do with a record that the model refuses. `home`: the project's folder, found as the command line
    finds it when left out.

    Raises UsageError for a pipeline, source or folder that is not there, SourceError for a record that the model
    refuses, where nothing landed, and where the source cannot be read.
    """
    if invalid not in ("raise", "skip"):
        raise UsageError(f"invalid={invalid!r} is neither 'raise' nor 'skip'")
    project = Project.find() if home is None else Project.at(home)
    found = project.pipeline(pipeline)
    name, _ = found.source(source)
    live = live or landing_of(found.spec.sources[name]) == "off"
    return _records(_live(found, name) if live else _landed(project, found, name), model, invalid == "skip")


def _records(rows: Generator[Numbered, None, None], model: type[M], skip: bool) -> Iterator[M]:
    with closing(rows):
        for where, row in rows:
            if isinstance(row, Malformed):
                if skip:
                    continue
                raise _broken(row, where)
            try:
                record = model.model_validate(row)
            except ValidationError as error:
                if skip:
                    continue
                raise _refused(error, model, where) from error
            yield record


def _broken(row: Malformed, where: str) -> SourceError:
    return SourceError(
        f"the record is malformed: {row.why}",
        where=where,
        hint="A load sets it aside; leave such records out with invalid='skip'",
        retryable=False,
    )


def _refused(error: ValidationError, model: type[BaseModel], where: str) -> SourceError:
    first = error.errors(include_url=False, include_input=False)[0]
    return SourceError(
        f"{model.__name__} refuses the record: {'.'.join(map(str, first['loc']))}: {first['msg']}",
        where=where,
        hint="Leave such records out (invalid='skip'), or make the models anew: octopipe schema NAME --pydantic",
        retryable=False,
    )


def _landed(project: Project, pipeline: Pipeline, source: str) -> Generator[Numbered, None, None]:
    space = Workspace(project)
    batches = space.landing.batches(pipeline.name, source)
    if not batches:
        raise SourceError(
            f"nothing landed from {source!r}",
            where=pipeline.name,
            hint=f"octopipe run {pipeline.name}, or read it now: live=True",
            retryable=False,
        )
    whole = max((place for place, batch in enumerate(batches) if batch.full), default=0)
    for batch in batches[whole:]:
        yield from _rows(space.landing, batch)


def _live(pipeline: Pipeline, source: str) -> Generator[Numbered, None, None]:
    with looked(pipeline, source, max_rows=None, progress=silent) as look:
        yield from _rows(look.landing, look.batch)


def _rows(landing: Landing, batch: Batch) -> Iterator[Numbered]:
    landing.verify(batch)
    for file in batch.files:
        path = landing.open_file(batch, file)
        rows: Iterator[object] = _lines(path, file) if file.format == "jsonl" else rows_of(path, file)
        for number, row in enumerate(rows, 1):
            yield f"{file.path}, record {number}", row


def _lines(path: Path, file: LandedFile) -> Iterator[object]:
    """Each line's record with its fractions exact; Malformed where a load would set it aside as such."""
    with open_plain(path, file.compression) as stream:
        for line in stream:
            if line.strip():
                try:
                    found = json.loads(
                        line, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_no_key_twice
                    )
                except RecursionError:
                    found = Malformed("it is nested too deeply")
                except ValueError as error:
                    found = Malformed(str(error))
                yield found


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def contract_module(
    space: Workspace, pipeline: Pipeline, schemas: Mapping[str, SourceSchema], *, strict: bool = False
) -> str:
    """The text of one Python module with the models of these sources.

    Where there is a plan (the one approved last, else the newest) they judge what its tables read. Fields that feed a
    pii column of the newest plan show no values, as in the plan itself.
    """
    from octo_core.plan.reading import personal_fields
    from octo_resources.codegen import pydantic_source

    stored = space.registry.plans.newest(pipeline.name)
    tables = stored.plan.tables.values() if stored else ()
    hidden = frozenset[str]().union(*(personal_fields(table) for table in tables))
    judged = _judged(space, pipeline, schemas, stored.recipe) if stored else {}
    texts = [
        pydantic_source(
            _hiding(schema, hidden),
            strict=strict,
            delimited=_delimited(space.seen(pipeline.name, name)),
            judged=judged.get(name),
        )
        for name, schema in schemas.items()
    ]
    later = (text.replace("from __future__ import annotations\n", "") for text in texts[1:])
    return "\n\n".join([*texts[:1], *later])


def _judged(
    space: Workspace, pipeline: Pipeline, schemas: Mapping[str, SourceSchema], newest: "Recipe"
) -> "dict[str, Judged]":
    """What loads by the plan judge: the approved one, or the newest where that does not fit any more what is typed now.

    Nothing is known of it where neither does.
    """
    from octo_core.expressions import ExpressionError
    from octo_core.plan.judged import judged

    approved = space.registry.decisions.last_approved(pipeline.name)
    recipe = space.registry.plans.recipe(pipeline.name, approved.fingerprint) if approved else None
    for one in (recipe, newest):
        with suppress(ExpressionError, UsageError):
            if one is not None:
                return judged(list(_reads(space, pipeline, one)), schemas)
    return {}


def _reads(space: Workspace, pipeline: Pipeline, recipe: "Recipe") -> "Iterator[TableReads]":
    from octo_core.expressions import assign, parse
    from octo_core.plan.judged import TableReads

    catalog = space.registry.catalogs.newest(pipeline.name)
    for name, table in recipe.tables.items():
        schema = space.registry.schemas.newest(pipeline.name, table.source)
        there = catalog.tables.get(name) if catalog is not None else None
        if schema is None or there is None:
            raise UsageError(f"nothing is known of {name} any more")
        columns = {target: there.column(target) for target in table.columns}
        nodes = [
            assign(parse(table.columns[target], schema), column)
            for target, column in columns.items()
            if column is not None
        ]
        yield TableReads(table.origin, schema, tuple(nodes))


def _hiding(schema: SourceSchema, personal: frozenset[str]) -> SourceSchema:
    """The schema with fields of these names taken for personal, and without the values that were seen of them."""
    from octo_resources.flow.understand import discreet

    def hidden(field: Field) -> Field:
        children = tuple(hidden(child) for child in field.children)
        return field.model_copy(update={"children": children, "pii": field.pii or field.name in personal})

    return schema.model_copy(update={"fields": tuple(discreet(hidden(field)) for field in schema.fields)})


def _delimited(batches: Sequence[Batch]) -> bool:
    """Whether the source is CSV, as its newest files are."""
    return any(file.format == "csv" for batch in batches[-1:] for file in batch.files)
