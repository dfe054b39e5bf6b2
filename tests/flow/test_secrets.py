"""Secrets planted everywhere, and personal values, are looked for in all that a project writes and prints."""

import base64
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml

from tests.flow.shop import Shop
from tests.servers.api import Api, Asked, Reply

SECRETS = {
    "BEARER": "bearer-Zq8+w/Kp1=Xy",
    "API_KEY": "apikey-7fG&h 2%Lm9",
    "BASIC": "basic-p@ss:w0rd/Q4",
    "PARTNER": "partner-5tRe8Wq2",
    "PASSWORD": "warehouse-9kLm#3Np7",
    "PSEUDONYM": "pseudonym-6bVc4Xz1",
    "APPROVAL": "approval-3nBv7Cq9s",
}
PERSONAL = "planted.person"
ROWS = 40


def spelled(secret: str) -> set[str]:
    """The ways in which a secret could be written down."""
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(f"octo:{secret}".encode()).decode(),
    }


@dataclass
class Vault:
    """A shop whose sources and warehouse all ask for secrets, and everything its commands printed."""

    shop: Shop
    environment: dict[str, str]
    printed: list[str] = field(default_factory=list)

    def octopipe(self, *words: str, expect: int | None = None, **environment: str) -> str:
        done = self.shop.octopipe(*words, **(self.environment | environment))
        assert "--debug" in words or "Traceback" not in done.stderr
        assert expect is None or done.returncode == expect, f"{words}: {done.stdout}{done.stderr}"
        self.printed += [done.stdout, done.stderr]
        return done.stdout

    def written(self) -> Iterator[tuple[str, bytes]]:
        """(name, content) of every file of the state folder, compressed cells of databases opened up. Not the data."""
        state = self.shop.root / ".octopipe"
        for path in sorted(state.rglob("*")):
            data = path.is_relative_to(state / "landing") and path.name not in ("manifest.json", "cleaned.json")
            if path.is_file() and not data and not path.is_relative_to(state / "quarantine"):
                yield str(path.relative_to(state)), path.read_bytes()
                if path.suffix == ".db":
                    yield str(path.relative_to(state)), b"\n".join(cells(path))

    def everything(self) -> Iterator[tuple[str, bytes]]:
        yield from self.written()
        yield from ((f"output {number}", text.encode()) for number, text in enumerate(self.printed))


def cells(path: Path) -> Iterable[bytes]:
    """Texts of a SQLite file, rows that span pages included; Dagster deflates some of its own."""
    with sqlite3.connect(path) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, str | bytes):
                        yield from opened(cell.encode() if isinstance(cell, str) else cell)
    connection.close()


def opened(cell: bytes) -> Iterable[bytes]:
    yield cell
    try:
        yield zlib.decompress(cell)
    except zlib.error:
        return


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "mail": f"{PERSONAL}.{number}@shop.example", "page": f"/p/{number}"} | more


def routes(api: list[Api]) -> dict[str, Any]:
    """Three endpoints, each of which shows the secret that it was given wherever a careless server would."""

    def bearer(asked: Asked) -> Reply:
        given = asked.headers.get("Authorization", "")
        if given != f"Bearer {SECRETS['BEARER']}" or asked.headers.get("X-Partner") != SECRETS["PARTNER"]:
            return Reply({"error": f"{given} is not allowed, {asked.headers.get('X-Partner')}"}, 401)
        return Reply([record(number) for number in range(ROWS)])

    def key(asked: Asked) -> Reply:
        given = asked.params.get("api_key", "")
        if given != SECRETS["API_KEY"]:
            return Reply({"error": f"no such key: {given}", "url": asked.url}, 403)
        page = int(asked.params.get("page", 1))
        following = f"{api[0].url}/key?api_key={quote_plus(given)}&page={page + 1}" if page < 3 else None
        return Reply({"data": [record(100 * page + number) for number in range(ROWS)], "next": following})

    def basic(asked: Asked) -> Reply:
        wanted = "Basic " + base64.b64encode(f"octo:{SECRETS['BASIC']}".encode()).decode()
        given = asked.headers.get("Authorization", "")
        if given != wanted:
            plain = base64.b64decode(given.removeprefix("Basic "))
            return Reply(b"wrong: " + plain + f" in {asked.headers}".encode(), 401)
        return Reply([record(1000 + number) for number in range(ROWS)])

    return {"/bearer": bearer, "/key": key, "/basic": basic}


@pytest.fixture
def vault(shop: Shop) -> Iterator[Vault]:
    found: list[Api] = []
    with Api(routes(found)) as api:
        found.append(api)
        address = shop.url.replace("postgres@", f"postgres:{quote(SECRETS['PASSWORD'], safe='')}@")
        environment = {name: value for name, value in SECRETS.items() if name not in ("PASSWORD", "APPROVAL")}
        environment |= {"SHOP_WAREHOUSE": address, "OCTOPIPE_APPROVAL_KEY": SECRETS["APPROVAL"]}
        environment |= {"OCTOPIPE_PSEUDONYM_KEY": SECRETS["PSEUDONYM"], "API": api.url}
        _pipelines(shop)
        shop.sql(
            "CREATE TABLE shop.contact (contact_id bigint PRIMARY KEY, email text, alias text, page text NOT NULL)"
        )
        yield Vault(shop, environment)


