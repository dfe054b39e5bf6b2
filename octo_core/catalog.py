"""What a destination's tables are, as its own catalog says, with the labels that the user put on their columns."""

from typing import Literal

from pydantic import Field as PydanticField

from octo_core.schema import Frozen
from octo_core.types import TypeText


class Label(Frozen):
    """What the user says of a destination's column."""

    label: str
    unit: str | None = None
    pii: bool = False


class Column(Frozen):
    """One column. `native` is the destination's own spelling of the type, e.g. `character varying(3)`."""

    name: str
    type: TypeText
    native: str
    nullable: bool = True
    default: str | None = None
    generated: str | None = None
    """The expression of a GENERATED ALWAYS AS … column; such a column cannot be written."""
    identity: Literal["always", "by default"] | None = None
    collation: str | None = None
    """Only one under which different texts are equal (a nondeterministic one), with what it goes by."""
    max_length: int | None = None
    """Characters that fit, for varchar(n) and char(n)."""
    enum: tuple[str, ...] | None = None
    domain: str | None = None
    comment: str | None = None
    label: Label | None = None

    @property
    def writable(self) -> bool:
        return self.generated is None and self.identity != "always"

    @property
    def required(self) -> bool:
        """Whether a row without a value for it is refused."""
        return self.writable and not self.nullable and self.default is None and self.identity is None


class ForeignKey(Frozen):
    name: str
    columns: tuple[str, ...]
    ref_table: str
    """Canonical name, `schema.table`."""
    ref_columns: tuple[str, ...]
    deferrable: bool = False
    match: str = "SIMPLE"


class Check(Frozen):
    name: str
    sql: str
    """The condition's own text as the catalog prints it, without `CHECK`."""
    columns: tuple[str, ...] = ()
    validated: bool = True


class Unique(Frozen):
    """A unique constraint or unique index; `expression` where it is not over plain columns."""

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True
    where: str | None = None
    expression: str | None = None


class Trigger(Frozen):
    name: str
    sql: str


class Function(Frozen):
    """A function that the destination calls for a written row, other than a trigger's own (Trigger.sql has that)."""

    name: str
    """With its schema and the types of its arguments."""
    body: str
    """A hash of its text and settings, which CREATE OR REPLACE may change with nothing else changing."""
    used_by: Literal["check", "default", "domain", "generated", "policy", "trigger", "unique"]
    column: str | None = None
    """Whose default, domain or generation calls it."""


class Table(Frozen):
    """One table of a destination. `name` is canonical: `schema.table`, quoted where SQL needs quotes."""

    name: str
    schema_name: str
    table_name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    primary_key_name: str | None = None
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    exclusions: tuple[str, ...] = ()
    """EXCLUDE constraints' definitions."""
    functions: tuple[Function, ...] = ()
    policies: tuple[str, ...] = ()
    """Row-level security where it is on: that, and each policy."""
    comment: str | None = None
    kind: Literal["table", "partitioned", "view", "foreign"] = "table"
    rows: int | None = None
    """The destination's own estimate; None where it has none."""

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


class Catalog(Frozen):
    """The tables that a pipeline writes, and the parents that their foreign keys name."""

    dialect: str
    version: str
    tables: dict[str, Table]
    parents: dict[str, Table] = PydanticField(default_factory=dict)
    samples: dict[str, dict[str, tuple[str, ...]]] = PydanticField(default_factory=dict)
    """table → column → a few distinct values already there, as text; never of columns labelled pii."""
    signature: str = ""
    """Changes whenever the definition of any of `tables` changes; read cheaply, also inside a load."""
