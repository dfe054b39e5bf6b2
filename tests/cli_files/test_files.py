"""The commands that look after files: what they write, what they refuse, and that a refusal changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from octo_resources.project import Project
from octo_resources.sources.rest.pace import WATCHED
from tests.cli_files.conftest import Cli
from tests.servers.api import Api, Asked, Reply

PIPELINE = Path("pipelines/orders/pipeline.yaml")
ROOT = Path(__file__).parents[2]


def test_new_makes_a_folder_that_checks(shop: Path, cli: Cli) -> None:
    said = cli("check", "--json")
    assert said.code == 0
    assert said.json["mistakes"] == []
    assert said.json["pipelines"]["orders"]["ok"] is True
    assert (shop / ".github/workflows/check.yml").is_file()
    for name in ("dagster.yaml", "workspace.yaml"):
        assert (shop / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")


def test_new_refuses_a_folder_that_holds_something(shop: Path, cli: Cli) -> None:
    said = cli("new", str(shop))
    assert said.code == 2
    assert "is not empty" in said.err


def test_check_prints_every_mistake_of_every_file_and_exits_2(shop: Path, cli: Cli) -> None:
    broken = PIPELINE.read_text(encoding="utf-8").replace("write: merge", "write: mrge")
    PIPELINE.write_text(broken + "schedle: x\n", encoding="utf-8")
    Path("octopipe.yaml").write_text("registri: sqlite\n", encoding="utf-8")
    said = cli("check")
    assert said.code == 2
    assert said.err.splitlines()[-1] == "3 mistakes; nothing was changed."
    assert "octopipe.yaml:1:1  unknown key 'registri'. Did you mean 'registry'?" in said.err
    document = cli("check", "--json")
    assert document.code == 2
    assert [item["line"] for item in document.json["mistakes"]] == [1, 14, 21]


def test_init_writes_a_pipeline_from_flags_and_keeps_the_password_out(shop: Path, cli: Cli) -> None:
    (shop / "in").mkdir()
    (shop / "in/people.csv").write_text("id,name\n1,Ana\n", encoding="utf-8")
    url = "postgresql://ana:s3cret-pass@127.0.0.1:1/db"
    said = cli(
        "init", "people", "--source", "in/people.csv", "--destination", url, "--table", "public.person", "--json"
    )
    assert said.code == 0, said.err
    text = Path("pipelines/people/pipeline.yaml").read_text(encoding="utf-8")
    assert "s3cret" not in text + said.out + said.err
    spec = Project.find().pipeline("people").spec
    assert spec.sources["people"].kind == "file"
    assert spec.destination is not None
    assert Project.find().secrets.reveal(spec.destination.url) == url
    assert ".env" in Path(".gitignore").read_text(encoding="utf-8").split()
    again = cli("init", "people", "--source", "x.csv", "--destination", url, "--table", "public.person")
    assert (again.code, "already" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["init", "Bad-Name", "--source", "a", "--destination", "postgresql://x/y"], "no pipeline's name"),
        (["init", "x", "--source", "a.csv"], "--destination missing"),
        (["init", "x", "--source", "a.csv", "--destination", "ftp://x", "--table", "public.a"], "no database"),
        (["init", "x", "--source", "a.csv", "--destination", "postgresql://x/y", "--table", "a"], "schema.table"),
        (["check", "ordrs"], "Did you mean 'orders'?"),
        (["source", "update", "orders", "ordrs", "--option", "path=x"], "Did you mean 'orders'?"),
        (["source", "update", "orders", "orders", "--option", "pth=x"], "unknown key 'pth'"),
        (["source", "remove", "orders", "orders"], "sources: must not be empty"),
        (["source", "add", "orders", "b", "--kind", "fil", "--option", "path=x"], "Did you mean 'file'?"),
        (["source", "add", "orders", "b", "--kind", "file", "--option", "path=in/none.csv"], "none.csv"),
        (["destination", "add", "orders", "--url", "postgresql://x/y"], "has a destination already"),
        (["destination", "update", "orders", "--option", "kind=postgrs"], "Did you mean 'postgres'?"),
        (["destination", "remove", "orders"], "'destination' is missing"),
        (["transform", "add", "--name", "x"], "not supported yet"),
    ],
)
def test_what_is_refused_changes_nothing(args: list[str], message: str, shop: Path, cli: Cli) -> None:
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    said = cli(*args)
    assert said.code in (1, 2)
    assert message in said.err
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


def test_edits_keep_the_comments(shop: Path, cli: Cli) -> None:
    old = PIPELINE.read_text(encoding="utf-8").splitlines()
    assert cli("source", "update", "orders", "orders", "--option", "options.delimiter=,").code == 0
    assert cli("destination", "update", "orders", "--option", "state_schema=etl").code == 0
    new = PIPELINE.read_text(encoding="utf-8").splitlines()
    assert [line for line in old if line not in new] == []
    assert [line for line in new if line not in old] == ["    options: {delimiter: ','}", "  state_schema: etl"]


def test_a_second_source_makes_tables_say_theirs(shop: Path, cli: Cli) -> None:
    args = ["--kind", "rest", "--option", "url=https://x.example", "--option", "auth.kind=bearer", "--no-test"]
    said = cli("source", "add", "orders", "more", *args, "--option", "auth.token=very-secret-token")
    assert said.code == 0, said.err
    assert "very-secret-token" not in PIPELINE.read_text(encoding="utf-8") + said.out + said.err
    found = Project.find().pipeline("orders")
    assert found.spec.tables["public.customer_order"].from_ == "orders"
    listed = cli("source", "list", "orders", "--json").json["sources"]
    assert [(row["name"], row["kind"]) for row in listed] == [("orders", "file"), ("more", "rest")]
    assert cli("source", "remove", "orders", "more").code == 0


def test_a_source_answers_a_test(shop: Path, cli: Cli) -> None:
    said = cli("source", "test", "orders", "--json")
    assert said.code == 0, said.err
    assert said.json["rows"] == 60
    assert not [path for path in (shop / ".octopipe").iterdir() if path.name.startswith("look-")]


def test_who_adds_a_source_is_not_kept_waiting_by_an_api_that_does_not_answer(shop: Path, cli: Cli) -> None:
    with Api({"/orders": lambda _: Reply(status=503)}) as api:
        said = cli("source", "add", "orders", "more", "--kind", "rest", "--option", f"url={api.url}/orders")
        assert (said.code, len(api.asked)) == (1, WATCHED.attempts)
    assert "HTTP 503" in said.err
    assert "more" not in Project.find().pipeline("orders").spec.sources


def test_decisions_to_take_over_that_are_not_there_are_said_so(shop: Path, cli: Cli) -> None:
    said = cli("approvals", "import", "nowhere.json")
    assert (said.code, "no such file" in said.err, "approvals export" in said.err) == (2, True, True)
    (shop / "other.json").write_text("{", encoding="utf-8")
    said = cli("approvals", "import", "other.json")
    assert (said.code, "not what octopipe approvals export wrote" in said.err) == (2, True)


@pytest.fixture
def warehouse(shop: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example's table in a real database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute((shop / "pipelines/orders/warehouse.sql").read_text(encoding="utf-8"))
    monkeypatch.setenv("WAREHOUSE_URL", postgres_url)
    return postgres_url


def test_labels_are_written_beside_those_there_are(warehouse: str, shop: Path, cli: Cli) -> None:
    said = cli(
        "destination", "label", "orders", "public.customer_order.items", "number of articles", "--unit", "pieces"
    )
    assert said.code == 0, said.err
    assert "      items: {label: number of articles, unit: pieces}\n" in PIPELINE.read_text(encoding="utf-8")
    wrong = cli("destination", "label", "orders", "public.customer_order.itms", "x")
    assert (wrong.code, "Did you mean 'items'?" in wrong.err) == (2, True)


def test_a_new_text_takes_no_label_its_pii_or_unit(warehouse: str, shop: Path, cli: Cli) -> None:
    def label(*said: str) -> str:
        answer = cli("destination", "label", "orders", *said, "--json")
        assert answer.code == 0, answer.err
        column = said[0].rpartition(".")[2]
        return next(line.strip() for line in PIPELINE.read_text(encoding="utf-8").splitlines() if f" {column}:" in line)

    assert label("public.customer_order.email", "where we write to") == "email: {label: where we write to, pii: true}"
    assert label("public.customer_order.total_eur", "sum", "--pii") == "total_eur: {label: sum, unit: EUR, pii: true}"
    assert label("public.customer_order.email", "a box", "--no-pii") == "email: {label: a box, pii: false}"


def test_an_edit_keeps_the_line_ends_and_the_byte_order_mark_of_the_file(shop: Path, cli: Cli) -> None:
    before = b"\xef\xbb\xbf" + PIPELINE.read_bytes().replace(b"\n", b"\r\n")
    PIPELINE.write_bytes(before)
    assert cli("destination", "update", "orders", "--option", "state_schema=etl").code == 0
    new = [line for line in PIPELINE.read_bytes().split(b"\n") if line not in before.split(b"\n")]
    assert new == [b"  state_schema: etl\r"]


def test_what_the_mapping_file_decides_stays_as_it_is_written(warehouse: str, shop: Path, cli: Cli) -> None:
    states = "{values: {source: state, map: {paid: paid, shipped: shipped, cancelled: cancelled}}}   # all there are"
    file = Path("pipelines/orders/mapping.yaml")
    file.write_text(f"public.customer_order:\n  status: {states}\n", encoding="utf-8")
    fingerprint = cli("map", "orders", "--json").json["fingerprint"]
    written = cli("map", "orders", "--write", "--json")
    assert (written.code, written.json["fingerprint"]) == (0, fingerprint), written.err
    text = file.read_text(encoding="utf-8")
    assert f"  status: {states}\n" in text
    assert "  order_id: order_id\n" in text
    assert cli("plan", "orders", "--json").json["fingerprint"] == fingerprint


def test_pull_and_prepare_work_on_the_real_database(warehouse: str, shop: Path, cli: Cli) -> None:
    pulled = cli("destination", "pull", "orders", "--json")
    assert pulled.code == 0, pulled.err
    assert list(pulled.json["tables"]) == ["public.customer_order"]
    printed = cli("destination", "prepare", "orders", "--sql")
    assert "create" in printed.out.lower()
    broken = cli("doctor", "--json")
    assert broken.code == 1
    assert [row["fix"][:36] for row in broken.json["findings"] if row["state"] == "broken"] == [
        "octopipe destination prepare orders "
    ]
    assert cli("destination", "prepare", "orders").code == 0
    assert cli("doctor").code == 0


def test_doctor_names_a_secret_that_is_not_set(shop: Path, cli: Cli) -> None:
    assert cli("destination", "update", "orders", "--option", "url=${secret:env/OCTO_NO_SUCH}").code == 0
    said = cli("doctor", "--json")
    assert said.code == 1
    broken = [row for row in said.json["findings"] if row["state"] == "broken"]
    assert [row["what"] for row in broken] == ["orders: secret env/OCTO_NO_SUCH"]


def test_init_finds_the_table_by_looking(warehouse: str, shop: Path, cli: Cli) -> None:
    said = cli("init", "till", "--source", str(shop / "pipelines/orders/samples"), "--destination", warehouse, "--json")
    assert said.code == 0, said.err
    assert said.json["tables"] == ["public.customer_order"]
    text = Path("pipelines/till/pipeline.yaml").read_text(encoding="utf-8")
    assert "path: pipelines/orders/samples\n" in text


def on_a_terminal(*words: str, typed: str) -> tuple[int, str]:
    """(exit code, what was seen) of a command whose questions somebody answers."""
    terminal, stream = os.openpty()
    os.write(terminal, typed.encode())
    octopipe = Path(sys.executable).with_name("octopipe")
    done = subprocess.run(
        [octopipe, *words], stdin=stream, stdout=stream, stderr=subprocess.PIPE, timeout=60, check=False
    )
    said = os.read(terminal, 1 << 16).decode()
    os.close(stream)
    os.close(terminal)
    return done.returncode, said


@pytest.mark.usefixtures("warehouse")
def test_who_leaves_the_walk_through_the_columns_keeps_what_was_answered(shop: Path) -> None:
    code, said = on_a_terminal("destination", "label", "orders", typed="\nnumber of the order\n\x04")
    assert code == 130, said
    assert "number of the order" in (shop / PIPELINE).read_text(encoding="utf-8")


def test_init_asks_again_where_an_answer_cannot_be(warehouse: str, shop: Path) -> None:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.visit (a int)")
    typed = ["", "pipelines/orders/samples", "orakle://x/y", warehouse, "public.customer_ordr", "customer_order"]
    code, said = on_a_terminal("init", "till", typed="".join(f"{line}\n" for line in typed))
    assert code == 0, said
    assert "names no database that Octopipe knows" in said
    assert "there is no table public.customer_ordr that may be taken. Did you mean 'public.customer_order'?" in said
    assert "public.customer_order:" in (shop / "pipelines/till/pipeline.yaml").read_text(encoding="utf-8")


def test_init_says_what_source_and_destination_answer(warehouse: str, shop: Path, cli: Cli) -> None:
    (shop / "in").mkdir()
    (shop / "in/people.csv").write_text("id,name\n1,Ana\n", encoding="utf-8")
    said = cli(
        "init", "people", "--source", "in/people.csv", "--destination", warehouse, "--table", "public.customer_ordr"
    )
    assert said.code == 0, said.err
    assert "people: people.csv: csv, utf-8, 2 fields" in said.out
    assert "no table public.customer_ordr that may be written. Did you mean 'public.customer_order'?" in said.out
    url = "http://127.0.0.1:1/feed?api_token=s3cret-token"
    said = cli("init", "feed", "--source", url, "--destination", warehouse, "--table", "public.customer_order")
    assert said.code == 0, said.err
    assert "feed cannot be read yet" in said.out
    text = Path("pipelines/feed/pipeline.yaml").read_text(encoding="utf-8")
    assert "s3cret-token" not in text + said.out + said.err


def test_a_sample_is_typed_shown_and_written_as_csv(shop: Path, cli: Cli) -> None:
    said = cli("source", "sample", "orders", "--csv", "out.csv", "--json")
    assert said.code == 0, said.err
    assert (said.json["rows"], said.json["complete"]) == (60, True)
    types = {field["name"]: field["type"] for field in said.json["fields"]}
    assert (types["order_time"], types["total"].partition("(")[0]) == ("timestamptz", "decimal")
    sample = (shop / "pipelines/orders/samples/orders.csv").read_text(encoding="utf-8")
    assert Path("out.csv").read_text(encoding="utf-8").split() == sample.split()


def test_a_sample_shows_malformed_lines_as_they_are(shop: Path, cli: Cli) -> None:
    (shop / "more.jsonl").write_text('{"id": 1}\n{"id": 2, "a": "tru\n\n{"id": 3}\n', encoding="utf-8")
    assert cli("source", "add", "orders", "more", "--kind", "file", "--option", "path=more.jsonl", "--json").code == 0
    for words in (["test"], ["sample"]):
        said = cli("source", *words, "orders", "more", "--json")
        assert said.code == 0, said.err
    assert [row.get("id") for row in said.json["sample"]] == [1, None, 3]
    assert said.json["sample"][1]["malformed"] == '{"id": 2, "a": "tru'


def test_adding_a_source_shows_its_types_at_once(shop: Path, cli: Cli) -> None:
    (shop / "more.jsonl").write_text('{"id": 1, "at": "2026-01-02"}\n{"id": 2, "at": "2026-01-03"}\n', encoding="utf-8")
    said = cli("source", "add", "orders", "more", "--kind", "file", "--option", "path=more.jsonl", "--json")
    assert said.code == 0, said.err
    assert {field["name"]: field["type"] for field in said.json["sample"]["fields"]}["at"] == "date"
    assert "more" in Project.find().pipeline("orders").spec.sources


def test_check_marks_the_place_in_an_expression_once_the_source_is_known(shop: Path, cli: Cli) -> None:
    assert cli("schema", "orders", "--json").code == 0
    mapping = "public.customer_order:\n  placed_at: parse_timestmp(order_time, '%Y')\n  total_eur: totl\n"
    Path("pipelines/orders/mapping.yaml").write_text(mapping, encoding="utf-8")
    said = cli("check")
    assert said.code == 2
    lines = said.err.splitlines()
    assert lines[0].startswith("pipelines/orders/mapping.yaml:2:14  placed_at: parse_timestmp is no function.")
    assert lines[1:3] == [" " * 36 + "│ parse_timestmp(order_time, '%Y')", " " * 36 + "│ " + "^" * 14]
    assert lines[3].startswith("pipelines/orders/mapping.yaml:3:14  total_eur:")
    assert lines[-1] == "2 mistakes; nothing was changed."


def test_check_knows_the_fields_that_a_source_is_said_to_have_once_it_is_known(shop: Path, cli: Cli) -> None:
    assert cli("schema", "orders", "--json").code == 0
    said = "key: [order_id, ordre_id]\n    fields: {item: {unit: pieces}, items: {unit: pieces}}"
    PIPELINE.write_text(PIPELINE.read_text(encoding="utf-8").replace("key: [order_id]", said), encoding="utf-8")
    for words in (["check"], ["schema", "orders"]):  # and so does what reads the source
        found = cli(*words, "--json")
        assert found.code == 2
        mistakes = found.json.get("mistakes") or found.json["error"]["mistakes"]
        assert [(one["line"], one["column"], one["message"]) for one in mistakes] == [
            (8, 21, "key: source 'orders' has no field 'ordre_id'. Did you mean 'order_id'?"),
            (9, 14, "fields: source 'orders' has no field 'item'. Did you mean 'items'?"),
        ]


_WRONG_NAMES = """\
    key: [order_id, odrer]
    version: totl
    labels:
      itms: number of articles
      nmae: {label: [x]}
