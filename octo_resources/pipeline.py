"""One pipeline as its folder says it: the spec, its own mapping, the files it names, and where each part is written."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octo_core.errors import Mistake, UsageError
from octo_core.spec.document import Document, Position
from octo_core.spec.document import Path as SpecPath
from octo_core.spec.llm import LlmSettings
from octo_core.spec.mapping_file import FileMapping
from octo_core.spec.names import canonical_table_name
from octo_core.spec.pipeline import Destination, Engine, PipelineSpec, TableSpec
from octo_core.spec.project import ProjectSpec
from octo_core.spec.shapes import SqlFrom
from octo_core.spec.sources import Source

if TYPE_CHECKING:
    from octo_resources.project import Project

_NO_MATTER_TO_A_PLAN = {
    "description", "owner", "type", "tags", "hosting", "schedule", "stream", "transport", "retries", "limits",
    "quarantine", "approval", "monitors", "needs",
}  # fmt: skip


@dataclass(frozen=True)
class Pipeline:
    """A pipeline, checked. `settings` is octopipe.yaml with this pipeline's profile laid over it."""

    project: "Project" = field(repr=False)
    name: str
    file: Path
    """pipeline.yaml or pipeline.json."""
    spec: PipelineSpec
    document: Document = field(repr=False)
    settings: ProjectSpec = field(repr=False)
    file_mapping: FileMapping = field(repr=False)
    """mapping.yaml: table (canonical name) → column → FileColumn, positions kept. Empty where there is no file."""
    proposed: Mapping[str, str] = field(default_factory=dict)
    """Table → the `from` that was proposed for it, in words, where `spec` has one that the file does not say."""

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def mapping_path(self) -> Path:
        return self.folder / "mapping.yaml"

    @property
    def destination(self) -> Destination:
        """The one destination. Raises UsageError where the pipeline has several."""
        if self.spec.destination is not None:
            return self.spec.destination
        if len(self.spec.destinations) == 1:
            return next(iter(self.spec.destinations.values()))
        raise UsageError("more than one destination is not supported yet (docs/limits.md)", where=self.name)

    @property
    def tables(self) -> dict[str, TableSpec]:
        """The tables by canonical name, each with its `from` filled in where there is one source."""
        return {
            name: table.model_copy(update={"from_": self.spec.origin_of(name)})
            for name, table in self.spec.tables.items()
        }

    @property
    def engine(self) -> Engine:
        """The engine asked for: the pipeline's word, else the project's."""
        if "engine" in self.spec.model_fields_set or self.settings.engine is None:
            return self.spec.engine
        return self.settings.engine

    @property
    def llm(self) -> LlmSettings:
        """The pipeline's `llm` over the project's, key by key."""
        return self.spec.llm.over(self.settings.llm)

    def source(self, name: str | None = None) -> tuple[str, Source]:
        """A source by name; the only one where no name is given. Raises UsageError."""
        if name is None and len(self.spec.sources) == 1:
            return next(iter(self.spec.sources.items()))
        if name is None:
            raise UsageError(f"{self.name} has several sources", hint=f"Say which: {', '.join(self.spec.sources)}")
        if name not in self.spec.sources:
            from octo_core.spec.nearest import did_you_mean

            hint = did_you_mean(name, self.spec.sources).strip() or None
            raise UsageError(f"{self.name} has no source '{name}'", hint=hint)
        return name, self.spec.sources[name]

    def position(self, *path: str | int, key: bool = True) -> Position:
        """Where a part of the pipeline file is written, e.g. ("tables", "public.flight", "labels", "note")."""
        return self.document.at(self.written(path), key=key)

    def mistake(self, message: str, *path: str | int, key: bool = True) -> Mistake:
        """A mistake at a part of the pipeline file."""
        return self.position(*path, key=key).mistake(message)

    def texts(self, names: Iterable[str]) -> dict[str, str]:
        """The text of files that the pipeline names, by name. Raises UsageError where one cannot be read."""
        found = {}
        for name in names:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder.resolve()):
                raise UsageError(f"'{name}' is not in the pipeline's folder", where=self.name)
            try:
                found[name] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"'{name}' cannot be read: {type(error).__name__}", where=self.name) from None
        return found

    @cached_property
    def text_hash(self) -> str:
        """A hash over all in the files that a plan depends on: another hash, and a stored plan is not current.

        Comments, layout and what only says when or for whom the pipeline runs do not count. 64 hex digits.
        """
        said = {
            "pipeline": self.spec.model_dump(mode="json", exclude=_NO_MATTER_TO_A_PLAN),
            "mapping": _without_positions(self.file_mapping),
            "files": self.texts(_named_files(self.spec)),
            "engine": self.engine.model_dump(mode="json"),
            "llm": self.llm.model_dump(mode="json"),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()

    def written(self, path: SpecPath) -> SpecPath:
        """A path of the spec with its table's name as the file spells it."""
        if len(path) < 2 or path[0] != "tables":
            return path
        data = self.document.data if isinstance(self.document.data, Mapping) else {}
        for written in data.get("tables", {}):
            if canonical_table_name(written) == path[1]:
                return (path[0], written, *path[2:])
        return path


def _named_files(spec: PipelineSpec) -> list[str]:
    names: list[str] = []
    for table in spec.tables.values():
        names += [*table.transforms, *table.after]
        if isinstance(table.from_, SqlFrom):
            names.append(table.from_.sql)
    return list(dict.fromkeys(names))


def _without_positions(mapping: FileMapping) -> dict[str, dict[str, object]]:
    return {
        table: {name: column.model_dump(mode="json", exclude={"position"}) for name, column in columns.items()}
        for table, columns in mapping.items()
    }
