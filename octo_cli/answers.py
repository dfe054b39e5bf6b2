"""What the commands that look after files answer with --json; docs/schemas holds a JSON Schema of each."""

from typing import Any, Literal

from octo_core.schema import Field, Frozen


class NewAnswer(Frozen):
    folder: str
    files: tuple[str, ...]


class InitAnswer(Frozen):
    pipeline: str
    file: str
    source: str
    tables: tuple[str, ...]
    notes: tuple[str, ...] = ()


class MistakeAnswer(Frozen):
    file: str
    line: int
    column: int
    message: str


class CheckedPipeline(Frozen):
    ok: bool
    file: str
    mistakes: int = 0
    expressions_checked: int = 0
    """Expressions of mapping.yaml that were checked against the stored schemas."""


class CheckAnswer(Frozen):
    pipelines: dict[str, CheckedPipeline]
    mistakes: tuple[MistakeAnswer, ...]


class EditAnswer(Frozen):
    """What an edit of a file did."""

    pipeline: str
    file: str
    what: str
    done: Literal["added", "updated", "removed"]
    notes: tuple[str, ...] = ()


class SourceRow(Frozen):
    name: str
    kind: str
    where: str
    key: tuple[str, ...] = ()
    cursor: str | None = None
    tables: tuple[str, ...] = ()


class SourcesAnswer(Frozen):
    pipeline: str
    sources: tuple[SourceRow, ...]


class SampleAnswer(Frozen):
    """What a look at a source found."""

    pipeline: str
    source: str
    rows: int
    complete: bool
    """Whether these are all the rows that the source has."""
    fields: tuple[Field, ...]
    sample: tuple[dict[str, Any], ...] = ()


class SourceAnswer(Frozen):
    """A source that was added, and what its sample looks like."""

    pipeline: str
    file: str
    source: str
    sample: SampleAnswer | None = None
    notes: tuple[str, ...] = ()


class TestAnswer(Frozen):
    pipeline: str
    source: str
    ok: bool
    rows: int | None
    bytes: int
    seconds: float


class DestinationRow(Frozen):
    name: str
    kind: str
    url: str
    state_schema: str
    tables: tuple[str, ...]


class DestinationsAnswer(Frozen):
    pipeline: str
    destinations: tuple[DestinationRow, ...]


class ColumnLabel(Frozen):
    table: str
    column: str
    type: str
    label: str | None
    unit: str | None = None
    pii: bool = False


class LabelAnswer(Frozen):
    pipeline: str
    labelled: tuple[ColumnLabel, ...]
    unlabelled: tuple[ColumnLabel, ...]


class PrepareAnswer(Frozen):
    pipeline: str
    prepared: bool
    sql: str


class TransformRow(Frozen):
    table: str
    file: str
    when: Literal["before mapping", "in the load's transaction"]


class TransformsAnswer(Frozen):
    pipeline: str
    transforms: tuple[TransformRow, ...]


class Finding(Frozen):
    """One thing that `doctor` looked at. `warning` hinders nothing yet."""

    what: str
    state: Literal["ok", "warning", "broken"]
    found: str
    fix: str | None = None


class DoctorAnswer(Frozen):
    ok: bool
    findings: tuple[Finding, ...]
