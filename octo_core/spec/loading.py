"""From a pipeline's or the project's text to its model: every mistake of the file at once, each at its place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from octo_core.errors import Mistake
from octo_core.spec.document import Document, Path, parse_document
from octo_core.spec.pipeline import PartialSpec, PipelineSpec
from octo_core.spec.project import ProjectSpec
from octo_core.spec.rules import Finding, Surroundings, check_name, check_pipeline
from octo_core.spec.substitution import Substitution
from octo_core.spec.supported import later_in_pipeline, later_in_project
from octo_core.spec.validation import Checked, validated


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's model, or None and its mistakes; and the document, for messages about it later on."""

    document: Document
    mistakes: tuple[Mistake, ...]
    spec: Any = None
    partial: Any = None
    """Where there are mistakes: what is left without them."""


def load_pipeline(text: str, file: str, name: str, substitution: Substitution, surroundings: Surroundings) -> Loaded:
    """The text of pipelines/<name>/pipeline.yaml (or .json) as a PipelineSpec. `file` is the name messages use."""
    document = parse_document(text, file, substitution)
    mistakes = [*document.mistakes, *substitution.mistakes, *_placed(document, check_name(name, surroundings))]
    data = document.data
    if not isinstance(data, dict):
        return Loaded(document, _ordered(mistakes or [document.at(()).mistake("must be a mapping (key: value)")]))
    if "name" in data:
        mistakes.append(
            document.at(("name",), key=True).mistake("unknown key 'name': a pipeline's name is its folder's")
        )
    checked = validated(PipelineSpec, {**data, "name": name}, document, hidden=("name",), lenient=PartialSpec)
    mistakes += checked.mistakes
    spec = checked.value or checked.partial
    if spec is not None:
        mistakes += _placed(document, check_pipeline(spec, data, surroundings))
    mistakes += _placed(document, later_in_pipeline(data))
    return Loaded(document, _ordered(mistakes), None if mistakes else checked.value, spec)


def load_project(text: str, file: str, substitution: Substitution, profile: str | None) -> Loaded:
    """The text of octopipe.yaml as a ProjectSpec, with the profile laid over the rest. The profile must exist."""
    document = parse_document(text, file, substitution)
    mistakes = [*document.mistakes, *substitution.mistakes]
    if document.data is None and not any("not valid" in mistake.message for mistake in mistakes):
        return Loaded(Document(file, {}), (), ProjectSpec())  # an empty file says nothing, and all of it is optional
    if not isinstance(document.data, dict):
        return Loaded(document, _ordered(mistakes or [document.at(()).mistake("must be a mapping (key: value)")]))
    checked: Checked = validated(ProjectSpec, document.data, document)
    mistakes += [*checked.mistakes, *_placed(document, later_in_project(document.data))]
    if profile is not None:
        document = overlaid(document, ("profiles", profile))
        checked = validated(ProjectSpec, document.data, document)
        mistakes += [*checked.mistakes, *_placed(document, later_in_project(document.data))]
    return Loaded(document, _ordered(mistakes), None if mistakes else checked.value)


def overlaid(document: Document, over: Path) -> Document:
    """The document with one part of it laid over the rest, mappings key by key; positions go with the values."""
    keys, values = dict(document.keys), dict(document.values)

    def lay(base: Any, top: Any, path: Path) -> Any:
        for places in (keys, values):
            if (*over, *path) in places:
                places[path] = places[(*over, *path)]
        if not isinstance(top, dict):
            return top
        kept = base if isinstance(base, dict) else {}
        return {**kept, **{key: lay(kept.get(key), value, (*path, key)) for key, value in top.items()}}

    top: Any = document.data
    for part in over:
        top = top.get(part) if isinstance(top, dict) else None
    root = values.get(())
    data = lay(document.data, top if isinstance(top, dict) else {}, ())
    if root:
        values[()] = root
    return Document(document.file, data, keys, values, document.texts)


def _placed(document: Document, findings: Iterable[Finding]) -> Iterator[Mistake]:
    for path, message in findings:
        yield document.at(path, key=path[:1] == ("tables",) and len(path) == 2).mistake(message)


def _ordered(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """By place, each said once."""
    return tuple(dict.fromkeys(sorted(mistakes, key=lambda mistake: (mistake.line, mistake.column))))
