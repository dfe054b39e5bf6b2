"""Which sources are joined for a table that needs fields of several, and by what."""

import pytest

from octo_core.catalog import Column, Table
from octo_core.mapping.attribute import spelled as quoted
from octo_core.mapping.links import beside
from octo_core.mapping.origins import Origin, propose_origin, spelled
from octo_core.mapping.proposal import propose_table
from octo_core.relations import join_schema
from octo_core.schema import Field, FieldStats, SourceSchema
from octo_core.spec.shapes import JoinFrom
from octo_core.types import parse_type

from .build import catalog, column, field, schema, table


def numbers(name: str, kind: str, first: int, last: int) -> Field:
    """An integer of more values than are kept, between two ends; distinct in all rows."""
    stats = FieldStats(rows=1000, distinct=1000, min=str(first), max=str(last), examples=(str(first),))
    return Field(name=name, type=parse_type(kind), stats=stats)


def ids(first: int, count: int) -> tuple[str, ...]:
    return tuple(str(first + number) for number in range(count))


def origin(target: Table, *sources: SourceSchema) -> Origin:
    return propose_origin(target, catalog(target), {one.source: one for one in sources})


def made(target: Table, *sources: SourceSchema) -> str:
    found = origin(target, *sources)
    assert found.shape is not None, found.why
    return spelled(found.shape)


REPORT = table(
    "report",
    column("order_id", "int64", nullable=False),
    column("quantity", "int32", nullable=False),
    column("customer_name", "text", nullable=False),
    column("tier", "text", nullable=False),
    key=("order_id",),
)
QUANTITY = field("quantity", "int32", *ids(1, 9))


def customers(key: Field) -> SourceSchema:
    rows = (field("customer_name", "text", "Ana", "Bo", every=False), field("tier", "text", "gold", "basic"))
    return schema(key, *rows, name="customers", key=(key.name,))


def orders(*fields: Field) -> SourceSchema:
    return schema(numbers("order_id", "int64", 1, 5000), QUANTITY, *fields, name="orders", key=("order_id",))


def test_a_reference_is_told_by_its_name() -> None:
    there = customers(numbers("id", "int64", 1, 1000))
    for name in ("customer_id", "cust", "customerId", "client_no"):
        found = made(REPORT, orders(numbers(name, "int64", 3, 990)), there)
        assert found == f"{{join: {{left: orders, with: [{{source: customers, on: {{{name}: id}}}}]}}}}"


def test_where_no_name_says_it_values_do() -> None:
    there = customers(field("id", "int64", *ids(7001, 40)))
    assert "on: {buyer: id}" in made(REPORT, orders(field("buyer", "int64", *ids(7003, 20))), there)
    there = customers(field("code", "text", "AB", "CD", "EF", "GH"))
    assert "on: {who: code}" in made(REPORT, orders(field("who", "text", "AB", "EF", "GH")), there)


def test_small_numbers_that_happen_to_be_among_the_keys_are_no_reference() -> None:
    found = origin(REPORT, orders(), customers(field("id", "int64", *ids(1, 40))))
    assert found.shape is None or "join" not in spelled(found.shape)


def test_values_that_are_not_there_refute_a_name() -> None:
    found = origin(
        REPORT, orders(field("customer_id", "int64", *ids(900, 20))), customers(field("id", "int64", *ids(1, 40)))
    )
    assert found.shape is None or "join" not in spelled(found.shape)


def _wide(*more: Column) -> Table:
    return table("wide", *REPORT.columns, *more, key=("order_id",))


def test_three_sources_are_joined_to_the_one_that_refers_to_them() -> None:
    target = _wide(column("product_title", "text", nullable=False), column("list_price", "decimal(10,2)"))
    products = schema(
        field("sku", "text", "A1", "B2", "C3"),
        field("product_title", "text", "Ball", "Bat", "Net"),
        field("list_price", "decimal(10,2)", "1.50", "2.25"),
        name="products",
        key=("sku",),
    )
    left = orders(numbers("customer_id", "int64", 3, 990), field("sku", "text", "A1", "C3"))
    found = origin(target, products, left, customers(numbers("id", "int64", 1, 1000)))
    assert found.shape is not None
    steps = spelled(found.shape).removeprefix("{join: {left: orders, with: [").removesuffix("]}}").split("}}, {")
    on_customers, on_products = "source: customers, on: {customer_id: id", "source: products, on: {sku: sku"
    assert {step.strip("{}") for step in steps} == {on_customers, on_products}
    assert "customers does" in found.why
    assert "products does" in found.why


def test_a_source_called_like_a_field_gets_another_name() -> None:
    left = orders(numbers("customers", "int64", 3, 990))
    found = made(REPORT, left, customers(numbers("id", "int64", 1, 1000)))
    assert found == ("{join: {left: orders, with: [{source: customers, as: customers_record, on: {customers: id}}]}}")


