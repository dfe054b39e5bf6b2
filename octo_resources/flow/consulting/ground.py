"""What a model's claims are held against: the rows that landed from one source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from octo_core.batch import Batch
from octo_core.expressions import Node
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb import LoadVariables
from octo_resources.engines.duckdb.preview import Preview
from octo_resources.flow.pseudonyms import pseudonym_key
from octo_resources.flow.workspace import Workspace
from octo_resources.pipeline import Pipeline

ROUNDS: Final = 2
"""How often refused claims go back."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One source's batches, as a pipeline's engine reads them."""

    space: Workspace
    pipeline: Pipeline
    batches: Sequence[Batch]

    def look(
        self,
        schema: SourceSchema,
        nodes: Mapping[str, Node],
        *,
        limit: int | None = None,
        key: Sequence[str] = (),
    ) -> Preview:
        """What expressions give over all rows, or about `limit` of them."""
        inputs = [one for batch in self.batches for one in self.space.inputs(batch)]
        variables = LoadVariables.for_plans(pseudonym_key(self.space))
        engine = self.space.engine(self.pipeline)
        return engine.preview(inputs, schema, nodes, variables, key=key, sample_rows=0, reasons=200, limit=limit)
