"""What a table's rows are read from: a source's files as they landed, or files that are made of them for one use."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from octo_core.batch import Batch
from octo_core.ledger import ShapeCount
from octo_core.relations import holds_values, join_nodes
from octo_core.schema import SourceSchema
from octo_core.spec.shapes import PARENT, EachFrom, JoinFrom, JoinWith, Shape, UnionFrom, relation_name
from octo_resources.engines.duckdb import Input, LoadVariables, Tally
from octo_resources.engines.protocol import Engine
from octo_resources.flow.afar import Afar
from octo_resources.flow.workspace import Workspace
from octo_resources.project import Pipeline

if TYPE_CHECKING:
    from octo_core.expressions import Node
    from octo_resources.engines.duckdb.shapes.made import Made, Maker


@dataclass(frozen=True)
class Seen:
    """What was counted of a source while a relation was made of it; its drift is judged by that."""

    source: str
    used: frozenset[str]
    batches: Mapping[str, Tally]


@dataclass(frozen=True)
class Shaped:
    """The rows of a relation, ready for the engine."""

    inputs: list[Input]
    counts: ShapeCount | None = None
    """Rows in and out; None where the rows are a source's own records."""
    seen: tuple[Seen, ...] = ()
    warnings: tuple[str, ...] = ()


@contextmanager
def shaping(
    space: Workspace,
    pipeline: Pipeline,
    schemas: Mapping[str, SourceSchema],
    afar: Afar | None = None,
    engine: Engine | None = None,
) -> Iterator["Shaper"]:
    """A shaper whose files are there as long as the block runs.

    `afar` and `engine` are of a load: where its files are read, and what makes others of them.
    """
    parent = space.project.state / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="shapes-", dir=parent) as folder:
        yield Shaper(space, pipeline, schemas, Path(folder), afar, engine)