def test_a_key_of_two_fields() -> None:
    there = schema(
        field("shop", "text", "N", "S"),
        field("day", "date", "2024-01-01", "2024-01-02"),
        field("weather", "text", "rain", "sun"),
        field("visitors", "int64", "10", "20"),
        name="days",
        key=("shop", "day"),
    )
    target = _wide(column("weather", "text", nullable=False), column("visitors", "int64", nullable=False))
    left = schema(
        numbers("order_id", "int64", 1, 5000), QUANTITY, field("customer_name", "text", "Ana", every=False),
        field("tier", "text", "gold"), field("shop", "text", "N", "S"), field("day", "date", "2024-01-02"),
        name="orders", key=("order_id",),
    )  # fmt: skip
    assert made(target, left, there) == ("{join: {left: orders, with: [{source: days, on: {shop: shop, day: day}}]}}")


def test_texts_that_are_written_otherwise_name_nothing() -> None:
    def coded(name: str, mask: str) -> Field:
        stats = FieldStats(rows=1000, distinct=1000, examples=("x",), masks=((mask, 1000),))
        return Field(name=name, type=parse_type("text"), stats=stats)

    assert "on: {customer: id}" in made(REPORT, orders(coded("customer", "AA-999")), customers(coded("id", "AA-99")))
    found = propose_origin(
        REPORT,
        catalog(REPORT),
        {"orders": orders(coded("customer", "AA-999")), "customers": customers(coded("id", "Aa 9"))},
    )
    assert not found.shape or "join" not in spelled(found.shape)


def test_a_guess_gives_way_to_the_very_field_of_a_source_that_is_named() -> None:
    target = table(
        "sale",
        column("order_id", "int64", nullable=False),
        column("quantity", "int32", nullable=False),
        column("product_name", "text", nullable=False),
        key=("order_id",),
    )
    codes = tuple(f"P-{number:03d}" for number in range(40))
    left = orders(field("product_code", "text", *codes))
    there = schema(
        field("product_code", "text", *codes), field("product_name", "text", "Tea", every=False), name="products"
    )
    there = there.model_copy(update={"key": ("product_code",)})
    assert "on: {product_code: product_code}" in made(target, left, there)
    assert "may not be what feeds product_name, products does" in origin(target, left, there).why


def test_sources_that_fit_equally_are_told_with_their_union() -> None:
    first = orders(field("customer_name", "text", "Ana", every=False), field("tier", "text", "gold"))
    second = first.model_copy(update={"source": "orders_2025"})
    found = origin(REPORT, first, second)
    assert found.shape is None
    assert "for the rows of both: {union: [orders, orders_2025]}" in found.why


def _asked(kind: str, name: str) -> Table:
    sold = column("order_id", "int64", nullable=False), column("quantity", "int32", nullable=False)
    return table("sale", *sold, column(name, kind), key=("order_id",))


NAMED_OTHERWISE = [
    ("product_id", "products", "product_id", "title", "product_title"),
    ("product_id", "products", "id", "name", "nameOfProduct"),
    ("productKey", "products", "productKey", "productName", "product name"),
    ("product_code", "products", "code", "description", "product_description"),
    ("artikelnr", "artikel", "artikelnr", "name", "artikelname"),
    ("cliente_id", "clientes", "id", "nombre", "nombre_cliente"),
    ("produit_code", "produits", "code", "libelle", "libelle_produit"),
    ("产品编号", "产品", "编号", "名称", "产品名称"),
    ("store_id", "stores", "store_id", "city", "store_city"),
]


@pytest.mark.parametrize("kind", ["int64", "text"])
@pytest.mark.parametrize(("reference", "source", "key", "name", "wanted"), NAMED_OTHERWISE)
def test_no_identifier_stands_for_a_name_that_a_joinable_source_has(
    kind: str, reference: str, source: str, key: str, name: str, wanted: str
) -> None:
    def coded(called: str) -> Field:
        stats = FieldStats(rows=1000, distinct=900, min="7001", max="7900", examples=("7003",), masks=(("9999", 9),))
        return Field(name=called, type=parse_type(kind), stats=stats)

    there = schema(coded(key), field(name, "text", "Ball", "Bat", "Net", every=False), name=source, key=(key,))
    target, left = _asked("text", wanted), orders(coded(reference))
    found = origin(target, left, there)
    assert isinstance(found.shape, JoinFrom), found.why
    joined = join_schema(found.shape, {left.source: left, there.source: there})
    made_of = propose_table(joined, target, catalog(target), shape=found.shape).column(wanted)
    assert made_of is not None
    assert made_of.expr == f"{quoted(source)}.{quoted(name)}"
    assert made_of.confidence > 0.75

    alone = propose_table(left, target, catalog(target)).column(wanted)
    assert alone is not None
    assert alone.expr is None or alone.confidence < 0.75


def test_an_identifier_goes_where_an_identifier_is_asked_for() -> None:
    code = field("product_code", "text", "P-1", "P-2", "P-3", every=False)
    there = schema(code, field("product_name", "text", "Tea", every=False), name="products", key=("product_code",))
    for name in ("product_id", "product_ref", "product"):
        assert made(_asked("text", name), orders(code), there) == "orders"
    target = table("sale", column("product_name", "text", "the product's code"))
    said = propose_table(orders(code), target, catalog(target)).columns[0]
    assert (said.expr, said.confidence > 0.75) == ("product_code", True)


