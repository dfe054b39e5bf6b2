"""`octopipe match` on files and on schemas with labels."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli_files.conftest import Cli

ORDERS = "cust_nm,qty,zzqx\nAna,1,k3\nBob,2,j9\nEve,3,x1\n"
SALES = "Quantity,customerName\n4,Kim\n5,Ana\n6,Bob\n"
EXPECTED = {"cust_nm": "customerName", "qty": "Quantity", "zzqx": None}
COLUMNS = [
    {"name": "a1", "type": "text", "description": "name of the customer"},
    {"name": "a2", "type": "integer", "label": "quantity of the order"},
]
BY_NAME = {one["name"]: {key: value for key, value in one.items() if key != "name"} for one in COLUMNS}
PIPELINE = {
    "sources": {"s": {"kind": "file", "path": "x.csv"}},
    "tables": {"t": {"labels": {"a1": "name of the customer", "a2": {"label": "quantity of the order"}}}},
}
SCHEMAS = {
    "list.json": json.dumps(COLUMNS),
    "under.json": json.dumps({"columns": COLUMNS}),
    "named.json": json.dumps(BY_NAME),
    "json_schema.json": json.dumps({"type": "object", "properties": BY_NAME}),
    "model.json": json.dumps(
        {"a1": {"column_description": "name of the customer", "value_data": {}},
         "a2": {"column_description": "quantity of the order", "value_data": {}}}
    ),
    "list.yaml": yaml.safe_dump(COLUMNS),
    "labels.yml": yaml.safe_dump({"a1": "name of the customer", "a2": "quantity of the order"}),
    "pipeline.yaml": yaml.safe_dump(PIPELINE),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OCTOPIPE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS)
    return tmp_path


def test_two_files(cli: Cli, folder: Path) -> None:
    (folder / "sales.csv").write_text(SALES)
    said = cli("match", "orders.csv", "sales.csv", "--json")
    assert said.code == 0
    assert said.json["assignment"] == EXPECTED
    scores = [pair["score"] for pair in said.json["pairs"]]
    assert scores == sorted(scores, reverse=True)
    assert {"source": "qty", "target": "Quantity"}.items() <= said.json["pairs"][0].items() or scores[0] > 0.9


def test_for_people_it_says_what_by(cli: Cli, folder: Path) -> None:
    (folder / "sales.csv").write_text(SALES)
    said = cli("match", "orders.csv", "sales.csv")
    assert said.code == 0
    assert "customerName" in said.out
    assert "2 of 3 columns have a counterpart among 2." in said.out


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_with_labels(cli: Cli, folder: Path, name: str) -> None:
    (folder / name).write_text(SCHEMAS[name])
    said = cli("match", "orders.csv", name, "--json")
    assert said.code == 0
    assert said.json["assignment"] == {"cust_nm": "a1", "qty": "a2", "zzqx": None}


def test_records_in_json_are_data_even_where_they_have_a_name(cli: Cli, folder: Path) -> None:
    (folder / "people.json").write_text(json.dumps([{"name": "Ana", "price": 2}, {"name": "Bob", "price": 3}]))
    said = cli("match", "people.json", "people.json", "--json")
    assert said.json["assignment"] == {"name": "name", "price": "price"}


@pytest.mark.parametrize(
    "listed", [["customer_name", "quantity"], [{"name": "customer_name"}, {"name": "quantity"}]], ids=["bare", "named"]
)
def test_a_list_of_nothing_but_names_is_columns(cli: Cli, folder: Path, listed: list[object]) -> None:
    (folder / "names.json").write_text(json.dumps(listed))
    said = cli("match", "orders.csv", "names.json", "--json")
    assert said.json["assignment"] == {"cust_nm": "customer_name", "qty": "quantity", "zzqx": None}
    (folder / "people.json").write_text(json.dumps([{"name": "Ana"}, {"name": "Bob"}, {"name": "Ana"}]))
    assert set(cli("match", "people.json", "names.json", "--json").json["assignment"]) == {"name"}


def test_every_scored_pair_is_told(cli: Cli, folder: Path) -> None:
    names = [f"order_{word}" for word in ("qty", "name", "date", "price")] + [f"order_{n}" for n in range(400)]
    (folder / "wide.json").write_text(json.dumps(names))
    said = cli("match", "orders.csv", "wide.json", "--json")
    pairs = said.json["pairs"]
    assert len({pair["target"] for pair in pairs if pair["source"] == "qty"}) > 100
    assert [pair["score"] for pair in pairs] == sorted((pair["score"] for pair in pairs), reverse=True)
    assert set(said.json) == {"pairs", "assignment", "undecided"}


def test_names_in_chinese_and_arabic(cli: Cli, folder: Path) -> None:
    (folder / "zh.csv").write_text("地址,价格\n北京,12.5\n上海,13.5\n")
    (folder / "ar.yaml").write_text("columns:\n- name: عنوان\n- name: سعر\n")
    said = cli("match", "zh.csv", "ar.yaml", "--json")
    assert said.json["assignment"] == {"地址": "عنوان", "价格": "سعر"}


def test_equal_evidence_is_said(cli: Cli, folder: Path) -> None:
    (folder / "one.yaml").write_text("columns: [status]")
    (folder / "two.yaml").write_text("columns: [status_a, status_b]")
    said = cli("match", "one.yaml", "two.yaml", "--json")
    assert sorted(said.json["undecided"]["status"]) == ["status_a", "status_b"]
    assert "undecided" in cli("match", "one.yaml", "two.yaml").out


def test_one_column_and_a_thousand(cli: Cli, folder: Path) -> None:
    (folder / "one.csv").write_text("email\nana@x.org\n")
    names = [f"metric_{number}" for number in range(1000)]
    (folder / "wide.json").write_text(json.dumps({"columns": [*names, "customer_email"]}))
    said = cli("match", "one.csv", "wide.json", "--json")
    assert said.json["assignment"] == {"email": "customer_email"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.csv", None, "no such file"),
        ("none.yaml", "columns: []", "no columns"),
        ("broken.yaml", "a: [1", "no YAML"),
        ("twice.yaml", "columns: [a, a]", "2 columns are called 'a'"),
    ],
)
def test_what_cannot_be_matched_is_said(cli: Cli, folder: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (folder / name).write_text(content)
    said = cli("match", "orders.csv", name)
    assert said.code == 2
    assert message in said.err
    assert "Traceback" not in said.err


def test_an_empty_file_is_a_failure(cli: Cli, folder: Path) -> None:
    (folder / "empty.csv").write_text("")
    assert cli("match", "orders.csv", "empty.csv").code == 1
