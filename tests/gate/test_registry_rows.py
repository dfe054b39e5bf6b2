"""Round the gate by somebody who can write to the registry's file: every row that a load stands on, edited."""

import hashlib
import json
from typing import Any

import pytest
import yaml

from octo_core.errors import NotApproved, OctopipeError, RegistryError
from octo_resources.flow import Workspace, load
from octo_resources.registry import Registry
from tests.flow.shop import SALE, Shop, sale
from tests.gate.attacks import approved, nothing_loads


def edit_document(shop: Shop, kind: str, old: str, new: str) -> None:
    """Change the newest document of a kind, its digest too."""
    number, body = shop.registry_sql("SELECT id, body FROM document WHERE kind = ? ORDER BY id DESC", kind)[0]
    assert old in body
    body = body.replace(old, new)
    digest = hashlib.sha256(body.encode()).hexdigest()
    shop.registry_sql("UPDATE document SET body = ?, digest = ? WHERE id = ?", body, digest, number)


def test_an_edited_mapping_body_is_another_plan(shop: Shop) -> None:
    """What mapping.yaml does not say, the stored proposal does."""
    approved(shop)
    shop.pipeline_file("sales", yaml.safe_load((shop.root / "pipelines/sales/pipeline.yaml").read_text()), {
        "shop.sale": {name: text for name, text in SALE.items() if name != "status"}
    })  # fmt: skip
    shop.approve()
    assert shop.load().result.status == "loaded"
    shop.drop("sales", "c", [sale(200)])
    shop.land()
    body = json.loads(shop.registry_sql("SELECT body FROM document WHERE kind = 'mapping' ORDER BY id DESC")[0][0])
    column = next(one for one in body["tables"]["shop.sale"]["columns"] if one["target"] == "status")
    edit_document(shop, "mapping", json.dumps(column["expr"]), json.dumps("'paid'"))
    with nothing_loads(shop, match="status"):
        shop.load()


def test_an_edited_schema_is_another_plan(shop: Shop) -> None:
    approved(shop)
    edit_document(shop, "schema", '"name":"at","type":"timestamptz"', '"name":"at","type":"text"')
    with nothing_loads(shop, OctopipeError):
        shop.load()


def test_a_format_slipped_into_a_schema_is_another_plan(shop: Shop) -> None:
    approved(shop)
    body = json.loads(shop.registry_sql("SELECT body FROM document WHERE kind = 'schema' ORDER BY id DESC")[0][0])
    field = next(one for one in body["fields"] if one["name"] == "at")
    edit_document(shop, "schema", json.dumps(field["format"]), '"%Y-%d-%mT%H:%M:%SZ"')
    with nothing_loads(shop):
        shop.load()


def test_a_stored_catalog_with_todays_signature_does_not_hide_what_changed(shop: Shop) -> None:
    """The check is dropped, and the registry's catalog made to look as if it was read after that."""
    approved(shop)
    old = shop.registry.catalogs.newest("sales")
    assert old is not None
    shop.sql("ALTER TABLE shop.sale DROP CONSTRAINT sale_amount_check")
    new = shop.space.destination(shop.pipeline()).signature(["shop.sale"])
    edit_document(shop, "catalog", old.signature, new)
    with nothing_loads(shop, match="amount"):
        shop.load()


def test_a_correction_put_in_by_hand_is_another_plan(shop: Shop) -> None:
    approved(shop)
    shop.registry_sql(
        "INSERT INTO correction (pipeline, table_name, column_name, expr, reviewer, made_at) "
        "VALUES ('sales', 'shop.sale', 'amount', 'total * 100', 'ana@shop.example', '2026-01-01 00:00:00')"
    )
    with nothing_loads(shop):
        shop.load()


def test_an_edited_recipe_is_refused(shop: Shop) -> None:
    approved(shop)
    shop.registry_sql('UPDATE recipe SET body = replace(body, \'"amount":"total"\', \'"amount":"id"\')')
    with nothing_loads(shop, RegistryError, match="altered"):
        shop.load()


def test_a_removed_recipe_is_refused(shop: Shop) -> None:
    approved(shop)
    shop.registry_sql("DELETE FROM recipe")
    with nothing_loads(shop, RegistryError):
        shop.load()


PLAN_LIES: dict[str, Any] = {
    "another fingerprint": lambda plan: plan | {"fingerprint": "0" * 64},
    "another state": lambda plan: plan | {"state": "approved"},
}


@pytest.mark.parametrize("lie", PLAN_LIES.values(), ids=PLAN_LIES.keys())
def test_an_edited_plan_body_approves_nothing(shop: Shop, lie: Any) -> None:
    approved(shop)
    shop.sales_pipeline(table={"write": "append"})
    honest = shop.plan().plan.fingerprint
    body = json.loads(shop.registry_sql("SELECT body FROM plan WHERE fingerprint = ?", honest)[0][0])
    shop.registry_sql("UPDATE plan SET body = ? WHERE fingerprint = ?", json.dumps(lie(body)), honest)
    shown = shop.plan().plan
    assert (shown.fingerprint, shown.state) == (honest, "pending")
    with nothing_loads(shop):
        shop.load()


