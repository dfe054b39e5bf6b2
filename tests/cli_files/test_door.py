"""The command line's door: help that imports nothing heavy, errors as exit codes and as JSON, options everywhere."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest

from octo_cli.main import COMMANDS, LATER, load_command
from octo_cli.schemas import FOLDER, schemas, text_of
from tests.cli_files.conftest import Cli

ROOT = Path(__file__).parents[2]
BUILT = [name for name, entry in COMMANDS.items() if find_spec(f"octo_cli.commands.{entry.module}")]


def test_help_imports_nothing_that_only_commands_need() -> None:
    script = "import sys; from octo_cli.main import execute; execute(['--help']); print('@@', *sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    text, _, modules = out.partition("@@")
    assert "check" in text
    heavy = {"pydantic", "rich", "yaml", "ruamel", "dagster", "duckdb", "pyarrow", "sqlalchemy", "httpx"}
    assert heavy.isdisjoint(modules.split())


@pytest.mark.parametrize("name", BUILT)
def test_every_command_has_help_with_an_example_and_the_common_options(name: str, cli: Cli) -> None:
    command = load_command(name)
    for inner in [[], *([key] for key in getattr(command, "commands", {}))]:
        said = cli(name, *inner, "--help")
        assert said.code == 0
        assert "Example" in said.out, [name, *inner]
        assert f"octopipe {name}" in said.out.partition("Example")[2]
        assert "--log-format" in said.out


@pytest.mark.parametrize("at", ["typer", "octo_resources.project"])  # before there is a command, and within one
@pytest.mark.parametrize("words", [["status"], ["status", "--json"]])
def test_ctrl_c_is_told_in_a_word_and_in_the_one_document(at: str, words: list[str]) -> None:
    script = f"""
