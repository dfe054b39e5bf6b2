"""Files that are made of landed ones: a line of JSON for each row, and what each line was made of."""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from octo_core.batch import Batch, LandedFile
from octo_core.schema import SourceSchema
from octo_resources.engines.duckdb.inputs import Input, Numbered, Origin, split_row
from octo_resources.engines.duckdb.payloads import payloads
from octo_resources.engines.duckdb.scan import Tally

_KEPT: Final = 1 << 16
"""Numbers of lines that wait in memory before they are written."""


@dataclass
class Made:
    """What was made of landed files: inputs for the engine in their order, and rows counted in and out."""

    inputs: list[Input] = field(default_factory=list)
    rows_in: int = 0
    rows_out: int = 0

    @property
    def batches(self) -> list[Batch]:
        """The batches as a profile reads them: their files are the ones made."""
        found: dict[str, list[LandedFile]] = {}
        for one in self.inputs:
            found.setdefault(one.batch.id, []).append(one.file)
        batches = {one.batch.id: one.batch for one in self.inputs}
        return [
            batches[name].model_copy(update={"files": tuple(files), "folder": "", "rows": None})
            for name, files in found.items()
        ]


class Maker(Protocol):
    """Makes files of landed ones, each by itself. Picklable: tasks of a cluster may do it, each with a part of one."""

    def make(self, inputs: Sequence[Input], folder: Path) -> tuple[Made, dict[str, Tally]]:
        """A file in `folder` for each input; and what was counted of the source's own records, by batch."""


@dataclass(frozen=True)
class PlainMaker:
    """Makes lines of JSON of files of any format, row by row."""

    schema: SourceSchema

    def make(self, inputs: Sequence[Input], folder: Path) -> tuple[Made, dict[str, Tally]]:
        made = [plain(one, place, self.schema, folder) for place, one in enumerate(inputs)]
        rows = sum(one.file.rows or 0 for one in made)
        return Made(made, rows, rows), {}


class MadeFile:
    """One file that is being made of one landed file. Use it as a context manager."""

    def __init__(self, folder: Path, numbered: Numbered, *, with_refused: bool) -> None:
        self._numbered, self._with_refused = numbered, with_refused
        self.path = folder / f"{numbered.ordinal:06d}.jsonl"
        self._out: IO[str] | None = None
        self._rows: IO[bytes] | None = None
        self._places = array("q")
        self._refused = array("q")
        self._reasons: list[str] = []
        self._waiting: list[tuple[int, str]] = []
        self._last, self._nth, self.lines = -1, 0, 0

    def __enter__(self) -> Self:
        # What a database cannot hold (half a character) is for the engine to refuse, not to be lost here.
        self._out = self.path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n")
        self._rows = self.path.with_suffix(".rows").open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._out, self._rows):
            if file is not None:
                file.close()
        self._out = self._rows = None

    def line(self, row: int, text: str, reason: str | None = None) -> None:
        """A row made of a landed row (its number in the load); with a reason it is none, and `text` its payload."""
        if reason is not None and not self._with_refused:
            return
        assert self._out is not None
        number = split_row(row)[1]
        self._nth = self._nth + 1 if number == self._last else 1
        self._last = number
        self._out.write(text.replace("\r", " ").replace("\n", " ") + "\n")
        self.lines += 1
        self._places.extend((number, self._nth))
        if len(self._places) >= _KEPT:
            self._write_places()
        if reason is not None:
            self._refused.append(self.lines)
            self._reasons.append(reason)

    def malformed(self, row: int, reason: str) -> None:
        """A landed row that is no record at all: kept with its own text."""
        if self._with_refused:
            self._waiting.append((row, reason))

    def done(self) -> Input:
        """The file as an input of the same batch."""
        self._write_waiting()
        self._write_places()
        assert self._out is not None
        self._out.flush()
        landed = self._numbered.input
        file = LandedFile(
            path=str(self.path), format="jsonl", bytes=self.path.stat().st_size, sha256="", rows=self.lines
        )
        return made_of(landed, file, np.array(self._refused, np.int64), tuple(self._reasons))

    def _write_places(self) -> None:
        assert self._rows is not None
        self._places.tofile(self._rows)
        self._places = array("q")
        self._rows.flush()

    def _write_waiting(self) -> None:
        """Malformed rows come last, with their text as it came: all of them found in one more reading of the file."""
        reasons = dict(self._waiting)
        numbers = np.array(sorted(split_row(row)[1] for row in reasons), np.int64)
        if not len(numbers):
            return
        for row, text in payloads([self._numbered.input], numbers):
            whole = self._numbered.base | row
            plain = self._numbered.input.file.format == "jsonl"
            self.line(whole, text if plain else json.dumps(text, ensure_ascii=False), reasons[whole])


def made_of(landed: Input, file: LandedFile, refused: NDArray[np.int64], reasons: tuple[str, ...]) -> Input:
    """The input of a file that was made; where its lines come from stays on disk: there may be any number of them."""
    path = Path(file.path)
    places = np.empty((0, 2), np.int64)
    if file.rows:
        places = np.memmap(path.with_suffix(".rows"), np.int64, "r").reshape(-1, 2)
    return Input(landed.batch, file, path, Origin(landed.file, places, refused, reasons))


def plain(landed: Input, place: int, schema: SourceSchema, folder: Path) -> Input:
    """A landed file as lines of JSON, row by row."""
    from octo_resources.engines.duckdb.shapes.members import joined, rows

    with MadeFile(folder, Numbered(place, landed), with_refused=True) as file:
        for found in rows(Numbered(place, landed), schema):
            if found.members is None:
                file.malformed(found.row, found.reason or "")
            else:
                file.line(found.row, joined(found.members))
        return file.done()


def numbered(inputs: Sequence[Input]) -> Iterator[Numbered]:
    """Inputs with their places among the inputs of a load."""
    return (Numbered(place, one) for place, one in enumerate(inputs))
