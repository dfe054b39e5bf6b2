"""A table that refers to another is made from the list whose elements feed it, also where one column is left over."""

from octo_core.catalog import ForeignKey
from octo_core.mapping.model import DOUBTFUL
from octo_core.mapping.origins import child_origin
from octo_core.mapping.proposal import propose_table
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import EachFrom
from octo_core.types import list_of, parse_type, record

from .build import catalog, column, field, proposed, table

ELEMENT = (
    field("quantity", "int32", "1", "2", "3"),
    field("unit_price", "decimal(18,2)", "1.50", "20.25", every=False),
    field("wording", "text", "Bolt", "Nut"),
)
KIND = record({one.name: one.type for one in ELEMENT})
LINES = Field(name="lines", type=list_of(KIND), children=(Field(name="[]", type=KIND, children=ELEMENT),))


def test_elements_that_feed_far_more_win_though_both_leave_a_column_without() -> None:
    source = SourceSchema(
        source="orders",
        fields=(field("order_no", "text", "A1", "A2", every=False), field("price", "decimal(18,2)", "9.50"), LINES),
        key=("order_no",),
        rows_examined=1000,
        complete=True,
    )
    order = table("purchase", column("order_no", "text", nullable=False), key=("order_no",))
    refers = ForeignKey(name="fk", columns=("order_no",), ref_table="public.purchase", ref_columns=("order_no",))
    item = table(
        "purchase_item",
        column("order_no", "text", nullable=False),
        column("line_no", "int32", nullable=False),
        column("barcode", "text", nullable=False),
        column("quantity", "int32"),
        column("unit_price", "decimal(10,2)"),
        key=("order_no", "line_no"),
        foreign_keys=(refers,),
    )
    found = child_origin(item, catalog(order, item), source)
    assert found is not None
    assert found.shape == EachFrom(source="orders", each="lines")
    assert child_origin(order, catalog(order, item), source) is None


def test_a_reference_is_the_record_s_key_and_an_element_s_own_id_its_table_s() -> None:
    customer = record({"id": parse_type("int64"), "email": parse_type("text")})
    parent = record({"id": parse_type("int64"), "customer": customer})
    identity = field("id", "int64", "70", "71", every=False)
    buyer = Field(name="customer", type=customer, children=(identity, field("email", "text", "a@b.example")))
    above = Field(name="parent", type=parent, children=(field("id", "int64", "5001", "5002", every=False), buyer))
    elements = SourceSchema(
        source="orders.lines",
        fields=(field("id", "int64", "9001", "9002"), field("quantity", "int32", "1", "2"), above),
        key=("parent.id", "_index"),
    )
    order = table("purchase", column("purchase_id", "int64", nullable=False), key=("purchase_id",))
    person = table("person", column("customer_id", "int64", nullable=False), key=("customer_id",))

    refers = ForeignKey(name="fk", columns=("purchase_id",), ref_table="public.purchase", ref_columns=("purchase_id",))
    numbered = table(
        "purchase_line",
        column("purchase_id", "int64", nullable=False),
        column("line_no", "int32", nullable=False),
        column("qty", "int32"),
        key=("purchase_id", "line_no"),
        foreign_keys=(refers,),
    )
    without = elements.model_copy(
        update={"fields": (*elements.fields[1:], Field(name="_index", type=parse_type("int32"), nullable=False))}
    )
    said = propose_table(without, numbered, catalog(order, numbered))
    expected = {"purchase_id": "parent.id", "line_no": "_index", "qty": "quantity"}
    assert {one.target: one.expr for one in said.columns} == expected

    def fed(parent_table: str, name: str) -> dict[str, str | None]:
        refers = ForeignKey(name="fk", columns=(name,), ref_table=f"public.{parent_table}", ref_columns=(name,))
        line = table(
            "line",
            column("line_id", "int64", nullable=False),
            column(name, "int64", nullable=False),
            column("qty", "int32"),
            key=("line_id",),
            foreign_keys=(refers,),
        )
        found = propose_table(elements, line, catalog(order, person, line))
        return {one.target: one.expr for one in found.columns}

    assert fed("purchase", "purchase_id") == {"line_id": "id", "purchase_id": "parent.id", "qty": "quantity"}
    assert fed("person", "customer_id") == {"line_id": "id", "customer_id": "parent.customer.id", "qty": "quantity"}


def test_a_list_of_records_is_no_text_of_its_own_name() -> None:
    parcel = (field("parcel_no", "text", "P1", "P2", every=False), field("weight", "int32", "5", "7"))
    kind = record({one.name: one.type for one in parcel})
    parcels = Field(name="parcels", type=list_of(kind), children=(Field(name="[]", type=kind, children=parcel),))
    source = SourceSchema(
        source="orders", fields=(field("order_no", "text", "A1", "A2", every=False), parcels), key=("order_no",)
    )
    order = table("sales_order", column("order_no", "text", nullable=False), key=("order_no",))
    refers = ForeignKey(name="fk", columns=("order_no",), ref_table="public.sales_order", ref_columns=("order_no",))
    child = table(
        "parcel",
        column("parcel_no", "text", nullable=False),
        column("order_no", "text", nullable=False),
        key=("parcel_no",),
        foreign_keys=(refers,),
    )
    found = child_origin(child, catalog(order, child), source)
    assert found is not None
    assert found.shape == EachFrom(source="orders", each="parcels")


def test_what_elements_share_feeds_what_is_their_own_less_surely() -> None:
    days = [f"2023-02-{n:02}" for n in range(1, 28)]
    above = record({"nr": parse_type("text"), "start_datum": parse_type("date")})
    parent = Field(
        name="parent", type=above, children=(field("nr", "text", "A", "B"), field("start_datum", "date", *days[:3]))
    )
    elements = SourceSchema(
        source="visits.steps",
        fields=(field("kind", "text", "x", "y"), field("gedaan_op", "date", *days), parent),
        key=("parent.nr", "_index"),
    )
    visit = table("visit", column("visit_nr", "text", nullable=False), key=("visit_nr",))
    refers = ForeignKey(name="fk", columns=("visit_nr",), ref_table="public.visit", ref_columns=("visit_nr",))
    step = table("step", column("visit_nr", "text"), column("done_date", "date"), foreign_keys=(refers,))
    (found,) = (one for one in propose_table(elements, step, catalog(visit, step)).columns if one.target == "done_date")

    assert found.expr == "gedaan_op" or found.confidence < 0.7


def test_a_list_of_values_is_a_child_table_and_not_a_text() -> None:
    tags = Field(
        name="tags",
        type=list_of(parse_type("text")),
        children=(field("[]", "text", "portrait", "sea"),),
    )
    source = SourceSchema(
        source="objects",
        fields=(field("accession", "text", "1900.1", "1901.7", every=False), tags),
        key=("accession",),
        rows_examined=1000,
        complete=True,
    )
    refers = ForeignKey(name="fk", columns=("accession_no",), ref_table="public.object", ref_columns=("accession_no",))
    owner = table("object", column("accession_no", "text", nullable=False), key=("accession_no",))
    tag = table(
        "object_tag",
        column("accession_no", "text", nullable=False),
        column("tag", "text", nullable=False),
        key=("accession_no", "tag"),
        foreign_keys=(refers,),
    )
    found = child_origin(tag, catalog(owner, tag), source)
    assert found is not None
    assert found.shape == EachFrom(source="objects", each="tags")
    (whole,) = proposed(source, table("note", column("tags", "text"))).columns
    assert whole.confidence < DOUBTFUL