import builtins, os, signal, sys
sys.argv[1:] = {words}
real = builtins.__import__
def interrupted(name, *more, **words):
    if name == "{at}":
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *more, **words)
builtins.__import__ = interrupted
from octo_cli.door import run
run()
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (130, "interrupted\n")
    document = json.loads(said.stdout) if said.stdout else None
    assert (document is not None) == ("--json" in words)
    if document is not None:
        schema = json.loads((Path(__file__).parents[2] / FOLDER / "error.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)


def test_the_common_options_may_stand_before_a_subcommand(shop: Path, cli: Cli) -> None:
    for words in (["--json", "source", "list"], ["source", "--json", "list"], ["source", "list", "--json"]):
        assert json.loads(cli(*words, "orders").out)["sources"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pl", ["plan"]),
        ("plan o", ["orders"]),
        ("plan ", ["orders", "returns"]),
        ("plan x", []),
        ("check orders r", ["returns"]),
        ("run ret", ["returns"]),
        ("approve o", ["orders"]),
        ("start o", ["orders"]),
        ("source test orders o", ["orders"]),
        ("destination pull r", ["returns"]),
        ("quarantine list o", ["orders"]),
        ("schema returns ", ["back"]),
    ],
)
def test_the_shell_completes_commands_pipelines_and_sources(shop: Path, words: str, expected: list[str]) -> None:
    folder = shop / "pipelines" / "returns"
    folder.mkdir()
    folder.joinpath("pipeline.yaml").write_text("sources: {back: {kind: file, path: x}}\n")
    assert completed(words) == expected


def test_the_shell_completes_nothing_where_there_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("plan ") == []


def completed(words: str) -> list[str]:
    """What bash is offered after `octopipe WORDS` and a TAB."""
    said = subprocess.run(
        [sys.executable, "-c", "from octo_cli.main import run; run()"],
        env=os.environ
        | {
            "_OCTOPIPE_COMPLETE": "complete_bash",
            "COMP_WORDS": f"octopipe {words}",
            "COMP_CWORD": str(len(words.split(" "))),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stderr == ""
    return said.stdout.split()


@pytest.mark.parametrize("args", [["plann"], ["check", "--jsn"], ["new"], ["init", "x", "--var", "novalue"]])
def test_a_wrong_command_line_says_so_and_exits_2(args: list[str], shop: Path, cli: Cli) -> None:
    said = cli(*args)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    document = cli(*args, "--json")
    assert document.code == 2
    assert document.json["error"]["message"] in said.err


def test_an_unknown_command_is_met_with_the_nearest(cli: Cli) -> None:
    assert "Did you mean 'check'" in cli("chek").err


@pytest.mark.parametrize("name", LATER)
def test_a_command_that_is_not_built_yet_says_so(name: str, cli: Cli) -> None:
    said = cli(name, "x", "--json")
    assert (said.code, said.json["error"]["kind"]) == (2, "NotSupportedYet")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("status --json | true", 0),
        ("check | head -1", 0),
        ("plan nope --json | true", 2),
        ("check >&-", 0),
        ("check --json <&- >&- 2>&-", 0),
        ("check --json > /dev/full", 1),
        ("plan nope --json > /dev/full", 2),
    ],
)
def test_who_reads_the_answer_changes_nothing_of_what_came_of_it(shop: Path, line: str, code: int) -> None:
    words, sign, rest = line.partition(next(sign for sign in "|<>" if sign in line))
    script = f'set -o pipefail; "$0" -c "from octo_cli.main import run; run()" {words} {sign}{rest}'
    said = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert said.returncode == code, said.stderr
    assert "Traceback" not in said.stderr
    assert "bug" not in said.stderr


def test_the_next_step_after_new_can_be_pasted(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "Ärger Büro"
    assert f"cd '{folder}' && octopipe check" in cli("new", str(folder)).out


def test_a_bug_is_one_line_unless_debugging(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octo_cli.console.open_project", lambda: 1 / 0)
    said = cli("check")
    assert said.code == 1
    assert "this is a bug in octopipe: ZeroDivisionError" in said.err
    assert "Traceback" not in said.err
    assert "Traceback" in cli("check", "--debug").err


def test_without_a_project_the_way_to_one_is_shown(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    said = cli("--json", "check")
    assert said.code == 2
    assert "octopipe new DIR" in said.json["error"]["hint"]


def test_the_schemas_in_docs_are_those_of_the_models() -> None:
    expected = {name: text_of(schema) for name, schema in schemas()}
    there = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).glob("*.json")}
    assert there == expected, "run: python -m octo_cli.schemas"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "pipelines").glob("*/pipeline.yaml")), ids=lambda path: path.parent.name
)
def test_an_editor_accepts_what_octopipe_accepts(path: Path) -> None:
    from octo_core.spec.document import parse_document

    schema = json.loads((ROOT / FOLDER / "pipeline.schema.json").read_text(encoding="utf-8"))
    data = parse_document(path.read_text(encoding="utf-8"), "").data
    jsonschema.Draft202012Validator(schema).validate(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**data, "schedle": "x"})


SHORT = """
sources: {a: {kind: push, key: id}, b: {kind: file, path: ${env:IN}}}
destination: {kind: postgres, url: x}
tables: {p.t: {from: a}, p.u: {from: {join: {left: a, with: {source: b, on: id}}}, key: id, deletes: ignore}}
needs: other
schedule: "0 6 * * *"
engine: duckdb
stream: {trigger: continuous}
"""


def test_an_editor_and_octopipe_accept_the_short_forms() -> None:
    from octo_core.spec.document import parse_document
    from octo_core.spec.pipeline import PipelineSpec

    schema = json.loads((ROOT / FOLDER / "pipeline.schema.json").read_text(encoding="utf-8"))
    data = parse_document(SHORT, "").data
    jsonschema.Draft202012Validator(schema).validate(data)
    assert PipelineSpec.model_validate({**data, "name": "x"}).needs == ("other",)
    both = {**data, "destinations": {"other": data["destination"]}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(both)
