"""Who may push: a token of the registry, or what the source's `auth` says, and a signature where one is asked for."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from octo_api.problems import Refused
from octo_core.spec.sources import ApiKeyAuth, BasicAuth, BearerAuth, HmacAuth, NoAuth, PushSource
from octo_resources.redaction import remember
from octo_resources.registry.tokens import hash_of
from octo_resources.sources.place import Revealer


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that bodies must have. `key` is the secret."""

    key: bytes = field(repr=False)
    header: str
    algorithm: str

    def holds(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the header signs exactly this body: hex or base64, with or without `sha256=` before it."""
        given = headers.get(self.header.lower(), "").strip()
        given = given.removeprefix(f"{self.algorithm}=")
        right = hmac.new(self.key, body, self.algorithm).digest()
        try:
            told = bytes.fromhex(given) if len(given) == 2 * len(right) else base64.b64decode(given, validate=True)
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(told, right)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a source asks of those who push to it. Secrets are kept as hashes, and compared in constant time."""

    open: bool = False
    tokens: frozenset[str] = field(default=frozenset(), repr=False)
    """Hashes of the tokens that may come as `Authorization: Bearer …`."""
    header: tuple[str, str] | None = field(default=None, repr=False)
    """Another header that lets in, in lower case, with the hash of its value."""
    query: tuple[str, str] | None = field(default=None, repr=False)
    """A query parameter, likewise."""
    alone: Signature | None = None
    """A signature that lets in by itself."""
    beside: Signature | None = None
    """A signature that is asked for whatever else lets in."""

    def admits(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        """Whether the request may be read, before its body is. Raises Refused (401, 403)."""
        if self.open:
            _refuse_other_sites(headers)
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _among(hash_of(token.strip()), self.tokens):
            return True
        for place, given in ((self.header, headers), (self.query, query)):
            if place is not None and _among(hash_of(given.get(place[0], "")), (place[1],)):
                return True
        if self.alone is not None and self.alone.header.lower() in headers:
            return False  # its body will tell
        raise unknown()

    def verify(self, admitted: bool, headers: Mapping[str, str], body: bytes) -> None:
        """Hold the body against the signatures that are asked for. Raises Refused (401)."""
        asked = [self.beside] if self.beside is not None else []
        if not admitted and self.alone is not None:
            asked.append(self.alone)
        for one in asked:
            if not one.holds(headers, body):
                raise Refused(401, f"The signature in {one.header} is not that of the body", headers=_CHALLENGE)


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="octopipe"'}


def admission(spec: PushSource, secrets: Revealer, hashes: Iterable[str]) -> Admission:
    """What a source asks for; `hashes` are the registry's for its pipeline. Raises UsageError for a missing secret."""
    tokens = set(hashes)
    header = query = alone = None
    auth = spec.auth
    bearer = auth.token if isinstance(auth, BearerAuth) else spec.token
    if bearer is not None:
        tokens.add(hash_of(_secret(bearer, secrets)))
    if isinstance(auth, BasicAuth):
        pair = f"{secrets.reveal(auth.username)}:{_secret(auth.password, secrets)}"
        header = ("authorization", hash_of("Basic " + base64.b64encode(pair.encode()).decode()))
    if isinstance(auth, ApiKeyAuth):
        key = hash_of(_secret(auth.key, secrets))
        header, query = ((auth.name.lower(), key), None) if auth.in_ == "header" else (None, (auth.name, key))
    if isinstance(auth, HmacAuth):
        alone = _signature(auth, secrets)
    beside = _signature(spec.signature, secrets) if spec.signature is not None else None
    return Admission(isinstance(auth, NoAuth), frozenset(tokens), header, query, alone, beside)


def unknown() -> Refused:
    """The same words whether the pipeline is not there or the token is not its own: names are not to be tried out."""
    return Refused(
        401,
        "No pipeline of this name takes this token",
        hint="Send `Authorization: Bearer TOKEN`; make one by: octopipe token create NAME --pipeline PIPELINE. "
        "Where a pipeline has several sources that are pushed to, name one: ?source=NAME",
        headers=_CHALLENGE,
    )


def _among(given: str, known: Iterable[str]) -> bool:
    found = False
    for one in known:  # to the end, so that the time tells nothing
        found |= hmac.compare_digest(given, one)
    return found


def _secret(text: str, secrets: Revealer) -> str:
    value = secrets.reveal(text).strip()
    remember(value)
    return value


def _signature(auth: HmacAuth, secrets: Revealer) -> Signature:
    return Signature(_secret(auth.key, secrets).encode(), auth.header, getattr(hashlib, auth.algorithm)().name)


def _refuse_other_sites(headers: Mapping[str, str]) -> None:
    """A source that asks for nothing is open to this machine's programs, not to every page that its browser shows."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        raise Refused(403, "Pages of other sites may not push to a source without `auth`")
