"""Where the file leaves `from` open it is proposed: a source, a list or a join, with the reason, and signed as any."""

import json
from dataclasses import replace

import pytest
import yaml

from octo_core.errors import SpecError
from tests.flow.nested import TABLES, item, order
from tests.flow.shop import Shop, sale

WAREHOUSE = "${secret:env/SHOP_WAREHOUSE}"


def orders_without_from(shop: Shop) -> None:
    shop.sql(TABLES)
    shop.pipeline_file(
        "orders",
        {
            "sources": {"orders": {"kind": "file", "path": "in/orders/*", "key": ["id"]}},
            "destination": {"kind": "postgres", "url": WAREHOUSE},
            "tables": {"sales.purchase": None, "sales.purchase_item": {"write": "merge"}},
        },
    )
    shop.drop("orders", "a", [order(n, item("A", n), item("B", 2), placed=f"2026-03-{n:02d}") for n in range(1, 25)])


def test_a_list_is_proposed_for_a_table_that_refers_to_its_parent(shop: Shop) -> None:
    orders_without_from(shop)
    prepared = shop.plan("orders")
    assert prepared.recipe.tables["sales.purchase_item"].from_ == {"source": "orders", "each": "items"}
    assert prepared.recipe.tables["sales.purchase"].from_ == "orders"
    assert prepared.recipe.tables["sales.purchase_item"].columns == {
        "purchase_id": "parent.id",
        "line": "_index",
        "sku": "sku",
        "quantity": "qty",
        "price": "price",
    }
    assert prepared.plan.warnings[0] == (
        "sales.purchase_item: from: {source: orders, each: items}, because the elements of orders.items feed 5 of 5"
        " columns, and sales.purchase_item refers to sales.purchase"
    )
    planned = prepared.plan.tables["sales.purchase_item"]
    assert (planned.unmapped_source, planned.suggested_ddl) == ((), ())
    result = shop.start("orders")
    assert result.tables["sales.purchase_item"].inserted == 48
    assert shop.run("orders").status == "nothing_new"


def test_what_was_proposed_is_written_to_the_file_and_is_the_same_plan(shop: Shop) -> None:
    orders_without_from(shop)
    fingerprint = shop.approve("orders")
    written = shop.octopipe("map", "orders", "--write")
    assert written.returncode == 0, written.stderr
    text = (shop.root / "pipelines/orders/pipeline.yaml").read_text()
    assert yaml.safe_load(text)["tables"] == {
        "sales.purchase": {"from": "orders"},
        "sales.purchase_item": {"write": "merge", "from": {"source": "orders", "each": "items"}},
    }
    again = shop.plan("orders").plan
    assert (again.fingerprint, again.state) == (fingerprint, "approved")


def two_sources(shop: Shop, **tables: object) -> None:
    shop.pipeline_file(
        "shop",
        {
            "sources": {
                "sales": {"kind": "file", "path": "in/sales/*", "key": ["id"]},
                "customers": {"kind": "file", "path": "in/customers/*", "key": ["id"]},
            },
            "destination": {"kind": "postgres", "url": WAREHOUSE},
            "tables": tables,
        },
    )
    rows = "".join(f"{n},Name {n},{'gold' if n % 2 else 'basic'}\n" for n in range(1, 30))
    shop.drop_text("customers", "a.csv", f"id,full_name,tier\n{rows}")
    shop.drop("sales", "a", [sale(n, customer=n % 29 + 1) for n in range(1, 60)])


def test_of_several_sources_each_table_gets_the_one_that_feeds_it(shop: Shop) -> None:
    two_sources(shop, **{"shop.sale": None, "shop.customer": None})
    recipe = shop.plan("shop").recipe
    assert {name: table.from_ for name, table in recipe.tables.items()} == {
        "shop.sale": "sales",
        "shop.customer": "customers",
    }


def test_a_join_is_proposed_where_a_table_needs_fields_of_two_sources(shop: Shop) -> None:
    shop.sql(
        "CREATE TABLE shop.report (id bigint PRIMARY KEY, total numeric(10, 2) NOT NULL, full_name text NOT NULL,"
        " tier text NOT NULL)"
    )
    two_sources(shop, **{"shop.report": None})
    prepared = shop.plan("shop")
    assert prepared.recipe.tables["shop.report"].from_ == {
        "join": {
            "left": "sales",
            "with": [{"source": "customers", "as": None, "on": {"customer": "id"}, "kind": "left", "many": False}],
        }
    }
    assert prepared.recipe.tables["shop.report"].columns["full_name"] == "customers.full_name"
    [why] = [said for said in prepared.plan.warnings if "because" in said]
    assert why.startswith("shop.report: from: {join: {left: sales, with: [{source: customers, on: {customer: id}}]}}")
    assert "tier, customers does, and sales.customer names customers.id" in why
    assert why.endswith("all of the 29 values seen of it are there")
    result = shop.start("shop")
    assert result.tables["shop.report"].inserted == 59


