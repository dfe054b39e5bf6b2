"""A plan: the recipe that an approval signs, and what that recipe would do to real rows."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from octo_core.mapping.model import Alternative, Layer
from octo_core.schema import Frozen
from octo_core.spec.shapes import Shape, shape_of

SAMPLE_ROWS: Final = 20
"""Rows that a plan keeps to be shown before and after."""
PlanState = Literal["pending", "approved", "rejected", "revoked"]


class UsedField(Frozen):
    """A source's field as the fingerprint sees it: its family, not its width."""

    name: str
    family: str
    format: str | None = None
    unit: str | None = None


class TargetColumn(Frozen):
    """A destination's column as the fingerprint sees it."""

    name: str
    native: str
    nullable: bool
    default: str | None = None
    generated: str | None = None
    identity: str | None = None
    enum: tuple[str, ...] | None = None
    domain: str | None = None
    collation: str | None = None
    label: str | None = None
    unit: str | None = None
    pii: bool = False


class TableRecipe(Frozen):
    """All that decides what becomes of a row on its way to one table."""

    table: str
    source: str
    """The relation that its rows come from: a source's name, or what is made of some (`orders.items`)."""
    from_: Any
    key: tuple[str, ...]
    version: str | None
    write: str
    deletes: Any
    columns: dict[str, str]
    """target → canonical text of its expression, mapped columns only."""
    targets: tuple[TargetColumn, ...]
    """The columns written, and the not-null ones without a default."""
    primary_key: tuple[str, ...]
    uniques: tuple[Any, ...]
    foreign_keys: tuple[Any, ...]
    checks: tuple[str, ...]
    triggers: tuple[str, ...]
    exclusions: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    """Name of each transformation and `after` file → its text."""
    transforms: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """The order in which those files run."""
    functions: dict[str, str] | None = None
    """Functions that checks, domains, generated columns, policies and defaults call → a hash of their text."""
    policies: tuple[str, ...] | None = None
    """Row-level security, where it is on."""
    generated: dict[str, str] | None = None
    """Columns that the destination computes of the row → by what."""
    narrowed: tuple[str, ...] = ()
    """Columns whose type may be too small for the values that its expression can give."""

    @property
    def origin(self) -> Shape:
        """What the table is made from."""
        return shape_of(self.from_)


class Recipe(Frozen):
    """What an approval signs. Holds no host, no database name, nothing secret, nothing counted in the data."""

    pipeline: str
    language: int
    drift: dict[str, str]
    sources: dict[str, tuple[UsedField, ...]]
    tables: dict[str, TableRecipe]
    plugins: dict[str, str] = Field(default_factory=dict)


class ColumnPlan(Frozen):
    """One column of the plan as `plan --json` prints it."""

    target: str
    type: str
    expr: str
    layer: Layer
    confidence: float
    why: str
    alternatives: tuple[Alternative, ...] = ()
    nulls: int = 0
    distinct: int = 0
    failures: int = 0
    truncated: int = 0
    pii: bool = False
    converted: bool = False
    """Whether the value is changed on the way, and not just carried over."""
    overrides: Layer | None = None


class UnmappedTarget(Frozen):
    target: str
    why: str
    type: str = ""
    required: bool = False


class Sample(Frozen):
    before: dict[str, Any]
    after: dict[str, Any]


class PlannedQuarantine(Frozen):
    """Rows that would be set aside for one reason: how many, and the first of them."""

    reason: str
    column: str | None
    row: dict[str, Any]
    rows: int = 1
    first_row: int | None = None


class TablePlan(Frozen):
    """What the mapping would do to one table."""

    columns: tuple[ColumnPlan, ...]
    unmapped_target: tuple[UnmappedTarget, ...] = ()
    unmapped_source: tuple[str, ...] = ()
    sample: tuple[Sample, ...] = ()
    quarantined: tuple[PlannedQuarantine, ...] = ()
    rows_read: int = 0
    rows_quarantined: int = 0
    would: dict[str, int] | None = None
    """inserted, updated, unchanged, deduplicated, removed, by the destination's word; None where it was not asked.

    Where deletes can be seen also tombstoned and soft_deleted."""
    key: tuple[str, ...] = ()
    write: str = "append"
    deletes: dict[str, str] | None = Field(default=None, exclude_if=lambda found: found is None)
    """`mark` and `found_by`, where rows that are gone from the source are marked."""
    rows_there: int | None = None
    key_collisions: int = 0
    sql: dict[str, str | None] = Field(default_factory=dict)
    suggested_ddl: tuple[str, ...] = ()


class SourcePlan(Frozen):
    kind: str = ""
    rows_examined: int = 0
    rows_total: int | None = None
    complete: bool = False


class Plan(Frozen):
    """The plan as `octopipe plan NAME --json` prints it."""

    pipeline: str
    fingerprint: str
    state: PlanState = "pending"
    approved_fingerprint: str | None = None
    sources: dict[str, SourcePlan] = Field(default_factory=dict)
    tables: dict[str, TablePlan] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    made_at: datetime | None = None
    diff: "PlanDiff | None" = None


class Change(Frozen):
    """One difference between two recipes: `what` names the place (`public.flight.note`, `source field arr_time`)."""

    what: str
    kind: Literal["new", "gone", "changed"]
    before: str | None = None
    after: str | None = None


class PlanDiff(Frozen):
    against: str
    approved_by: str | None = None
    approved_at: datetime | None = None
    changes: tuple[Change, ...] = ()
