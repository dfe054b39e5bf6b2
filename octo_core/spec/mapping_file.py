"""mapping.yaml: the user's own mapping, column by column, each with the place of its expression in the file."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from octo_core.errors import Mistake
from octo_core.schema import Frozen
from octo_core.spec.document import Document, Path, Position, parse_document
from octo_core.spec.names import canonical_table_name
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.substitution import Substitution

Scalar = str | int | float | bool | None


class ValueMap(Frozen):
    """`{values: {source: state, map: {A: active}, else: unknown}}`. Without `else` a value that the map lacks fails."""

    source: str
    map: dict[str, Scalar]
    otherwise: Scalar = None
    has_else: bool = False


class FileColumn(Frozen):
    """What the file says of one column: an expression, a reason to leave it unmapped, or a map of values."""

    expr: str | None = None
    unmapped: str | None = None
    values: ValueMap | None = None
    position: tuple[str, int, int]
    """(file, line, column) where the expression's text begins; the entry itself where there is none."""


FileMapping = dict[str, dict[str, FileColumn]]


@dataclass(frozen=True, slots=True)
class LoadedMapping:
    columns: FileMapping
    """Where there are mistakes what is left without them, tables that the pipeline does not have included."""
    mistakes: tuple[Mistake, ...]


def load_mapping(text: str, file: str, tables: Collection[str], substitution: Substitution) -> LoadedMapping:
    """Read mapping.yaml against the (canonical) names of the pipeline's tables. `file` is the name messages use."""
    document = parse_document(text, file, substitution)
    if document.data is None and not document.mistakes:
        return LoadedMapping({}, ())
    reader = _Reader(document, tables)
    columns = reader.read()
    mistakes = [*document.mistakes, *substitution.mistakes, *reader.mistakes]
    empty = [mistake for mistake in mistakes if mistake.message == "the file is empty"]
    return LoadedMapping(
        columns, () if empty else tuple(sorted(mistakes, key=lambda found: (found.line, found.column)))
    )


class _Reader:
    """Goes through the file's tables and columns, noting what is wrong with each."""

    def __init__(self, document: Document, tables: Collection[str]) -> None:
        self.document = document
        self.tables = tables
        self.mistakes: list[Mistake] = []

    def read(self) -> FileMapping:
        data = self.document.data
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.wrong((), "must be a mapping of tables to their columns")
            return {}
        found: FileMapping = {}
        for written, columns in data.items():
            table = self.table(written)
            if not isinstance(columns, dict):
                self.wrong((written,), f"{written}: must be a mapping of columns to expressions")
            else:
                entries = [(name, self.column((written, name), entry)) for name, entry in columns.items()]
                found[table] = {name: column for name, column in entries if column is not None}
        return found

    def table(self, written: str) -> str:
        """The table's name, also where the pipeline has no such table: its columns are looked at all the same."""
        try:
            name = canonical_table_name(written)
        except ValueError as error:
            self.wrong((written,), str(error), key=True)
            return written
        if name not in self.tables:
            said = f"the pipeline has no table '{written}'.{did_you_mean(name, self.tables)}"
            self.wrong((written,), said, key=True)
        return name

    def column(self, path: Path, entry: Any) -> FileColumn | None:
        place = self.document.at(path)
        where = (place.file, place.line, place.column)
        if isinstance(entry, dict):
            return self.special(path, entry, where)
        text = self.document.texts.get(path, "")
        if isinstance(entry, list) or not text.strip():
            message = "has no expression; write one, or {unmapped: why}, or {values: {source: …, map: {…}}}"
            self.wrong(path, f"{path[-1]}: {message}", key=not isinstance(entry, list))
            return None
        start = self.expression_start(path, place)
        return FileColumn(expr=text.strip(), position=(start.file, start.line, start.column))

    def expression_start(self, path: Path, place: Position) -> Position:
        """One further for a quoted scalar, whose mark is its quote."""
        return Position(place.file, place.line, place.column + (1 if path in self.document.quoted else 0))

    def special(self, path: Path, entry: Mapping[str, Any], where: tuple[str, int, int]) -> FileColumn | None:
        kinds = ("unmapped", "values", "expr")
        for key in entry:
            if key not in kinds:
                self.wrong((*path, key), f"unknown key '{key}'.{did_you_mean(key, kinds)}", key=True)
        given = [key for key in kinds if key in entry]
        if len(given) != 1 or len(entry) != 1:
            if not any(key not in kinds for key in entry):
                self.wrong(path, f"{path[-1]}: give one of unmapped, values and expr", key=True)
            return None
        if given == ["expr"]:
            return self.column((*path, "expr"), entry["expr"])
        if given == ["unmapped"]:
            return self.unmapped(path, entry["unmapped"], where)
        values = self.values((*path, "values"), entry["values"])
        return None if values is None else FileColumn(values=values, position=where)

    def unmapped(self, path: Path, reason: Any, where: tuple[str, int, int]) -> FileColumn | None:
        if isinstance(reason, str) and reason.strip():
            return FileColumn(unmapped=reason, position=where)
        self.wrong((*path, "unmapped"), f"{path[-1]}: say why it is left unmapped")
        return None

    def values(self, path: Path, entry: Any) -> ValueMap | None:
        known = ("source", "map", "else")
        if not isinstance(entry, dict):
            self.wrong(path, "values: must be {source: …, map: {…}, else: …}")
            return None
        before = len(self.mistakes)
        for key in entry:
            if key not in known:
                self.wrong((*path, key), f"unknown key '{key}'.{did_you_mean(key, known)}", key=True)
        for key, kind in (("source", str), ("map", dict)):
            if key not in entry:
                self.wrong(path, f"values: '{key}' is missing", key=True)
            elif not isinstance(entry[key], kind) or not entry[key]:
                what = "the name of a field" if kind is str else "a mapping of the source's values to the column's"
                self.wrong((*path, key), f"values.{key}: must be {what}")
        for inner, value in self.results(entry):
            if isinstance(value, dict | list):
                self.wrong((*path, *inner), f"values.{inner[0]}: must be one value")
        if len(self.mistakes) > before:
            return None
        return ValueMap(source=entry["source"], map=entry["map"], otherwise=entry.get("else"), has_else="else" in entry)

    def results(self, entry: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
        if isinstance(entry.get("map"), dict):
            yield from ((("map", key), value) for key, value in entry["map"].items())
        yield ("else",), entry.get("else")

    def wrong(self, path: Path, message: str, *, key: bool = False) -> None:
        self.mistakes.append(self.document.at(path, key=key).mistake(message))
