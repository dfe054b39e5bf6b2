"""Secrets: references until they are used. Stores: `env` (environment variables) and `file` (a folder of files)."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from octo_core.errors import UsageError
from octo_core.spec.substitution import SECRET_REFERENCE, SECRET_STORES
from octo_resources.redaction import remember

FOLDER_VARIABLE = "OCTOPIPE_SECRETS_DIR"
DEFAULT_FOLDER = "/run/secrets"


@dataclass(frozen=True)
class Secrets:
    """Where a project's secrets come from; nothing is read before `reveal` needs it."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def reveal(self, text: str) -> str:
        """The text with each ${secret:STORE/NAME} replaced; what was revealed is masked everywhere from then on.

        Raises UsageError that names the secret where it is not there.
        """
        return SECRET_REFERENCE.sub(self._replaced, text)

    def references(self, text: str) -> Iterator[tuple[str, str]]:
        """(store, name) of every secret that a text refers to."""
        for match in SECRET_REFERENCE.finditer(text):
            if match.group(1) is not None:
                yield match.group(1), match.group(2)

    def get(self, store: str, name: str) -> str:
        """One secret's value, remembered for redaction. Raises UsageError where it is not there."""
        if store == "env":
            value = self._from_environment(name)
        elif store == "file":
            value = self._from_file(name)
        else:
            known = ", ".join(SECRET_STORES)
            raise UsageError(f"'{store}' is no store of secrets", hint=f"The stores are {known}.")
        remember(value)
        return value

    def _replaced(self, match: re.Match[str]) -> str:
        return "${" if match.group(1) is None else self.get(match.group(1), match.group(2))

    def _from_environment(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            hint = f"Set the environment variable {name}, for example in .env or the service's settings."
            raise UsageError(f"the secret env/{name} is not set", hint=hint)
        return value

    def _from_file(self, name: str) -> str:
        folder = Path(self.environment.get(FOLDER_VARIABLE) or DEFAULT_FOLDER).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or path == folder:
            raise UsageError(f"the secret file/{name} points out of the folder of secrets", hint="Name a file in it.")
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            hint = f"Put it into {folder}, or set {FOLDER_VARIABLE} to the folder that holds it."
            raise UsageError(f"the secret file/{name} cannot be read: {type(error).__name__}", hint=hint) from None
