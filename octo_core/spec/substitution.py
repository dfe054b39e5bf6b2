"""References in project files: ${env:X}, ${env:X:-default}, ${var:x}, ${secret:STORE/NAME}; `$${` is a plain `${`.

A secret is never replaced here: its reference travels in the spec, and only `Secrets.reveal` replaces it, at use.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from octo_core.errors import Mistake
from octo_core.spec.document import Position
from octo_core.spec.nearest import did_you_mean
from octo_core.spec.supported import SECRET_STORES_LATER, not_supported

SECRET_STORES = ("env", "file")
KINDS = ("env", "var", "secret")

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
SECRET_REFERENCE = re.compile(r"\$\$\{|\$\{secret:([^/{}]+)/([^{}]+)\}")
"""A secret's reference, or the `$${` that escapes one."""


@dataclass(slots=True)
class Substitution:
    """What references stand for. `mistakes` gathers what could not be replaced."""

    environment: Mapping[str, str]
    variables: Mapping[str, Any]
    overrides: Mapping[str, str] = field(default_factory=dict)
    """`--var k=v`; a value takes the type of the variable that it overrides where it reads as one."""
    seen: Callable[[str, str], None] | None = None
    """Told of each environment variable's name and value that went in, so that credentials in it can be redacted."""
    nested: bool = False
    """Whether `variables` are as octopipe.yaml writes them, with references of their own that are followed."""
    mistakes: list[Mistake] = field(default_factory=list)
    _followed: list[str] = field(default_factory=list)
    """The variables that are being replaced, outermost first."""

    def __call__(self, text: str, position: Position) -> Any:
        """The scalar with its references replaced; one that is a single reference keeps its value's type."""
        whole = _TOKEN.fullmatch(text)
        if whole and whole.group(1) is not None:
            return self._value(whole.group(1), position)
        parts: list[str] = []
        end = 0
        for match in _TOKEN.finditer(text):
            parts += [text[end : match.start()], self._part(match, text, position)]
            end = match.end()
        return "".join([*parts, text[end:]])

    def _part(self, match: re.Match[str], text: str, position: Position) -> str:
        if match.group() == "$${":
            # What follows would read as a secret's reference later on, so the escape stays for `reveal` to undo.
            return "$${" if text.startswith("secret:", match.end()) else "${"
        if match.group(1) is None:
            self._mistake(position, "'${' has no closing '}'; write $${ for a plain ${")
            return "${"
        value = self._value(match.group(1), position)
        if isinstance(value, list | dict):
            what = "list" if isinstance(value, list) else "mapping"
            self._mistake(position, f"{match.group()} is a {what}; it can be a whole value, and no part of a text")
            return ""
        return _as_text(value)

    def _value(self, reference: str, position: Position) -> Any:
        kind, colon, rest = reference.partition(":")
        if not colon or kind not in KINDS:
            hint = did_you_mean(kind, KINDS)
            self._mistake(position, f"'${{{reference}}}' is no reference; they are env, var and secret.{hint}")
            return ""
        if kind == "env":
            return self._env(rest, position)
        if kind == "var":
            return self._var(rest, position)
        return self._secret(rest, position)

    def _env(self, rest: str, position: Position) -> str:
        name, has_default, default = rest.partition(":-")
        value = self.environment.get(name)
        if value is None or (value == "" and has_default):  # as in a shell, `:-` also stands for an empty value
            if has_default:
                return default
            message = f"environment variable {name} is not set; set it, or give a default: ${{env:{name}:-…}}"
            self._mistake(position, message)
            return ""
        if self.seen is not None:
            self.seen(name, value)
        return value

    def _var(self, name: str, position: Position) -> Any:
        if name in self.overrides:
            return _typed_like(self.overrides[name], self.variables.get(name))
        if name in self.variables:
            return self._followed_to_the_end(name, position) if self.nested else self.variables[name]
        known = [*self.variables, *self.overrides]
        hint = did_you_mean(name, known) or " Set it under vars: in octopipe.yaml, or by --var."
        self._mistake(position, f"no variable '{name}'.{hint}")
        return ""

    def _followed_to_the_end(self, name: str, position: Position) -> Any:
        """A variable's value with the references in it replaced too, whatever the order they are written in."""
        if name in self._followed:
            circle = " → ".join([*self._followed[self._followed.index(name) :], name])
            self.mistakes.append(position.mistake(f"the variables stand for one another: {circle}"))
            return ""
        self._followed.append(name)
        try:
            return self._replaced(self.variables[name], position)
        finally:
            self._followed.pop()

    def _replaced(self, value: Any, position: Position) -> Any:
        if isinstance(value, str) and "${" in value:
            return self(value, position)
        if isinstance(value, list):
            return [self._replaced(item, position) for item in value]
        if isinstance(value, dict):
            return {key: self._replaced(item, position) for key, item in value.items()}
        return value

    def _secret(self, rest: str, position: Position) -> str:
        store, slash, name = rest.partition("/")
        if not slash or not name or not store:
            self._mistake(position, f"'${{secret:{rest}}}' names no secret; write ${{secret:STORE/NAME}}")
        elif store in SECRET_STORES_LATER:
            self._mistake(position, not_supported(f"the secret store '{store}'"))
        elif store not in SECRET_STORES:
            hint = did_you_mean(store, SECRET_STORES)
            self._mistake(position, f"'{store}' is no store of secrets.{hint}")
        return f"${{secret:{rest}}}"

    def _mistake(self, position: Position, message: str) -> None:
        if not self._followed:  # else it is said where the variable itself is written
            self.mistakes.append(position.mistake(message))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _typed_like(text: str, declared: Any) -> Any:
    """A `--var` as the type of the variable it overrides; text where it does not read as one."""
    if isinstance(declared, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    for kind in (int, float):
        if isinstance(declared, kind):
            try:
                return kind(text)
            except ValueError:
                return text
    return text