def test_a_stored_plan_that_shows_other_expressions_than_would_run_is_not_shown(shop: Shop) -> None:
    """Somebody makes a plan that multiplies, and edits the page that the reviewer will read."""
    approved(shop)
    file = shop.root / "pipelines" / "sales" / "mapping.yaml"
    file.write_text(file.read_text().replace("amount: total", "amount: total * 100"))
    true = shop.plan().plan
    body = json.loads(shop.registry_sql("SELECT body FROM plan WHERE fingerprint = ?", true.fingerprint)[0][0])
    for column in body["tables"]["shop.sale"]["columns"]:
        if column["target"] == "amount":
            column["expr"] = "total"
    shop.registry_sql("UPDATE plan SET body = ? WHERE fingerprint = ?", json.dumps(body), true.fingerprint)
    shown = {column.target: column.expr for column in shop.plan().plan.tables["shop.sale"].columns}
    assert shown["amount"] == "total * 100"


DECISION_EDITS = {
    "the fingerprint": "UPDATE decision SET fingerprint = '{other}'",
    "the pipeline": "UPDATE decision SET pipeline = 'other'",
    "the verdict": "UPDATE decision SET decision = 'approve' WHERE decision = 'reject'",
    "a verdict that none is": "UPDATE decision SET decision = 'maybe'",
    "the reviewer": "UPDATE decision SET reviewer = 'somebody@else.example'",
    "the time": "UPDATE decision SET at = '2020-01-01 00:00:00.000000'",
    "the recipe's hash": "UPDATE decision SET recipe_hash = '{other}'",
    "its hash": "UPDATE decision SET hash = '{other}'",
    "the end": "DELETE FROM decision WHERE seq = (SELECT max(seq) FROM decision)",
    "the beginning": "DELETE FROM decision WHERE seq = 1",
    "all": "DELETE FROM decision",
    "the head": "UPDATE decision_head SET seq = 1",
    "the head's hash": "UPDATE decision_head SET hash = '{other}'",
    "no head": "DELETE FROM decision_head",
    "a copy of the approval": "INSERT INTO decision SELECT 3, pipeline, fingerprint, decision, reviewer, reason, via,"
    " at, recipe_hash, origin, (SELECT hash FROM decision WHERE seq = 2), seal, '{other}' FROM decision WHERE seq = 1",
}


def test_edited_decisions_load_nothing(shop: Shop) -> None:
    """The approval was revoked; each edit would bring it back, or spoil the chain."""
    fingerprint = approved(shop)
    shop.registry.withdraw("sales", fingerprint, "revoked")
    honest = {name: shop.registry_sql(f"SELECT * FROM {name}") for name in ("decision", "decision_head")}
    for what, edit in DECISION_EDITS.items():
        shop.registry_sql(edit.format(other="f" * 64))
        assert honest != {name: shop.registry_sql(f"SELECT * FROM {name}") for name in honest}, what
        with nothing_loads(shop, RegistryError, match="altered"):
            shop.load()
        for name, rows in honest.items():
            shop.registry_sql(f"DELETE FROM {name}")
            for row in rows:
                shop.registry_sql(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", *row)
    with nothing_loads(shop, match="revoked"):  # as it was before the edits
        shop.load()


def test_a_forged_approval_is_no_approval_where_a_key_is_configured(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who knows the code and the file, but not the key, appends a whole approval with all its hashes."""
    from octo_core.approvals import Keys
    from octo_resources.registry.decisions import Decisions, Entry

    fingerprint = approved(shop)
    monkeypatch.setenv("OCTOPIPE_APPROVAL_KEY", "0123456789abcdef")
    keyed = Registry.open("sqlite", shop.root / ".octopipe")
    made = keyed.decisions.all()[-1]
    forger = Decisions(keyed.database, Keys())
    with keyed.database.write() as connection:
        entry = Entry("sales", fingerprint, "approve", "ana@shop.example", None, "cli", made.at)
        forger.append(connection, entry)
    space = Workspace.open(shop.root, registry=keyed)
    with nothing_loads(shop, NotApproved, match="before a key"):
        load(space, space.pipeline("sales"))
    keyed.close()


def test_the_key_may_stand_in_the_folders_env_file(shop: Shop) -> None:
    """Dagster reads .env, so the command line must too, or one would believe what the other does not."""
    approved(shop)
    (shop.root / ".env").write_text("OCTOPIPE_APPROVAL_KEY=0123456789abcdef\n")
    space = Workspace.open(shop.root)
    with nothing_loads(shop, NotApproved, match="before a key"):
        load(space, space.pipeline("sales"))
    space.registry.close()


def test_without_the_registry_nothing_was_ever_approved(shop: Shop) -> None:
    approved(shop)
    shop.registry.close()
    for file in (shop.root / ".octopipe").glob("registry.db*"):
        file.unlink()
    shop.registry = Registry.open("sqlite", shop.root / ".octopipe")
    with nothing_loads(shop):
        shop.load()
    shop.approve()
    assert shop.load().result.tables["shop.sale"].inserted == 2  # the destination remembers what it has


def test_a_registry_that_is_no_database_is_refused(shop: Shop) -> None:
    approved(shop)
    shop.registry.close()
    for file in (shop.root / ".octopipe").glob("registry.db*"):
        file.unlink()
    (shop.root / ".octopipe" / "registry.db").write_bytes(b"not a database" * 100)
    with nothing_loads(shop, RegistryError):
        Registry.open("sqlite", shop.root / ".octopipe")