@pytest.mark.parametrize("many", [60, 3_000])
def test_sources_of_many_records_are_joined_by_their_values_alone(shop: Shop, many: int) -> None:
    shop.sql(
        "CREATE TABLE shop.report (id bigint PRIMARY KEY, total numeric(10, 2) NOT NULL, full_name text NOT NULL,"
        " tier text NOT NULL)"
    )
    two_sources(shop, **{"shop.report": None})
    key = "V9{:06}".format
    rows = "".join(f"{key(n * 7)},Name {n},{'gold' if n % 2 else 'basic'}\n" for n in range(many))
    shop.drop_text("customers", "a.csv", f"id,full_name,tier\n{rows}")
    sales = [{**sale(n), "ship": key(n % many * 7), "lot": key(n * 7 + 1)} for n in range(1, 2 * many)]
    shop.drop("sales", "a", sales)
    prepared = shop.plan("shop")
    joined = prepared.recipe.tables["shop.report"].from_["join"]["with"]
    assert [one["on"] for one in joined] == [{"ship": "id"}]
    [why] = [said for said in prepared.plan.warnings if "because" in said]
    assert f"all of {min(many, 128)} values compared are there" in why or many > 128


def test_what_cannot_be_decided_is_told_where_the_table_stands(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.weather (station text PRIMARY KEY, humidity real NOT NULL, pressure real)")
    two_sources(shop, **{"shop.weather": None})
    with pytest.raises(SpecError) as caught:
        shop.plan("shop")
    assert "pipeline.yaml:16:3  'from' is missing: say which of the sources sales, customers feeds it" in str(
        caught.value
    )
    checked = shop.octopipe("check", "shop", "--json")
    assert checked.returncode == 2
    assert "'from' is missing" in json.loads(checked.stdout)["mistakes"][0]["message"]


def test_init_writes_the_list_that_feeds_a_table(shop: Shop) -> None:
    shop.sql(TABLES)
    shop.drop("orders", "a", [order(n, item("A", n), item("B", 2), placed=f"2026-03-{n:02d}") for n in range(1, 25)])
    tables = ("--table", "sales.purchase", "--table", "sales.purchase_item")
    made = shop.octopipe("init", "orders", "--source", "in/orders/*", "--destination", shop.url, *tables)
    assert made.returncode == 0, made.stderr
    assert "sales.purchase_item: from: {source: orders, each: items}, because" in made.stdout
    text = (shop.root / "pipelines/orders/pipeline.yaml").read_text()
    assert yaml.safe_load(text)["tables"] == {
        "sales.purchase": {"from": "orders"},
        "sales.purchase_item": {"from": {"source": "orders", "each": "items"}},
    }
    schema = shop.octopipe("schema", "orders", "--json")
    assert schema.returncode == 0, schema.stderr
    fields = json.loads(schema.stdout)["sources"]["orders.items"]["fields"]
    assert [field["name"] for field in fields] == ["sku", "qty", "price", "_index", "parent"]


def test_lineage_names_the_sources_fields(shop: Shop) -> None:
    from octo_assets.lineage import column_lineage

    orders_without_from(shop)
    lineage = column_lineage("orders", shop.plan("orders"), "sales.purchase_item")
    found = {
        column: [(dep.asset_key.path[-1], dep.column_name) for dep in deps]
        for column, deps in lineage.deps_by_column.items()
    }
    assert found == {
        "purchase_id": [("orders", "id")],
        **{column: [("orders", "items")] for column in ("line", "sku", "quantity", "price")},
    }


def test_two_members_of_a_field_are_one_source_of_a_column(shop: Shop) -> None:
    from octo_assets.lineage import column_lineage

    shop.sales_pipeline()
    sale = {
        "id": 1,
        "customer": 1,
        "total": "1.50",
        "state": "paid",
        "at": "2026-03-01T00:00:00Z",
        "email": "a@b.example",
    }
    shop.drop("sales", "a", [sale | {"who": {"name": f"n{n}", "home": f"h{n}"}} for n in range(3)])
    shop.land()
    prepared = shop.plan()
    recipe = prepared.recipe.tables["shop.sale"]
    two = recipe.model_copy(update={"columns": {"email": "concat(who.name, who.home)"}})
    whole = prepared.recipe.model_copy(update={"tables": {"shop.sale": two}})
    lineage = column_lineage("sales", replace(prepared, recipe=whole), "shop.sale")
    assert [dep.column_name for dep in lineage.deps_by_column["email"]] == ["who"]
