"""What the commands that look after files answer with --json; docs/schemas holds a JSON Schema of each."""

from typing import Any, Literal

from octo_cli.answer import Answer
from octo_core.schema import Field


class NewAnswer(Answer):
    folder: str
    files: tuple[str, ...]


class InitAnswer(Answer):
    pipeline: str
    file: str
    source: str
    tables: tuple[str, ...]
    notes: tuple[str, ...] = ()


class MistakeAnswer(Answer):
    file: str
    line: int
    column: int
    message: str


class CheckedPipeline(Answer):
    ok: bool
    file: str
    mistakes: int = 0
    expressions_checked: int = 0
    """Expressions of mapping.yaml that were checked against the stored schemas."""


class CheckAnswer(Answer):
    pipelines: dict[str, CheckedPipeline]
    mistakes: tuple[MistakeAnswer, ...]


class EditAnswer(Answer):
    """What an edit of a file did."""

    pipeline: str
    file: str
    what: str
    done: Literal["added", "updated", "removed"]
    notes: tuple[str, ...] = ()


class SourceRow(Answer):
    name: str
    kind: str
    where: str
    key: tuple[str, ...] = ()
    cursor: str | None = None
    tables: tuple[str, ...] = ()


class SourcesAnswer(Answer):
    pipeline: str
    sources: tuple[SourceRow, ...]


class SampleAnswer(Answer):
    """What a look at a source found."""

    pipeline: str
    source: str
    rows: int
    complete: bool
    """Whether these are all the rows that the source has."""
    fields: tuple[Field, ...]
    sample: tuple[dict[str, Any], ...] = ()


class SourceAnswer(Answer):
    """A source that was added, and what its sample looks like."""

    pipeline: str
    file: str
    source: str
    sample: SampleAnswer | None = None
    notes: tuple[str, ...] = ()


class TestAnswer(Answer):
    pipeline: str
    source: str
    ok: bool
    rows: int | None
    bytes: int
    seconds: float


class DestinationRow(Answer):
    name: str
    kind: str
    url: str
    state_schema: str
    tables: tuple[str, ...]


class DestinationsAnswer(Answer):
    pipeline: str
    destinations: tuple[DestinationRow, ...]


class ColumnLabel(Answer):
    table: str
    column: str
    type: str
    label: str | None
    unit: str | None = None
    pii: bool = False


class LabelAnswer(Answer):
    pipeline: str
    labelled: tuple[ColumnLabel, ...]
    unlabelled: tuple[ColumnLabel, ...]


class PrepareAnswer(Answer):
    pipeline: str
    prepared: bool
    sql: str


class TransformRow(Answer):
    table: str
    file: str
    when: Literal["before mapping", "in the load's transaction"]


class TransformsAnswer(Answer):
    pipeline: str
    transforms: tuple[TransformRow, ...]


class Finding(Answer):
    """One thing that `doctor` looked at. `warning` hinders nothing yet."""

    what: str
    state: Literal["ok", "warning", "broken"]
    found: str
    fix: str | None = None


class DoctorAnswer(Answer):
    ok: bool
    findings: tuple[Finding, ...]