@dataclass
class Shaper:
    """Makes relations of landed batches. `schemas`: of the sources and of the relations, by their names."""

    space: Workspace
    pipeline: Pipeline
    schemas: Mapping[str, SourceSchema]
    folder: Path
    afar: Afar | None = None
    engine: Engine | None = None
    _made: int = field(default=0)

    def shaped(
        self,
        origin: Shape,
        batches: Sequence[Batch],
        nodes: "Mapping[str, Node]",
        *,
        beside: Mapping[str, Sequence[Batch]] | None = None,
        limit: int | None = None,
        tasks: bool = False,
    ) -> Shaped:
        """The rows that `batches` of the driving sources give. `beside`: the state of each source that is looked up.

        `nodes`: the mapping, of which only what it reads is kept. Past `limit` records no further one is read.
        `tasks`: whether only the engine reads the files; its tasks may bring them then, where nothing is made of them.
        """
        inputs = self._files(batches, tasks=tasks and _as_they_are(origin, batches))
        if isinstance(origin, EachFrom):
            return self._each(origin, inputs, nodes, limit)
        if isinstance(origin, JoinFrom):
            return self._join(origin, inputs, beside or {}, nodes, limit)
        if isinstance(origin, UnionFrom):
            return self._union(origin, inputs)
        return Shaped(inputs)

    def _files(self, batches: Sequence[Batch], *, tasks: bool = False) -> list[Input]:
        if self.afar is None:
            return [one for batch in batches for one in self.space.inputs(batch)]
        return [one for batch in batches for one in self.afar.inputs(batch, tasks=tasks)]

    def _each(
        self, origin: EachFrom, inputs: Sequence[Input], nodes: "Mapping[str, Node]", limit: int | None
    ) -> Shaped:
        from octo_resources.engines.duckdb.shapes.each import ElementMaker

        base, name = self.schemas[origin.source], relation_name(origin)
        kept = _of_parent(nodes, base) if len(origin.steps) == 1 else None
        maker = ElementMaker(base, tuple(origin.steps), holds_values(self.schemas[name]), kept, limit)
        made, tallies = self._make(inputs, maker)
        seen = Seen(origin.source, frozenset({origin.steps[0]}), tallies)
        return Shaped(made.inputs, ShapeCount(relation=name, rows_in=made.rows_in, rows_out=made.rows_out), (seen,))

    def _union(self, origin: UnionFrom, inputs: Sequence[Input]) -> Shaped:
        """Files as they are, but for typed ones among others: those become lines of JSON, as all have one schema."""
        from octo_resources.engines.duckdb.shapes.made import PlainMaker

        mixed = len({one.file.format == "parquet" for one in inputs}) > 1
        united = self.schemas[relation_name(origin)]
        if mixed or not any(field.carrier == "typed" for field in united.fields):
            grouped = groupby(inputs, key=lambda one: (one.file.format == "parquet", one.batch.source))
            inputs = [
                one
                for (typed, source), files in grouped
                for one in (self._make(list(files), PlainMaker(self.schemas[source]))[0].inputs if typed else files)
            ]
        return Shaped(list(inputs))

    def _make(self, inputs: Sequence[Input], maker: "Maker") -> "tuple[Made, dict[str, Tally]]":
        folder = self._folder()
        return maker.make(inputs, folder) if self.engine is None else self.engine.make(inputs, maker, folder)

    def _join(
        self,
        origin: JoinFrom,
        inputs: Sequence[Input],
        beside: Mapping[str, Sequence[Batch]],
        nodes: "Mapping[str, Node]",
        limit: int | None,
    ) -> Shaped:
        from octo_resources.engines.duckdb.session import Session
        from octo_resources.engines.duckdb.shapes.join import Joining, Side

        join, wanted = origin.join, self.pipeline.spec.engine
        keys: dict[str, Node] = {}
        right: list[tuple[JoinWith, Side, list[tuple[str, str]]]] = []
        for place, one in enumerate(join.with_):
            pairs = join_nodes(join, one, self.schemas)
            mine = {f"k{place}_{number}": left for number, (left, _) in enumerate(pairs)}
            others = {f"k{number}": other for number, (_, other) in enumerate(pairs)}
            keys |= mine
            files = self._files(beside.get(one.source, ()))
            side = Side(one.source, files, self.schemas[one.source], others, self._identity(one.source))
            right.append((one, side, list(zip(mine, others, strict=True))))
        session = Session(
            memory=wanted.memory, threads=wanted.threads, temp=self.space.project.state / "tmp", variables=None
        )
        try:
            joining = Joining(self.space.engine(self.pipeline), session, LoadVariables.for_plans(None), self._folder())
            left = Side(join.left, inputs, self.schemas[join.left], keys)
            found = joining.run(left, right, with_refused=True, limit=limit)
        finally:
            session.close()
        name = relation_name(origin)
        seen = tuple(
            Seen(one.source, _of_record(nodes, one.alias) | _read(side.keys), found.scans[one.alias].batches)
            for one, side, _ in right
        )
        return Shaped(
            found.made.inputs,
            ShapeCount(
                relation=name,
                rows_in=found.made.rows_in,
                rows_out=found.made.rows_out,
                unmatched=dict(found.unmatched),
            ),
            seen,
            tuple(_unread(alias, rows) for alias, rows in found.unread.items() if rows),
        )

    def _identity(self, source: str) -> "dict[str, Node]":
        """What the file says makes a record the same record: the newest of those counts."""
        from octo_core.expressions import parse, path_text

        key = self.pipeline.spec.sources[source].key
        return {f"i{place}": parse(path_text((name,)), self.schemas[source]) for place, name in enumerate(key)}

    def _folder(self) -> Path:
        self._made += 1
        folder = self.folder / str(self._made)
        folder.mkdir()
        return folder


def _as_they_are(origin: Shape, batches: Sequence[Batch]) -> bool:
    """Whether a relation's files are those of its batches: nothing has to be made of them first."""
    if isinstance(origin, UnionFrom):
        return not any(file.format == "parquet" for batch in batches for file in batch.files)
    return isinstance(origin, str)


def _read(nodes: "Mapping[str, Node]") -> frozenset[str]:
    """The fields that expressions read, by their top names."""
    from octo_core.expressions import path_parts, paths

    return frozenset(str(path_parts(path)[0]) for node in nodes.values() for path in paths(node))


def _of_parent(nodes: "Mapping[str, Node]", base: SourceSchema) -> frozenset[str] | None:
    """The parent's fields that are wanted: what the mapping reads, and the key, which says whose element it is."""
    from octo_core.expressions import paths

    found = _of_record(nodes, PARENT) | frozenset(base.key)
    return found if found and not any(PARENT in paths(node) for node in nodes.values()) else None


def _of_record(nodes: "Mapping[str, Node]", record: str) -> frozenset[str]:
    """The fields of one record that expressions read."""
    from octo_core.expressions import path_parts, paths

    found = [path_parts(path) for node in nodes.values() for path in paths(node)]
    return frozenset(str(parts[1]) for parts in found if parts[0] == record and len(parts) > 1)


def _unread(alias: str, rows: int) -> str:
    plural = "row is" if rows == 1 else "rows are"
    return f"{rows:,} {plural} malformed in {alias}, or have no readable key: nothing is joined with them"