def test_of_what_a_join_says_to_be_equal_the_left_field_is_taken() -> None:
    target = table("sale", *REPORT.columns, column("customer_id", "int64"), key=("order_id",))
    left, there = orders(numbers("customer_id", "int64", 3, 990)), customers(numbers("customer_id", "int64", 1, 1000))
    found = origin(target, left, there)
    assert isinstance(found.shape, JoinFrom)
    joined = join_schema(found.shape, {left.source: left, there.source: there})
    same = propose_table(joined, target, catalog(target), shape=found.shape).column("customer_id")
    assert same is not None
    assert same.expr == "customer_id"
    assert same.confidence > 0.75


CODES = tuple(f"{letter}{other}X" for letter in "ABCDE" for other in "FGHIJ")


def test_what_names_another_source_s_records_by_its_values_is_no_word_of_theirs() -> None:
    shops = schema(field("code", "text", *CODES), field("city", "text", "Oslo", "Rome", every=False), name="shops")
    shops = shops.model_copy(update={"key": ("code",)})
    left = orders(field("store", "text", *CODES[3:9]))
    assert "on: {store: code}" in made(_asked("text", "store_city"), left, shops)
    assert made(_asked("text", "store_code"), left, shops) == "orders"

    flights = schema(
        numbers("order_id", "int64", 1, 5000), QUANTITY, field("origin", "text", *CODES[:7]),
        field("dest", "text", *CODES[5:]), name="flights", key=("order_id",),
    )  # fmt: skip
    target = table(
        "flight", column("order_id", "int64", nullable=False), column("dest_city", "text"), key=("order_id",)
    )
    known = propose_table(flights, target, catalog(target), others=beside(flights, [shops])).column("dest_city")
    assert known is not None
    assert known.expr is None or known.confidence < 0.75  # two fields name shops: which join is meant, nothing says


def test_a_column_says_whose_field_it_wants_where_both_sources_have_one() -> None:
    days = tuple(f"2024-01-0{day}" for day in range(1, 9))
    left = orders(numbers("customer_id", "int64", 3, 990), field("created_on", "date", *days))
    there = customers(numbers("id", "int64", 1, 1000))
    there = there.model_copy(update={"fields": (*there.fields, field("created_on", "date", *days))})
    dates = column("created_on", "date"), column("customer_created_on", "date")
    target = table("sale", *_asked("text", "customer").columns, *dates, key=("order_id",))
    found = origin(target, left, there)
    assert isinstance(found.shape, JoinFrom), found.why
    joined = join_schema(found.shape, {left.source: left, there.source: there})
    said = {one.target: one for one in propose_table(joined, target, catalog(target), shape=found.shape).columns}
    assert said["created_on"].expr == "created_on"
    assert said["customer_created_on"].expr == "customers.created_on"
    assert said["customer"].expr != "customers"  # no whole record in a text
    assert min(said[one.name].confidence for one in dates) > 0.75


def test_no_field_is_two_columns_of_a_key() -> None:
    lines = schema(
        field("order_no", "int64", *ids(500, 30), every=False), field("pos", "int32", "1", "2", "3"),
        name="lines", key=("order_no", "pos"),
    )  # fmt: skip
    heads = schema(field("order_no", "int64", *ids(500, 40)), field("buyer", "text", "Ana", every=False), name="orders")
    heads = heads.model_copy(update={"key": ("order_no",)})
    both = column("order_no", "int64", nullable=False), column("line_no", "int32", nullable=False)
    target = table("line", *both, column("buyer", "text"), key=("order_no", "line_no"))
    assert "left: lines, with: [{source: orders, on: {order_no: order_no}}]" in made(target, lines, heads)
    alone = propose_table(heads, target, catalog(target))
    assert sum(one.expr == "order_no" for one in alone.columns) == 1
    numbered = propose_table(lines, target, catalog(target)).column("line_no")
    assert numbered is not None
    assert (numbered.expr, numbered.confidence < 0.75) == ("pos", True)


def test_a_bare_id_is_not_what_a_column_calls_by_another_source() -> None:
    people = customers(numbers("id", "int64", 1, 1000))
    bills = schema(numbers("invoice_id", "int64", 1, 5000), numbers("customer_id", "int64", 3, 990), name="invoices")
    bills = bills.model_copy(update={"key": ("invoice_id",)})
    wanted = column("customer_name", "text"), column("tier", "text")
    target = table("bill", column("invoice_id", "int64", nullable=False), *wanted, key=("invoice_id",))
    assert "left: invoices, with: [{source: customers, on: {customer_id: id}}]" in made(target, bills, people)
    said = propose_table(people, target, catalog(target), others=beside(people, [bills])).column("invoice_id")
    assert said is not None
    assert said.expr is None or said.confidence < 0.75
