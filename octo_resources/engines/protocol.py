"""What a load asks of an engine, whichever it is; and how an engine's tasks bring rows to a destination themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from octo_core.schema import SourceSchema

if TYPE_CHECKING:
    from octo_core.expressions import Node
    from octo_resources.engines.duckdb import Input, LoadVariables, Scan, Tally, Tombstones
    from octo_resources.engines.duckdb.shapes.made import Made, Maker

EngineName = Literal["duckdb", "spark"]


class Engine(Protocol):
    """Evaluates a mapping over landed batches. Both engines give the same rows and refuse the same, for the same."""

    @property
    def name(self) -> EngineName: ...

    def scan(self, *, keys: Sequence[str] = ()) -> "Scan":
        """An empty account for one evaluation, which keeps the `keys` of refused rows."""

    def evaluate(
        self,
        inputs: "Sequence[Input]",
        schema: SourceSchema,
        columns: "Mapping[str, Node]",
        variables: "LoadVariables",
        scan: "Scan",
        tombstones: "Tombstones | None" = None,
    ) -> pa.RecordBatchReader:
        """The good rows: target columns in their Arrow types, and `_row`. `scan` is complete when the reader is.

        `tombstones`: where rows may be such; they have `_deleted` then, unless they are passed over.
        """

    def bringing(
        self,
        inputs: "Sequence[Input]",
        schema: SourceSchema,
        columns: "Mapping[str, Node]",
        variables: "LoadVariables",
        scan: "Scan",
        tombstones: "Tombstones | None" = None,
    ) -> "Bringing | None":
        """The same rows, brought by the engine's tasks; None where all rows come through this process."""

    def make(self, inputs: "Sequence[Input]", maker: "Maker", folder: Path) -> "tuple[Made, dict[str, Tally]]":
        """Files of the landed ones, in their order, made where the engine's work is done; `folder`: where they go."""

    def payloads(self, inputs: "Sequence[Input]", rows: "NDArray[np.int64]") -> Iterator[tuple[int, str]]:
        """(row, original text) of sorted row numbers."""

    def cancel(self) -> None:
        """End what runs, from another thread; without effect where nothing does."""

    def links(self) -> dict[str, str]:
        """Names and addresses of pages that show what the engine did."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What one task brought, and said so itself: `part` numbers the parts in the rows' order."""

    part: int
    place: str
    """The name of the task's own table."""
    rows: int


class Delivery(Protocol):
    """One task attempt's rows on their way; leaving it without `keep` keeps nothing."""

    def __enter__(self) -> "Delivery": ...
    def __exit__(self, *_: object) -> None: ...

    def rows(self, rows: pa.RecordBatchReader) -> int:
        """Good rows; gives how many."""

    def refused(self, rows: pa.RecordBatchReader) -> int:
        """Refused rows, schema REFUSED."""

    def keep(self) -> str:
        """Make it durable; gives the place's name. Whether it counts, the driver decides."""


@runtime_checkable
class Depot(Protocol):
    """Where tasks bring rows: picklable, as it goes to the machines that they run on."""

    def delivery(self, part: int, attempt: int) -> Delivery:
        """A place of this attempt's own, which no other attempt can touch."""


@runtime_checkable
class Bringing(Protocol):
    """Rows that tasks can bring. `schema`: target columns in their Arrow types, and `_row`."""

    @property
    def schema(self) -> pa.Schema: ...

    def bring(self, depot: Depot) -> list[Brought]:
        """Run the tasks; gives what those that count brought, by part."""

    def refuse(self, rows: Iterator[pa.RecordBatch]) -> None:
        """Take in what those tasks refused, schema REFUSED, as the depot kept it. The scan is complete then."""
