"""Who asks: the headers and parameters of each kind of authentication, and what to say when it is refused."""

import base64
import re
from dataclasses import dataclass, field

from octo_core.errors import NotSupportedYet
from octo_core.spec.sources import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from octo_resources.redaction import remember
from octo_resources.sources.place import Revealer

_REFERENCE = re.compile(r"\$\{secret:[^}]*\}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes with every request to the source's own host, and nowhere else. `described` names no secret."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    params: dict[str, str] = field(default_factory=dict, repr=False)
    described: str = "no auth is configured"


def credentials(auth: Auth | None, secrets: Revealer) -> Credentials:
    """Reveals what the auth refers to. Raises UsageError for a secret that is not there, NotSupportedYet."""
    if auth is None or isinstance(auth, NoAuth):
        return Credentials()
    if isinstance(auth, BearerAuth):
        token = _revealed(auth.token, secrets)
        return Credentials({"Authorization": f"Bearer {token}"}, {}, _described("bearer", auth.token))
    if isinstance(auth, BasicAuth):
        pair = f"{secrets.reveal(auth.username)}:{_revealed(auth.password, secrets)}"
        remember(pair)
        encoded = base64.b64encode(pair.encode()).decode()
        return Credentials({"Authorization": f"Basic {encoded}"}, {}, _described("basic", auth.username, auth.password))
    if isinstance(auth, ApiKeyAuth):
        key = _revealed(auth.key, secrets)
        described = _described(f"api_key in the {auth.in_} {auth.name!r}", auth.key)
        return (
            Credentials({auth.name: key}, {}, described)
            if auth.in_ == "header"
            else Credentials({}, {auth.name: key}, described)
        )
    raise NotSupportedYet(f"auth of kind {auth.kind!r} is not supported yet", hint="Built are: basic, bearer, api_key.")


def _revealed(text: str, secrets: Revealer) -> str:
    """The secret; remembered also where the file has it in plain."""
    value = secrets.reveal(text).strip()
    remember(value)
    return value


def _described(kind: str, *texts: str) -> str:
    references = [reference for text in texts for reference in _REFERENCE.findall(text)]
    return f"auth is {kind} with {' and '.join(references) or 'a value written in the file'}"
