"""What a proposal is held against: the rows that landed, of one source or as a table is made from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from octo_core.batch import Batch
from octo_core.expressions import Node
from octo_core.schema import SourceSchema
from octo_core.spec.shapes import Shape, driving, looked_up
from octo_resources.engines.duckdb import LoadVariables
from octo_resources.engines.duckdb.preview import Preview
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.shaping import shaping
from octo_resources.flow.states import state_of
from octo_resources.flow.workspace import Workspace
from octo_resources.pipeline import Pipeline

VALUE: Final = "value"
"""The one column of what `values` reads."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The batches of a source, or of the sources of a join, a union or a list, as a pipeline's engine reads them."""

    space: Workspace
    pipeline: Pipeline
    origin: Shape
    batches: Sequence[Batch]
    schemas: Mapping[str, SourceSchema] = field(default_factory=dict)

    @classmethod
    def of_table(cls, space: Workspace, pipeline: Pipeline, origin: Shape, schemas: Mapping[str, SourceSchema]) -> Self:
        """What a table's rows are made from."""
        batches = [one for source in driving(origin) for one in space.seen(pipeline.name, source)]
        return cls(space, pipeline, origin, batches, schemas)

    def look(
        self,
        schema: SourceSchema,
        nodes: Mapping[str, Node],
        *,
        limit: int | None = None,
        key: Sequence[str] = (),
        seconds: float | None = None,
    ) -> Preview:
        """What expressions give over all rows, or about `limit` of them; TooMuch where that takes over `seconds`."""
        variables = LoadVariables.for_plans(pseudonym_key(self.space))
        engine, name = self.space.engine(self.pipeline), self.pipeline.name
        beside = {source: state_of(self.space.seen(name, source)) for source in looked_up(self.origin)}
        with shaping(self.space, self.pipeline, self.schemas) as shaper:
            inputs = shaper.shaped(self.origin, self.batches, nodes, beside=beside, limit=limit).inputs
            return engine.preview(
                inputs, schema, nodes, variables, key=key, sample_rows=0, reasons=200, limit=limit, seconds=seconds
            )

    def values(self, schema: SourceSchema, node: Node) -> Iterator[list[str]]:
        """The distinct values that an expression gives in each of the engine's batches of rows, as text."""
        variables = LoadVariables.for_plans(pseudonym_key(self.space))
        engine, name = self.space.engine(self.pipeline), self.pipeline.name
        beside = {source: state_of(self.space.seen(name, source)) for source in looked_up(self.origin)}
        with shaping(self.space, self.pipeline, self.schemas) as shaper:
            inputs = shaper.shaped(self.origin, self.batches, {VALUE: node}, beside=beside).inputs
            for batch in engine.evaluate(inputs, schema, {VALUE: node}, variables, engine.scan()):
                yield [str(value) for value in batch.column(VALUE).unique().to_pylist() if value is not None]
