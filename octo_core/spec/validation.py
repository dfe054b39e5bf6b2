"""Pydantic's errors as mistakes that a person can act on: where it stands, what is wrong, the nearest known name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from octo_core.errors import Mistake
from octo_core.spec.document import Document, Path
from octo_core.spec.nearest import did_you_mean

M = TypeVar("M", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")
_WHAT = {"sources": "source", "auth": "authentication", "pages": "paging", "destination": "destination"}
_MESSAGES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping (key: value)",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of one validation: `value` where all was well, else `partial`, what is left without the mistakes."""

    mistakes: tuple[Mistake, ...]
    value: Any = None
    partial: Any = None


def validated(
    model: type[M], data: Any, document: Document, *, hidden: tuple[str, ...] = (), lenient: type[M] | None = None
) -> Checked:
    """Validate data against a model, keeping every mistake; `hidden` are top-level keys that no message offers.

    `lenient` is the model that holds what is left without the mistakes, where that may be too little for `model`.
    """
    try:
        return Checked((), value=model.model_validate(data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        mistakes = [_mistake(model, detail, data, document, hidden) for detail in errors]
        return Checked(tuple(mistakes), partial=_partial(lenient or model, data, errors))


def _mistake(
    model: type[BaseModel], detail: ErrorDetails, data: Any, document: Document, hidden: tuple[str, ...]
) -> Mistake:
    loc = detail["loc"]
    path = written_path(data, loc)
    if detail["type"] == "extra_forbidden":
        parent = path[:-1]
        known = [key for key in known_keys(model, parent, data) if parent or key not in hidden]
        if loc[-1] in known:  # of another form of the same thing, `{sql: …}` and `{union: …}`
            return document.at(path, key=True).mistake(f"'{loc[-1]}' does not go with the keys beside it")
        return document.at(path, key=True).mistake(f"unknown key '{loc[-1]}'.{did_you_mean(str(loc[-1]), known)}")
    if detail["type"] == "missing":
        where = f"{dotted(path)}: " if path else ""
        return document.at(path, key=True).mistake(f"{where}'{loc[-1]}' is missing")
    if detail["type"] == "union_tag_not_found":
        kinds = ", ".join(_kinds(model, path, data))
        return document.at(path, key=True).mistake(f"{dotted(path)}: 'kind' is missing; it is one of {kinds}")
    if detail["type"] == "union_tag_invalid":
        path = (*path, "kind") if isinstance(_at(data, path), dict) else path
        return document.at(path).mistake(f"{dotted(path)}: {_no_kind(path, detail)}")
    position = document.at(path, key=loc[-1:] == ("[key]",))
    return position.mistake(f"{dotted(path)}: {_message(detail)}" if path else _message(detail))


def _message(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if value is None and kind not in ("value_error", "from"):
        return "has no value"
    if kind == "literal_error":
        known = _QUOTED.findall(str(context.get("expected", "")))
        expected = str(context.get("expected", "")).replace(" or ", ", ")
        hint = did_you_mean(value, known) if isinstance(value, str) and known else ""
        return f"{_shown(value)} is not one of {expected}.{hint if 'Did you' in hint else ''}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind == "string_type" and isinstance(value, int | float):
        return f"must be text, and {_shown(value)} is none; put it in quotes"
    if kind in _MESSAGES:
        return f"{_MESSAGES[kind]}, and {_shown(value)} is none"
    if kind == "too_short":
        return "must not be empty"
    message = detail["msg"]
    return message.replace("Input should be", "must be")


def _no_kind(path: Path, detail: ErrorDetails) -> str:
    context = detail["ctx"]
    tag = str(context["tag"])
    known = _QUOTED.findall(str(context["expected_tags"]))
    place = str(path[-2]) if len(path) >= 2 else ""
    what = _WHAT.get(place) or _WHAT.get(str(path[0]), "kind")
    return f"'{tag}' is no kind of {what}.{did_you_mean(tag, known)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value if not isinstance(value, str) or len(value) <= 60 else value[:57] + "…")


def dotted(path: Path) -> str:
    """A path as messages name it: sources.flights.kind, needs[1]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def written_path(data: Any, loc: tuple[int | str, ...]) -> Path:
    """Pydantic's place as a path of the data: its names for the branches of a union are not in the file."""
    path: list[int | str] = []
    here: Any = data
    for part in loc:
        if isinstance(here, dict | list) and (part in here if isinstance(here, dict) else isinstance(part, int)):
            here = here[part]  # type: ignore[index]  # a list's part was just seen to be a whole number
            path.append(part)
    return tuple(path)


def known_keys(model: type[BaseModel], path: Path, data: Any) -> list[str]:
    """The keys that a model knows at a path of the data."""
    found = _annotations(model, path, data)
    return list(dict.fromkeys(key for kind in found if _is_model(kind) for key in _keys(kind)))


def _kinds(model: type[BaseModel], path: Path, data: Any) -> list[str]:
    """What `kind` may be at a path of the data."""
    found = _annotations(model, path, data)
    return [word for kind in found if _has_kind(kind) for word in get_args(kind.model_fields["kind"].annotation)]


def _annotations(model: type[BaseModel], path: Path, data: Any) -> list[Any]:
    """What a model says may stand at a path of the data."""
    found: list[Any] = [model]
    here = data
    for part in path:
        here = here[part]
        found = [inner for outer in found for inner in _step(outer, part, here)]
    return found


def _step(outer: Any, part: str | int, value: Any) -> Iterator[Any]:
    if _is_model(outer):
        for name, field in outer.model_fields.items():
            if part in (field.alias, name):
                yield from _alternatives(field.annotation, value)
        return
    arguments = get_args(outer)
    if arguments:
        yield from _alternatives(arguments[-1] if isinstance(part, str) else arguments[0], value)


def _alternatives(annotation: Any, value: Any) -> Iterator[Any]:
    """The models and containers that an annotation may mean, by the value's `kind` where there is one."""
    if _is_model(annotation) or annotation in (dict, tuple, list) or _origin(annotation) in (dict, tuple, list):
        kinds = get_args(annotation.model_fields["kind"].annotation) if _has_kind(annotation) else ()
        if not kinds or not isinstance(value, dict) or value.get("kind") in (None, *kinds):
            yield annotation
        return
    arguments = get_args(annotation)
    for argument in arguments[:1] if hasattr(annotation, "__metadata__") else arguments:
        yield from _alternatives(argument, value)


def _origin(annotation: Any) -> Any:
    return getattr(annotation, "__origin__", None)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _has_kind(kind: Any) -> bool:
    return _is_model(kind) and "kind" in kind.model_fields


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _partial(model: type[M], data: Any, errors: list[ErrorDetails]) -> M | None:
    """What can be made of the data without what is wrong in it, so that rules can look at the rest in the same go."""
    for _ in range(6):
        data = _without(data, {written_path(data, detail["loc"]) for detail in errors})
        try:
            return model.model_validate(data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            if any(not written_path(data, detail["loc"]) for detail in errors):
                return None
    return None


def _without(data: Any, paths: set[Path], here: Path = ()) -> Any:
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if (*here, key) not in paths}
        return {key: _without(value, paths, (*here, key)) for key, value in kept.items()}
    if isinstance(data, list):
        kept_items = [(index, value) for index, value in enumerate(data) if (*here, index) not in paths]
        return [_without(value, paths, (*here, index)) for index, value in kept_items]
    return data
