"""Tokens of the HTTP API. The registry keeps hashes; the token itself is shown once, when it is made."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from octo_core.errors import UsageError
from octo_core.schema import Frozen
from octo_core.spec.nearest import did_you_mean
from octo_resources.redaction import remember
from octo_resources.registry.database import Database
from octo_resources.registry.tables import token as tokens

PUSH: Final = "push"
_PREFIX: Final = "octo"


class Token(Frozen):
    """What is known of a token. `pipelines` is None where it is good for all of them."""

    id: str
    name: str
    scope: str = PUSH
    pipelines: tuple[str, ...] | None = None
    made_by: str | None = None
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def good_at(self, moment: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > moment)


class MadeToken(Frozen):
    """A new token, with the text that nobody can be shown again."""

    token: Token
    text: str


class Tokens:
    """Made, listed, rotated and revoked; a name has one token that is good for new clients."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        pipelines: Sequence[str] | None = None,
        *,
        by: str | None = None,
        lasts: timedelta | None = None,
        at: datetime | None = None,
    ) -> MadeToken:
        """A new token. UsageError where one of that name is good still."""
        moment = at or datetime.now(UTC)
        with self._database.write() as connection:
            self._database.hold(connection, "token")
            if any(one.good_at(moment) for one in _named(connection, name)):
                hint = f"octopipe token rotate {name}, or choose another name"
                raise UsageError(f"there is a token '{name}' already", hint=hint)
            return _made(connection, name, pipelines, by, moment, moment + lasts if lasts else None)

    def rotate(
        self, name: str, *, grace: timedelta = timedelta(0), by: str | None = None, at: datetime | None = None
    ) -> MadeToken:
        """A new token in the place of the one of that name, which is good for `grace` more."""
        moment = at or datetime.now(UTC)
        with self._database.write() as connection:
            self._database.hold(connection, "token")
            old = [one for one in _named(connection, name) if one.good_at(moment)]
            if not old:
                raise _unknown(connection, name)
            newest, ends = old[-1], moment + grace
            for one in old:
                until = min(one.expires_at or ends, ends)
                connection.execute(sa.update(tokens).where(tokens.c.id == one.id).values(expires_at=until))
            lasts = newest.expires_at - newest.made_at if newest.expires_at else None
            return _made(connection, name, newest.pipelines, by, moment, moment + lasts if lasts else None)

    def revoke(self, name: str, *, at: datetime | None = None) -> tuple[Token, ...]:
        """End every token of a name, also one in its grace; those that were ended."""
        moment = at or datetime.now(UTC)
        with self._database.write() as connection:
            self._database.hold(connection, "token")
            old = [one for one in _named(connection, name) if one.good_at(moment)]
            if not old:
                raise _unknown(connection, name)
            ids = [one.id for one in old]
            connection.execute(sa.update(tokens).where(tokens.c.id.in_(ids)).values(revoked_at=moment))
        return tuple(one.model_copy(update={"revoked_at": moment}) for one in old)

    def all(self) -> tuple[Token, ...]:
        """Every token that ever was, oldest first."""
        with self._database.read() as connection:
            return tuple(_token(row) for row in connection.execute(_select()).mappings())

    def hashes(self, pipeline: str, at: datetime | None = None) -> frozenset[str]:
        """The hashes of the tokens that are good for a pipeline now: see `hash_of`."""
        moment = at or datetime.now(UTC)
        with self._database.read() as connection:
            rows = list(connection.execute(_select()).mappings())
        good = [row for row in rows if (one := _token(row)).good_at(moment) and _covers(one, pipeline)]
        return frozenset(str(row["hash"]) for row in good)


def hash_of(text: str) -> str:
    """SHA-256 of a token, 64 hex digits. No slow hash is needed: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _covers(token: Token, pipeline: str) -> bool:
    return token.pipelines is None or pipeline in token.pipelines


def _made(
    connection: sa.Connection,
    name: str,
    pipelines: Sequence[str] | None,
    by: str | None,
    at: datetime,
    expires: datetime | None,
) -> MadeToken:
    number = secrets.token_hex(5)
    text = f"{_PREFIX}_{number}_{secrets.token_urlsafe(32)}"
    remember(text)
    made = Token(
        id=number,
        name=name,
        pipelines=None if pipelines is None else tuple(pipelines),
        made_by=by,
        made_at=at,
        expires_at=expires,
    )
    values: dict[str, Any] = made.model_dump(exclude={"pipelines"})
    values |= {"hash": hash_of(text), "pipelines": None if made.pipelines is None else json.dumps(made.pipelines)}
    connection.execute(sa.insert(tokens).values(values))
    return MadeToken(token=made, text=text)


def _unknown(connection: sa.Connection, name: str) -> UsageError:
    known = {str(row["name"]) for row in connection.execute(_select()).mappings()} - {name}
    return UsageError(f"there is no token '{name}' that is good", hint=did_you_mean(name, known).strip() or None)


def _named(connection: sa.Connection, name: str) -> list[Token]:
    return [_token(row) for row in connection.execute(_select().where(tokens.c.name == name)).mappings()]


def _select() -> sa.Select[Any]:
    return sa.select(tokens).order_by(tokens.c.made_at, tokens.c.id)


def _token(row: sa.RowMapping) -> Token:
    pipelines = row["pipelines"]
    values = {name: row[name] for name in Token.model_fields if name != "pipelines"}
    return Token.model_validate({**values, "pipelines": None if pipelines is None else json.loads(pipelines)})