"""


def test_mistakes_of_every_sort_come_at_once(warehouse: str, shop: Path, cli: Cli) -> None:
    assert cli("plan", "orders", "--json").code == 0
    good = PIPELINE.read_text(encoding="utf-8")
    head = good[: good.index("    labels:")]
    PIPELINE.write_text(head.replace("write: merge", "write: mrge") + _WRONG_NAMES, encoding="utf-8")
    Path("pipelines/orders/mapping.yaml").write_text(
        "public.customer_ordr:\n  itms: totl\npublic.customer_order:\n  placed_at: parse_timestmp(order_time, '%Y')\n",
        encoding="utf-8",
    )
    said = cli("check", "--json")
    assert said.code == 2
    found = [item["message"].split(".")[0] for item in said.json["mistakes"]]
    for expected in (
        "'mrge' is not one of",
        "key: public.customer_order has no column 'odrer'",
        "version: public.customer_order has no column 'totl'",
        "labels: public.customer_order has no column 'itms'",
        "labels: public.customer_order has no column 'nmae'",
        "nmae.label: must be text",
        "the pipeline has no table 'public.customer_ordr'",
        "itms: ",
        "placed_at: parse_timestmp is no function",
    ):
        assert [one for one in said.json["mistakes"] if expected in one["message"]], (expected, found)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_plan_and_run_name_every_wrong_column_at_its_place(warehouse: str, shop: Path, cli: Cli, command: str) -> None:
    assert cli("plan", "orders", "--json").code == 0
    good = PIPELINE.read_text(encoding="utf-8")
    wrong = _WRONG_NAMES.replace("{label: [x]}", "name")
    PIPELINE.write_text(good[: good.index("    labels:")] + wrong, encoding="utf-8")
    Path("pipelines/orders/mapping.yaml").write_text(
        "public.customer_order:\n  placed_at: parse_timestmp(order_time, '%Y')\n", encoding="utf-8"
    )
    said = cli(command, "orders")
    assert said.code == 2
    assert said.err.splitlines()[-1] == "5 mistakes; nothing was changed."
    places = [line.partition("  ")[0] for line in said.err.splitlines() if line.startswith("pipelines/")]
    first = good[: good.index("    labels:")].count("\n") + 1
    assert [place.split(":")[:2] for place in places] == [
        ["pipelines/orders/pipeline.yaml", str(first)],
        ["pipelines/orders/pipeline.yaml", str(first + 1)],
        ["pipelines/orders/pipeline.yaml", str(first + 3)],
        ["pipelines/orders/pipeline.yaml", str(first + 4)],
        ["pipelines/orders/mapping.yaml", "2"],
    ]


def test_a_rest_source_is_tested_before_the_file_changes_and_its_token_stays_out(shop: Path, cli: Cli) -> None:
    def answer(asked: Asked) -> Reply:
        allowed = asked.headers.get("Authorization") == "Bearer till-token-1"
        return Reply([{"id": 1}, {"id": 2}]) if allowed else Reply({"error": "no"}, status=401)

    with Api({"/till": answer}) as api:
        args = ["source", "add", "orders", "till", "--kind", "rest", "--option", f"url={api.url}/till"]
        args += ["--option", "auth.kind=bearer"]
        before = PIPELINE.read_bytes()
        refused = cli(*args, "--option", "auth.token=wrong-token-1")
        assert (refused.code, PIPELINE.read_bytes(), Path(".env").exists()) == (1, before, False)
        said = cli(*args, "--option", "auth.token=till-token-1", "--json")
    assert said.code == 0, said.err
    assert said.json["sample"]["rows"] == 2
    assert "till-token-1" not in said.out + said.err + PIPELINE.read_text(encoding="utf-8")
