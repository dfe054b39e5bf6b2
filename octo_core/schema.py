"""What a source's records look like: the typed schema that inference derives and everything later stands on."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from octo_core.types import JSON, DataType, TypeText

Role = Literal[
    "numeric", "categorical", "datetime", "sentence", "url", "embedded-number", "list", "not-generalizable",
    "context-specific",
]  # fmt: skip

Carrier = Literal["text", "number", "boolean", "object", "array", "typed", "mixed"]
"""How a field's values come: as text (CSV, JSON strings), as JSON tokens, or already typed (Parquet, SQL)."""


class Frozen(BaseModel):
    """A value that nobody changes after it was made, and that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def structure(kind: DataType, carrier: Carrier) -> Literal["object", "list"] | None:
    """What each value of a field has to be that is taken whole, as JSON; None where any value will do.

    That is an object where all were objects and a list where all were lists; text that holds such JSON will do too, as
    readers do not tell it from the thing itself.
    """
    if carrier not in ("object", "array", "mixed"):
        return None
    if kind.is_nested:
        kind = JSON  # such a list is kept whatever is in it
    if kind.kind == "record" or (kind.kind == "json" and carrier == "object"):
        return "object"
    return "list" if kind.kind == "list" or (kind.kind == "json" and carrier == "array") else None


class FieldStats(Frozen):
    """What was seen of a field in the rows examined. Not part of any fingerprint."""

    rows: int = 0
    missing: int = 0
    nulls: int = 0
    distinct: int | None = None
    distinct_exact: bool = False
    min: str | None = None
    max: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    values: tuple[str, ...] | None = None
    """All distinct values, in order of frequency, where they are few (an enumeration); else None."""
    examples: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    """How often each of `values`, or else of `examples`, came, where that is known."""
    masks: tuple[tuple[str, int], ...] = ()
    """Format masks such as `A9-999`, most frequent first, with their counts."""
    marks: str | None = None
    """Hashes of a part of the distinct values of what may name records, by which two sources' fields are compared."""


class Field(Frozen):
    """One field of a record. `children` are a record's fields, or a list's one element (named `[]`)."""

    name: str
    type: TypeText
    nullable: bool = True
    format: str | None = None
    """strptime's letters for dates and times, `true|false` spellings for booleans, `1.234,56` for numbers."""
    nulls: tuple[str, ...] = ()
    """Words that mean NULL in this field (`NA`, `-`, `null` …), found where the rest of it is typed."""
    unit: str | None = None
    semantic: str | None = None
    role: Role | None = None
    pii: bool = False
    description: str | None = None
    carrier: Carrier = "text"
    children: "tuple[Field, ...]" = ()
    confidence: float = 1.0
    why: str | None = None
    stats: FieldStats | None = None

    def child(self, name: str) -> "Field | None":
        return next((field for field in self.children if field.name == name), None)


class Declared(Frozen):
    """What a source itself says of a field, such as a database's catalog: it goes before what the values suggest."""

    name: str
    type: TypeText
    nullable: bool = True
    description: str | None = None
    carrier: Carrier = "typed"


class SourceSchema(Frozen):
    """The typed schema of one source, and how much of it was examined."""

    source: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    """The fields that identify a record: the spec's key, else what the data suggests, else empty."""
    rows_examined: int = 0
    rows_total: int | None = None
    complete: bool = False
    batches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    proposer: Literal["embedded", "llm"] = "embedded"
    """Whether a model's claims are in it; each was held against the rows."""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    @property
    def record_type(self) -> DataType:
        """The whole record as one type."""
        return DataType("record", fields=tuple((field.name, field.type) for field in self.fields))
