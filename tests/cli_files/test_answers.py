"""Real answers of commands keep the schemas in docs/schemas, which is what scripts build on."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest

from octo_cli.main import COMMANDS, load_command
from octo_cli.schemas import FOLDER
from tests.cli_files.conftest import Cli

SCHEMAS = Path(__file__).parents[2] / FOLDER
NOT_BUILT = {"transform add", "transform update", "transform remove"}  # they only say that they are not built

SERVERS = {"serve"}  # it goes on until it is ended


def validate(name: str, document: Any) -> None:
    """`document` keeps docs/schemas/NAME.json."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)


def test_every_command_that_answers_has_a_schema() -> None:
    named = set()
    for name in COMMANDS:
        inner = getattr(load_command(name), "commands", None)
        named |= {f"{name} {key}" for key in inner} if inner else {name}
    assert {
        words for words in named - NOT_BUILT - SERVERS if not (SCHEMAS / f"{words.replace(' ', '-')}.json").is_file()
    } == set()


@pytest.fixture
def warehouse(shop: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of `octopipe new`, with its table in a real database."""
    monkeypatch.setenv("WAREHOUSE_URL", postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute((shop / "pipelines/orders/warehouse.sql").read_bytes())


@pytest.mark.usefixtures("warehouse")
def test_answers_before_and_after_a_decision_keep_their_schemas(shop: Path, cli: Cli) -> None:
    assert cli("destination", "prepare", "orders").code == 0
    for name in ("schema", "map", "plan"):
        said = cli(name, "orders", "--json")
        assert said.code == 0, said.err
        validate(name, said.json)
    models = cli("schema", "orders", "--pydantic", "--json").json
    validate("schema-pydantic", models)
    assert models["pydantic"].rstrip() == cli("schema", "orders", "--pydantic").out.rstrip()
    assert cli("schema", "orders", "--json-schema", "--json").json["title"] == "orders"
    fingerprint = cli("plan", "orders", "--json").json["fingerprint"]
    who = ["--fingerprint", fingerprint[:8], "--reviewer", "ana@shop.example"]
    for name, words in {
        "approve": ["approve", "orders", *who],
        "approvals-list": ["approvals", "list"],
        "approvals-export": ["approvals", "export"],
        "approvals-export-to": ["approvals", "export", "--to", "carried.json"],
        "approvals-import": ["approvals", "import", "carried.json", "--reviewer", "ana@shop.example"],
        "run": ["run", "orders", "--dry-run"],
        "status": ["status"],
        "logs": ["logs", "orders"],
        "quarantine-list": ["quarantine", "list", "orders"],
        "quarantine-show": ["quarantine", "show", "orders"],
        "history-list": ["history", "list"],
        "history-clean": ["history", "clean", "--dry-run"],
        "run-due": ["run", "--due"],
        "pause": ["pause", "orders", "--for", "1d"],
        "stop": ["stop", "orders"],
        "reject": ["reject", "orders", *who],
    }.items():
        said = cli(*words, "--json")
        assert said.code == 0, (words, said.err)
        validate(name, said.json)
    assert cli("logs", "orders", "--json").json["lines"]


def test_start_ends_a_pause_where_there_is_no_schedule(shop: Path, cli: Cli) -> None:
    file = shop / "pipelines/orders/pipeline.yaml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("schedule:")))
    assert cli("start", "orders").code == 2
    assert cli("pause", "orders", "--json").json["state"] == "paused"
    said = cli("start", "orders")
    assert said.code == 0, said.err
    assert "no longer paused" in said.out
    assert cli("start", "orders").code == 2


def test_a_failure_answers_by_its_schema(shop: Path, cli: Cli) -> None:
    said = cli("plan", "ordres", "--json")
    assert said.code == 2
    validate("error", said.json)