def _pipelines(shop: Shop) -> None:
    auth = {
        "bearer": {"kind": "bearer", "token": "${secret:env/BEARER}"},
        "key": {"kind": "api_key", "in": "query", "name": "api_key", "key": "${secret:env/API_KEY}"},
        "basic": {"kind": "basic", "username": "octo", "password": "${secret:env/BASIC}"},
    }
    for name, how in auth.items():
        shop.pipeline_file(
            name,
            {
                "sources": {
                    "contacts": {
                        "kind": "rest",
                        "url": f"${{env:API}}/{name}",
                        "headers": {"X-Partner": "${secret:env/PARTNER}"},
                        "auth": how,
                        "key": ["id"],
                    }
                },
                "destination": {"kind": "postgres", "url": "${secret:env/SHOP_WAREHOUSE}"},
                "tables": {"shop.contact": {"write": "merge", "labels": {"email": {"label": "address", "pii": True}}}},
                "retries": {"max": 0},
            },
            {"shop.contact": {"contact_id": "id", "email": "mail", "alias": "pseudonym(mail)", "page": "page"}},
        )


def everything_once(vault: Vault) -> None:
    """The commands that read, keep and show, those that succeed and those that do not."""
    vault.octopipe("check", expect=0)
    vault.octopipe("source", "test", "bearer", expect=0)
    vault.octopipe("schema", "bearer", "--json", expect=0)
    for name in ("bearer", "key", "basic"):
        plan = json.loads(vault.octopipe("plan", name, "--json", expect=0))
        if name == "key":
            vault.octopipe("approve", name, "--fingerprint", plan["fingerprint"], "--reviewer", "ana@x", expect=0)
    vault.octopipe("plan", "bearer", expect=0)
    vault.octopipe("run", "key", "--json", "-vv", expect=0)
    vault.octopipe("run", "basic", "-v", expect=3)
    # What fails: at the source, at the warehouse, in an expression, in the address itself.
    vault.octopipe("run", "bearer", "--full", "-vv", "--debug", BEARER="wrong-" + SECRETS["BEARER"], expect=1)
    vault.octopipe("schema", "key", "--refresh", "--json", "-vv", API_KEY="wrong-" + SECRETS["API_KEY"], expect=1)
    vault.octopipe("source", "test", "basic", "--debug", BASIC="wrong-" + SECRETS["BASIC"], expect=1)
    nowhere = vault.environment["SHOP_WAREHOUSE"]
    vault.octopipe("plan", "bearer", "--debug", SHOP_WAREHOUSE=nowhere + "_gone", expect=1)
    vault.octopipe("destination", "pull", "bearer", SHOP_WAREHOUSE=nowhere.replace("127.0.0.1", "127.0.0.1:1,x"))
    vault.octopipe("map", "basic", "--set", "shop.contact.page=nonsense(mail", "--reviewer", "ana@x", expect=2)
    vault.octopipe("doctor", SHOP_WAREHOUSE=nowhere + "_gone")
    for command in ("status", "approvals export", "history list", "logs bearer", "quarantine list key"):
        vault.octopipe(*command.split(), "--json", expect=0)


def test_no_secret_and_nothing_personal_is_written_or_printed(vault: Vault) -> None:
    vault.shop.sql("ALTER TABLE shop.contact ADD CHECK (email NOT LIKE '%.107@%')")  # refuses a personal value
    vault.shop.sql("CREATE UNIQUE INDEX ON shop.contact (lower(email))")
    everything_once(vault)
    found = [
        (name, place)
        for place, content in vault.everything()
        for name, secret in SECRETS.items()
        for spelling in spelled(secret)
        if spelling.encode() in content
    ]
    assert found == []
    assert sorted({place for place, content in vault.everything() if PERSONAL.encode() in content}) == []
    # There was something to look through, and the quarantine alone holds what was refused.
    assert vault.shop.sql("SELECT inserted, quarantined FROM _octopipe.ledger") == [(3 * ROWS - 1, 1)]
    places = {name.split("/")[0] for name, _ in vault.written()}
    assert {"registry.db", "landing", "logs", "dagster"} <= places


def test_a_secret_in_a_pipeline_file_stays_a_reference(vault: Vault) -> None:
    """Commands that edit the file write references as they stand."""
    vault.octopipe("source", "update", "bearer", "contacts", "--option", "records=", "--json")
    vault.octopipe("destination", "label", "bearer", "shop.contact.page", "page seen", expect=0)
    text = (vault.shop.root / "pipelines" / "bearer" / "pipeline.yaml").read_text()
    assert yaml.safe_load(text)["sources"]["contacts"]["auth"]["token"] == "${secret:env/BEARER}"
    assert not [name for name, secret in SECRETS.items() if secret in text]
