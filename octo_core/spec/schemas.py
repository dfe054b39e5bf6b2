"""JSON Schemas of the two files, for editors and for the docs; generated from the models that read the files."""

from typing import Any

from octo_core.spec.pipeline import PipelineSpec
from octo_core.spec.project import ProjectSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"type": "string", "pattern": r"\$\{(env|var|secret):[^}]+\}", "description": "A reference."}


def pipeline_schema() -> dict[str, Any]:
    """The schema of pipeline.yaml. Where a number or a choice is wanted, a reference may stand as well."""
    schema = PipelineSpec.model_json_schema(by_alias=True)
    schema["properties"].pop("name")  # the folder's
    schema["required"] = ["sources", "tables"]
    one_destination = [{"required": ["destination"]}, {"required": ["destinations"]}]
    return {**_finished(schema, "Octopipe: pipeline.yaml"), "oneOf": one_destination}


def project_schema() -> dict[str, Any]:
    """The schema of octopipe.yaml."""
    return _finished(ProjectSpec.model_json_schema(by_alias=True), "Octopipe: octopipe.yaml")


def _finished(schema: dict[str, Any], title: str) -> dict[str, Any]:
    found = _with_references(schema)
    found.pop("title", None)
    return {"$schema": _DIALECT, "title": title, **found}


def _with_references(node: Any) -> Any:
    """Every scalar that is not plain text anyway may be a reference: `threads: ${var:threads}`."""
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _with_references(value) for key, value in node.items()}
    if "oneOf" in made and "discriminator" not in made:
        made["anyOf"] = made.pop("oneOf")  # `trigger: continuous` is a word of its own, and a text as durations are
    scalar = node.get("type") in ("integer", "number", "boolean") or (node.get("type") == "string" and "enum" in node)
    return {"anyOf": [made, _REFERENCE]} if scalar and "const" not in node else made
