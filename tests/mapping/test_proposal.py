"""Proposals beyond flights: people, orders, sensors, codes, nested fields, other scripts, hardly any evidence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octo_core.catalog import Column
from octo_core.errors import UsageError
from octo_core.expressions import assign, parse
from octo_core.inference import infer_column
from octo_core.mapping.model import DOUBTFUL
from octo_core.mapping.proposal import propose, propose_table
from octo_core.mapping.remembered import Remembered
from octo_core.schema import Field, FieldStats
from octo_core.types import parse_type

from .build import catalog, column, expressions, field, pipeline, proposed, schema, table, whole


def test_names_of_people_are_joined() -> None:
    source = schema(
        field("first_name", "text", "Ana", "Bo", every=False),
        field("last_name", "text", "Silva", "Chen", every=False),
        field("e_mail", "text", "a@x.org", every=False),
    )
    target = table("customer", column("full_name", "text", nullable=False), column("email", "text", max_length=254))
    assert expressions(proposed(source, target)) == {
        "full_name": "nullif(trim(concat(first_name, ' ', last_name)), '')",
        "email": "e_mail",
    }


def test_names_of_people_are_split() -> None:
    source = schema(field("customer_name", "text", "Ana Silva", "Bo de Chen", every=False), field("city", "text"))
    target = table("customer", column("first_name", "text"), column("last_name", "text"), column("town", "text"))
    found = proposed(source, target)
    assert expressions(found) == {
        "first_name": "split_part(customer_name, ' ', 1)",
        "last_name": "regexp_replace(customer_name, '^[^ ]+ +', '')",
        "town": "city",
    }


def test_orders_with_a_status_list_and_flags() -> None:
    source = schema(
        field("order_no", "int64", "1", "2", "3", every=False),
        field("state", "text", "N", "P", "S", "X"),
        field("gift", "text", "Y", "N"),
        field("total", "decimal(12,4)", "10.5000", "7.1234", every=False),
        field("placed", "timestamp", "2024-01-02 03:04:05", every=False),
    )
    target = table(
        "orders",
        column("order_id", "int64", "number of the order", nullable=False),
        column("status", "text", "state of the order", nullable=False),
        column("is_gift", "boolean"),
        column("total_amount", "decimal(12,2)"),
        column("placed_on", "date", "day on which it was placed"),
        key=("order_id",),
        checks=("((status)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying, "
                "'shipped'::character varying, 'cancelled'::character varying])::text[]))",),
    )  # fmt: skip
    found = proposed(source, target)
    assert expressions(found) == {
        "order_id": "order_no",
        "status": "map_values(state, 'N', 'new', 'P', 'paid', 'S', 'shipped', 'X', 'cancelled')",
        "is_gift": "parse_boolean(gift, 'Y|N')",
        "total_amount": "round(total, 2)",
        "placed_on": "date_of(placed)",
    }


def test_values_without_a_counterpart_are_named_and_make_it_doubtful() -> None:
    source = schema(field("status", "text", "active", "closed", "limbo"))
    target = table("account", column("status", "text", enum=("active", "closed", "frozen")))
    found = proposed(source, target).columns[0]
    assert found.expr == "map_values(status, 'active', 'active', 'closed', 'closed')"
    assert "'limbo'" in found.why
    assert found.confidence < 0.9


def test_sensors_in_fahrenheit() -> None:
    source = schema(
        field("sensor", "text", "s1", "s2"),
        field("temp_f", "float64", "71.3", "-4.0", every=False),
        field("wind_mph", "float64", "3.5", "12.25", every=False),
        field("ts", "int64", "1700000000", "1700003600", every=False),
    )
    target = table(
        "reading",
        column("sensor_id", "text", nullable=False),
        column("temperature", "float64", "air temperature in degrees Celsius"),
        column("wind_speed", "decimal(5,1)", "wind speed", unit="km/h"),
        column("read_at", "timestamptz", "moment of the reading"),
    )
    assert expressions(proposed(source, target)) == {
        "sensor_id": "sensor",
        "temperature": "(temp_f - 32) * 5 / 9",
        "wind_speed": "cast(wind_mph * 1.609344 as decimal(5,1))",
        "read_at": "from_epoch_s(ts)",
    }


def test_an_unknown_unit_is_doubted_also_where_the_value_is_rounded() -> None:
    source = schema(field("temp", "float64", "39.02", "71.25", every=False))
    found = proposed(source, table("reading", column("air_temp_c", "decimal(4,1)"))).columns[0]
    assert found.expr == "cast(temp as decimal(4,1))"
    assert "nothing says what unit the source has" in found.why
    assert found.confidence < 0.6


def test_nested_fields_are_named_by_path() -> None:
    address = Field(
        name="address",
        type=parse_type("record{city: text, zip: text}"),
        carrier="object",
        children=(field("city", "text", "Rome", every=False), field("zip", "text", "00100", every=False)),
    )
    source = schema(field("id", "int32", "1", "2"), address)
    target = table("person", column("id", "int32"), column("city", "text"), column("postal_code", "text"))
    found = proposed(source, target)
    assert expressions(found) == {"id": "id", "city": "address.city", "postal_code": "address.zip"}
    assert found.unmapped_source == ()


def test_odd_field_names_are_quoted() -> None:
    source = schema(
        field("Unit Price", "decimal(8,2)", "1.50"), field("产品名称", "text", "茶"), field("order", "int32", "1")
    )
    target = table("product", column("unit_price", "decimal(10,2)"), column("name", "text"), column("order", "int32"))
    assert expressions(proposed(source, target)) == {
        "unit_price": '"Unit Price"',
        "name": '"产品名称"',
        "order": "order",
    }


def test_a_destination_in_chinese_and_one_in_arabic() -> None:
    source = schema(field("name", "text", "tea"), field("price", "decimal(8,2)", "2.50"), field("city", "text", "x"))
    chinese = table("t", column("价格", "decimal(8,2)"), column("名称", "text"), column("城市", "text"))
    assert expressions(proposed(source, chinese)) == {"价格": "price", "名称": "name", "城市": "city"}
    arabic = table("t", column("سعر", "decimal(8,2)"), column("اسم", "text"), column("مدينة", "text"))
    assert expressions(proposed(source, arabic)) == {"سعر": "price", "اسم": "name", "مدينة": "city"}


def test_numbered_columns_are_told_by_their_values() -> None:
    source = schema(
        field("c1", "text", "ES", "FR", "PT"),
        field("c2", "timestamptz", "2024-01-01T00:00:00Z", every=False),
        field("c3", "text", "gold", "silver"),
        *(field(f"c{number}", "float64", "0.5", "0.25", every=False) for number in range(4, 100)),
    )
    target = table(
        "account",
        column("country", "text", max_length=2),
        column("opened_at", "timestamptz"),
        column("tier", "text", enum=("gold", "silver", "bronze")),
        column("note", "text"),
    )
    found = proposed(source, target, {"country": ("FR", "DE", "ES", "IT")})
    assert expressions(found) == {"country": "c1", "opened_at": "c2", "tier": "c3", "note": None}


def test_equal_evidence_is_doubtful_and_names_the_other() -> None:
    source = schema(field("phone_x", "text", "1"), field("phone_y", "text", "2"))
    found = proposed(source, table("person", column("phone", "text"))).columns[0]
    other = {"phone_x": "phone_y", "phone_y": "phone_x"}[str(found.expr)]
    assert found.confidence < 0.7
    assert other in found.why
    assert [one.expr for one in found.alternatives] == [other]


def test_a_field_that_fits_two_columns_is_doubtful_and_names_the_other() -> None:
    source = schema(field("phone", "text", "1"))
    found = proposed(source, table("person", column("phone_x", "text"), column("phone_y", "text")))
    fed = [one for one in found.columns if one.expr is not None]
    assert fed
    for one in fed:
        other = {"phone_x": "phone_y", "phone_y": "phone_x"}[one.target]
        assert one.confidence < 0.7
        assert f"phone fits {other} as well" in one.why


def test_a_field_that_feeds_a_code_and_a_name_is_no_tie() -> None:
    source = schema(field("country", "text", "Germany", "France", semantic="country"))
    target = table("t", column("country_code", "text", max_length=2), column("country_name", "text"))
    assert not any("as well" in one.why for one in proposed(source, target).columns)


def test_doubtful_columns_are_warned_of() -> None:
    source = schema(field("phone_x", "text", "1"), field("phone_y", "text", "2"))
    found = whole(source, catalog(table("person", column("phone", "text"))))
    assert found.warnings == ("public.person: doubtful, look at them first: phone",)


def test_a_text_too_long_for_its_column_is_doubtful() -> None:
    source = schema(field("city", "text", "Llanfairpwllgwyngyll", "Rome", every=False))
    found = proposed(source, table("place", column("city", "text", max_length=10))).columns[0]
    assert found.expr == "city"
    assert found.confidence < 0.7
    assert [one.expr for one in found.alternatives] == ["left(city, 10)"]


def test_decimals_are_told_by_masks_where_no_example_has_them() -> None:
    stats = FieldStats(rows=900, examples=("38.5",), max_length=18, masks=(("99.999999", 800), ("99.99+", 100)))
    source = schema(Field(name="lat", type=parse_type("float64"), stats=stats))
    found = proposed(source, table("place", column("latitude", "decimal(9,6)"))).columns[0]
    assert found.expr == "cast(lat as decimal(9,6))"
    assert "up to 15 decimals are seen, rounded to 6 decimals" in found.why


@pytest.mark.parametrize("name", ["loaded_at", "etl_loaded_at", "inserted_at", "_loaded_at", "load_ts"])
def test_audit_columns_are_filled_by_the_load(name: str) -> None:
    found = proposed(schema(field("a", "int32", "1")), table("t", column(name, "timestamptz", nullable=False)))
    assert expressions(found) == {name: "load_time()"}


def test_what_the_destination_fills_is_left_to_it() -> None:
    target = table(
        "t",
        column("id", "int64", identity="always", nullable=False),
        column("doubled", "int64", generated="(a * 2)"),
        column("created", "timestamptz", default="now()", nullable=False),
        column("a", "int32"),
    )
    found = proposed(schema(field("a", "int32", "1")), target)
    assert expressions(found) == {"id": None, "doubled": None, "created": None, "a": "a"}
    assert "now()" in next(one.why for one in found.columns if one.target == "created")


def test_one_column_and_no_column() -> None:
    assert expressions(proposed(schema(field("x", "int32", "1")), table("t", column("x", "int32")))) == {"x": "x"}
    assert expressions(proposed(schema(), table("t", column("x", "int32")))) == {"x": None}


def test_a_thousand_columns() -> None:
    """Five thousand are matched in test_matching."""
    columns = [column(f"metric_{number:04d}", "float64") for number in range(999)]
    found = proposed(schema(field("e_mail", "text", "a@b.org")), table("wide", *columns, column("email", "text")))
    assert {name: expr for name, expr in expressions(found).items() if expr} == {"email": "e_mail"}


def test_a_source_without_a_schema_is_named() -> None:
    with pytest.raises(UsageError, match="no schema of the source 'things'"):
        propose({}, catalog(table("t", column("x", "int32"))), pipeline("things", "public.t"))


_KINDS = (
    "int32",
    "int64",
    "decimal(12,4)",
    "float64",
    "text",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "json",
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_KINDS), st.sampled_from([*_KINDS, "decimal(6,1)", "int16"]))
def test_whatever_is_proposed_can_be_assigned(left: str, right: str) -> None:
    source = schema(Field(name="thing", type=parse_type(left), carrier="typed"))
    target = column("thing", right)
    for one in proposed(source, table("t", target)).columns:
        if one.expr is not None:
            assign(parse(one.expr, source), target)
        for other in one.alternatives:
            assign(parse(other.expr, source), target)


@pytest.mark.parametrize(
    ("wanted", "checks", "expected", "sure"),
    [
        (column("discount", "decimal(5,4)", "as a fraction of the price"), (), "round(discount / 100, 4)", True),
        (column("discount_ratio", "decimal(5,4)"), (), "round(discount / 100, 4)", True),
        (column("discount", "float64"), ("discount >= 0 AND discount <= 1",), "discount / 100", False),
        (column("discount", "decimal(5,4)"), (), "round(discount / 100, 4)", False),
        (column("discount", "decimal(5,2)", "in percent"), (), "discount", True),
        (column("discount", "decimal(5,2)"), (), "discount", True),
    ],
)
def test_percents_go_to_what_the_column_counts_in(
    wanted: Column, checks: tuple[str, ...], expected: str, sure: bool
) -> None:
    source = schema(field("discount", "decimal(18,2)", "10", "20", format="1234.56%", unit="percent"))
    found = proposed(source, table("sale", wanted, checks=checks)).columns[0]
    assert found.expr == expected
    assert (found.confidence >= 0.7) is sure


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        (field("rate", "float64", "0.1", "0.25"), column("rate_pct", "float64"), "rate * 100"),
        (field("rate", "float64", "12.5", "50"), column("rate", "float64", "rate", unit="ratio"), "rate / 100"),
        (field("price_cents", "int64", "1250", "599"), column("price", "decimal(10,2)"), "round(price_cents / 100, 2)"),
        (field("sales", "int64", "9000", "7000"), column("sales", "float64", "sales, in thousands"), "sales / 1000"),
        (field("sales_thousands", "int64", "9", "7"), column("sales", "float64"), "sales_thousands * 1000"),
    ],
)
def test_shares_and_scales_that_one_side_says_are_converted_and_doubtful(
    source: Field, wanted: Column, expected: str
) -> None:
    found = proposed(schema(source), table("t", wanted)).columns[0]
    assert found.expr == expected
    assert found.confidence < 0.7


def whole_name(name: str, *masks: tuple[str, int]) -> Field:
    """People's names as a stored schema has them: without values."""
    stats = FieldStats(rows=100, distinct=99, min_length=5, max_length=20, masks=masks)
    return Field(name=name, type=parse_type("text"), pii=True, semantic="person_name", stats=stats)


def test_a_whole_name_feeds_its_own_column_and_its_parts() -> None:
    source = schema(whole_name("name", ("Aaa Aaaa", 60), ("Aaa aa Aaaaa", 40)))
    target = table("person", column("name", "text"), column("first_name", "text"), column("last_name", "text"))
    assert expressions(proposed(source, target)) == {
        "name": "name",
        "first_name": "split_part(name, ' ', 1)",
        "last_name": "regexp_replace(name, '^[^ ]+ +', '')",
    }


def test_names_with_a_comma_are_split_there() -> None:
    source = schema(whole_name("name", ("Aaaa, Aaa", 60), ("Aaaaa, Aaa", 40)))
    target = table("person", column("first_name", "text"), column("last_name", "text"))
    assert expressions(proposed(source, target)) == {
        "first_name": "split_part(name, ', ', 2)",
        "last_name": "split_part(name, ',', 1)",
    }


@pytest.mark.parametrize(
    ("source", "seconds"),
    [
        (field("elapsed", "int64", "5", "9", unit="us"), "round(elapsed / 1000000, 6)"),
        (field("elapsed_minutes", "int64", "5", "9"), "elapsed_minutes * 60"),
        (field("elapsed_hours", "float64", "1.5", "2"), "cast(elapsed_hours * 3600 as decimal(18, 6))"),
        (field("elapsed_s", "decimal(10,3)", "1.500"), "round(elapsed_s, 6)"),
    ],
)
def test_numbers_of_a_unit_of_time_become_intervals(source: Field, seconds: str) -> None:
    found = proposed(schema(source), table("t", column("elapsed", "interval"))).columns[0]
    sign = f"case when {source.name} < 0 then '-PT' else 'PT' end"
    assert found.expr == f"parse_interval({sign} || cast(abs({seconds}) as text) || 'S', 'iso')"


@pytest.mark.parametrize(
    ("values", "nullable", "expected"),
    [
        (("oak", "ash", "NA"), True, "nullif(analyte, 'NA')"),
        (("oak", "ash", "NA"), False, "analyte"),  # a null there would set the row aside
        (("GLU", "TSH", "K", "NA"), True, "analyte"),  # sodium among other codes
    ],
)
def test_na_becomes_null_where_it_is_no_value(values: tuple[str, ...], nullable: bool, expected: str) -> None:
    target = table("result", column("analyte", "text", nullable=nullable))
    assert expressions(proposed(schema(field("analyte", "text", *values)), target)) == {"analyte": expected}


def test_what_cannot_be_converted_says_so() -> None:
    found = proposed(schema(field("thumb", "text", "AAEC")), table("item", column("thumb", "bytes")))
    (said,) = found.columns
    assert said.expr is None
    assert "the nearest, thumb, cannot be made bytes" in said.why


def test_whole_names_under_a_word_for_a_person_are_split() -> None:
    target = table("loan", column("borrower_first", "text"), column("borrower_last", "text"))
    found = expressions(proposed(schema(field("Borrower", "text", "Smith, Bo", "Jones, Al")), target))
    assert found == {"borrower_first": "split_part(Borrower, ', ', 2)", "borrower_last": "split_part(Borrower, ',', 1)"}


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("WIND_MPH", "wind_speed_ms", "round(WIND_MPH * 0.44704, 1)"),
        ("latency_s", "latency_ms", "round(latency_s * 1000, 1)"),
        ("Fine (p)", "fine_gbp", 'round("Fine (p)" / 100, 1)'),
    ],
)
def test_units_of_one_name_are_told_by_the_other_side(name: str, asked: str, expected: str) -> None:
    target = table("reading", column(asked, "decimal(9,1)"))
    assert expressions(proposed(schema(field(name, "decimal(9,2)", "12.25")), target)) == {asked: expected}


def test_first_and_last_names_of_their_own_are_not_joined_for_what_is_no_person() -> None:
    source = schema(field("Vorname", "text"), field("Nachname", "text"), field("Klasse", "text", "5b", "6b"))
    names = (column("given_name", "text", nullable=False), column("surname", "text", nullable=False))
    found = proposed(source, table("report", *names, column("class_name", "text")))
    assert [one.expr for one in found.columns] == ["Vorname", "Nachname", "Klasse"]


def test_names_are_joined_for_whom_both_are_called() -> None:
    source = schema(field("ClmtForename", "text"), field("ClmtSurname", "text"))
    found = proposed(source, table("claim", column("claimant_name", "text", nullable=False)))
    assert found.columns[0].expr == "nullif(trim(concat(ClmtForename, ' ', ClmtSurname)), '')"


def test_the_table_s_own_reference_is_its_number() -> None:
    source = schema(field("ClaimRef", "text"), field("PolNo", "text"), key=("ClaimRef",))
    target = table("claim", column("claim_number", "text"), column("policy_id", "text"), key=("claim_number",))
    assert [one.expr for one in proposed(source, target).columns] == ["ClaimRef", "PolNo"]


def test_initials_and_words_without_vowels() -> None:
    source = schema(field("vin", "text"), field("Shpr", "text"), field("DOM", "int16", "1", "9"), field("x", "text"))
    target = table(
        "sale",
        column("vehicle_identification_number", "text"),
        column("shipper_name", "text"),
        column("days_on_market", "int32"),
        column("remark", "text"),
    )
    assert [one.expr for one in proposed(source, target).columns][:3] == ["vin", "Shpr", "DOM"]


def test_a_number_is_doubtful_as_a_word_and_a_code_as_a_name() -> None:
    source = schema(field("store", "int16", "1", "2"), field("product_code", "text", "AB-1", "AB-2"))
    target = table("sale", column("store_city", "text"), column("product_name", "text"), column("store_no", "text"))
    found = {one.target: one for one in proposed(source, target).columns}
    assert all(found[name].expr is None or found[name].confidence < 0.8 for name in ("store_city", "product_name"))
    assert found["store_no"].expr == "store"


def test_a_date_and_a_time_of_day_make_a_timestamp() -> None:
    source = schema(field("datum", "date"), field("uhrzeit", "time"), field("bon", "int64", "1", "900"))
    target = table("receipt", column("receipt_no", "int64"), column("sold_at", "timestamp", nullable=False))
    parts = "year(datum), month(datum), day(datum), hour(uhrzeit), minute(uhrzeit), second(uhrzeit)"
    assert [one.expr for one in proposed(source, target).columns] == ["bon", f"make_timestamp({parts})"]


def test_what_repeats_is_no_sure_guess_for_a_key() -> None:
    lessons = field("lesson_no", "int32", *map(str, range(1, 8)))
    (key,) = proposed(schema(lessons), table("lesson", column("lesson_no", "int32"), key=("lesson_no",))).columns
    assert (key.expr, key.confidence < DOUBTFUL) == ("lesson_no", True)
    (free,) = proposed(schema(lessons), table("lesson", column("lesson_no", "int32"))).columns
    assert free.confidence > DOUBTFUL


def test_a_date_and_a_time_of_one_record_make_a_timestamp_beside_days_of_birth() -> None:
    born = field("animal", "record{nascimento:date}", children=(field("nascimento", "date"),))
    other = field("tutor_nascido", "date", semantic="birth_date", pii=True)
    source = schema(field("data_consulta", "date"), field("hora", "time"), born, other)
    (visited,) = proposed(source, table("visit", column("visited_at", "timestamp", nullable=False))).columns
    assert visited.expr is not None
    assert visited.expr.startswith("make_timestamp(year(data_consulta), ")
    several = schema(field("aberto", "date"), field("fechado", "date"), field("hora", "time"))
    (none,) = proposed(several, table("visit", column("visited_at", "timestamp", nullable=False))).columns
    assert none.expr is None or "make_timestamp" not in none.expr


def test_dates_and_times_are_paired_by_what_they_are_called_for() -> None:
    fields = [field(f"{of}_{what}", what) for of in ("pickup", "delivery") for what in ("date", "time")]
    target = table("trip", column("pickup_at", "timestamp"), column("delivered_at", "timestamp"))
    found = [one.expr or "" for one in proposed(schema(*fields), target).columns]
    for place, of in enumerate(("pickup", "delivery")):
        assert f"year({of}_date)" in found[place]
        assert f"hour({of}_time)" in found[place]


def test_words_that_look_alike_and_mean_something_else() -> None:
    source = schema(
        field("storno", "text", "0", "1"),
        field("filiale", "int16", "1", "9"),
        field("ins_val_ct", "int32", "100", "990"),
    )
    target = table("sale", column("store_no", "int32"), column("insured_value_eur", "decimal(10,2)"))
    assert [one.expr for one in proposed(source, target).columns] == ["filiale", "round(ins_val_ct / 100, 2)"]


def test_whole_names_are_split_where_columns_ask_for_the_parts_of_just_that_field() -> None:
    source = schema(
        field("White", "text", "Okoye, Ada", "Brandt, Finn"),
        field("Black", "text", "Varga, Cora", "Quill, Dino"),
        field("Opening", "text", "Sicilian Defence", "Ruy Lopez"),
    )
    names = ("white_first", "white_last", "black_first_name", "black_last_name", "opening")
    found = expressions(proposed(source, table("game", *(column(name, "text") for name in names))))
    assert found == {
        "white_first": "split_part(White, ', ', 2)",
        "white_last": "split_part(White, ',', 1)",
        "black_first_name": "split_part(Black, ', ', 2)",
        "black_last_name": "split_part(Black, ',', 1)",
        "opening": "Opening",
    }


def test_a_field_without_two_words_is_not_split() -> None:
    target = table("run", column("heat_first", "int32"), column("heat_last", "int32"), column("heat", "text"))
    found = expressions(proposed(schema(field("heat", "text", "A", "B"), field("x", "int32", "1", "2")), target))
    assert found["heat"] == "heat"
    assert "split_part" not in str(found)


def test_names_that_have_but_a_number_in_common_are_never_sure() -> None:
    source = schema(*(field(f"c{n}", "int32", str(n), str(n + 40)) for n in range(1, 20)), field("address1", "text"))
    target = table("thing", column("a1", "int32"), column("c2", "int32"), column("addr1", "text"))
    found = {one.target: one for one in proposed(source, target).columns}
    assert (found["a1"].expr or "c1") == "c1"
    assert found["a1"].expr is None or found["a1"].confidence <= 0.55
    assert (found["c2"].expr, found["addr1"].expr) == ("c2", "address1")
    assert min(found["c2"].confidence, found["addr1"].confidence) > 0.7


def test_a_title_is_the_name_of_a_thing_and_of_no_person() -> None:
    source = schema(field("title", "text", "Method of x", "Thing for y"))
    names = ("full_name", "author_name", "name")
    found = {name: expressions(proposed(source, table("work", column(name, "text")))).get(name) for name in names}
    assert found == {"full_name": None, "author_name": None, "name": "title"}


def test_what_identifies_a_record_goes_before_what_repeats() -> None:
    codes = [f"R{number:05}" for number in range(9)]
    source = schema(
        seen("acc_no", "int32", 160, "101", "102", "231"), seen("bok_no", "text", 1000, *codes), key=("bok_no",)
    )
    columns = column("account_book_no", "text", nullable=False), column("shelf_no", "text")
    found = expressions(proposed(source, table("book", *columns, key=("account_book_no",))))
    assert found["account_book_no"] == "bok_no"


def seen(name: str, kind: str, distinct: int, *examples: str) -> Field:
    """A field of which is known how many of its thousand values are distinct."""
    stats = FieldStats(rows=1000, distinct=distinct, distinct_exact=True, examples=examples)
    return Field(name=name, type=parse_type(kind), stats=stats)


def test_a_column_of_a_type_made_there_is_doubtful() -> None:
    city = field("city", "text", "Oslo", "Rome")
    source = schema(city, field("host", "text", "10.0.0.1", "10.0.0.2"))
    own = column("city", "text", native="shop.address")
    found = proposed(source, table("stop", own, column("host", "text", native="inet")))
    assert expressions(found) == {"city": "city", "host": "host"}
    assert [one.confidence < DOUBTFUL for one in found.columns] == [True, False]
    assert "shop.address is a type made there" in found.columns[0].why
    (enum,) = proposed(source, table("stop", column("city", "text", native="town", enum=("Oslo", "Rome")))).columns
    assert enum.confidence > DOUBTFUL


@pytest.mark.parametrize(
    ("fields", "name", "table_name", "doubtful"),
    [
        (("tax_rate", "tax_amount"), "tax", "invoice", True),
        (("list_price", "sale_price"), "price", "invoice", True),
        (("order_date", "ship_date"), "date", "invoice", True),
        (("order_date", "note"), "date", "invoice", False),  # there is no other
        (("list_price", "sale_price"), "price", "sale", False),  # the table says which
        (("net_price", "price"), "price", "invoice", False),  # one says no more than the column
    ],
)
def test_fields_that_each_say_more_than_the_column_are_doubtful(
    fields: tuple[str, ...], name: str, table_name: str, doubtful: bool
) -> None:
    source = schema(field("id", "int64", "1", "2"), *(field(one, "int64", "100", "230") for one in fields), key=("id",))
    target = table(table_name, column("id", "int64", nullable=False), column(name, "int64"), key=("id",))
    found = proposed(source, target).columns[1]
    assert found.expr in fields
    assert (found.confidence < DOUBTFUL) is doubtful
    assert ("fits as well" in found.why) is doubtful


def test_what_the_table_tells_apart_elsewhere_is_no_answer_where_it_does_not() -> None:
    places = [
        field(f"{whose}_{what}", "text", f"{whose}{what}") for whose in ("ship", "bill") for what in ("city", "zip")
    ]
    target = table("stop", *(column(name, "text") for name in ("city", "shipping_zip", "billing_zip")))
    city, *zips = proposed(schema(*places), target).columns
    assert city.confidence < DOUBTFUL
    assert {one.expr for one in zips} == {"ship_zip", "bill_zip"}
    assert all(one.confidence > DOUBTFUL for one in zips)


def test_a_sentence_of_facts_says_nothing_of_what_a_field_is() -> None:
    rows = [("t1", ["1.5", "2.5", "7.25"]), ("middle", ["a", "bb", "a"]), ("cust_nm", ["Ana", "Bo", "Ana"])]
    source = schema(*(infer_column(values, name) for name, values in rows))
    names = ("distinct_value", "character", "text", "customer_name")
    found = proposed(source, table("measure", *(column(name, "text") for name in names)))
    assert expressions(found) == {"distinct_value": None, "character": None, "text": None, "customer_name": "cust_nm"}
    assert "description" not in found.columns[-1].why
    said = source.model_copy(
        update={"fields": (source.fields[0].model_copy(update={"description": "Text of the page"}), *source.fields[1:])}
    )
    again = proposed(said, table("measure", column("page_text", "text"))).columns[0]
    assert (again.expr, "its description says it" in again.why) == ("t1", True)


def test_a_whole_name_is_asked_for_and_no_part_of_it() -> None:
    parts = (
        field("first_name", "text", "Ana", "Bo", every=False),
        field("last_name", "text", "Lee", "Diaz", every=False),
    )
    found = proposed(schema(*parts), table("sale", column("customer_name", "text"), column("amount", "int64")))
    assert expressions(found)["customer_name"] == "nullif(trim(concat(first_name, ' ', last_name)), '')"


@pytest.mark.parametrize(
    ("name", "kind", "values", "wanted", "expr"),
    [
        ("inactive", "boolean", ("true", "false"), "active", "not inactive"),
        ("is_active", "boolean", ("true", "false"), "inactive", "not is_active"),
        ("not_valid", "boolean", ("true", "false"), "valid", "not not_valid"),
        ("no_show", "boolean", ("true", "false"), "show", "not no_show"),
        ("opt_out", "boolean", ("true", "false"), "opt_in", "not opt_out"),
        ("aktiv", "boolean", ("true", "false"), "inactive", "not aktiv"),
        ("unsubscribed", "text", ("Y", "N"), "subscribed", "parse_boolean(unsubscribed, 'N|Y')"),
    ],
)
def test_what_says_the_opposite_is_turned_round_and_doubtful(
    name: str, kind: str, values: tuple[str, ...], wanted: str, expr: str
) -> None:
    source = schema(field("id", "int64", "1", "2"), field(name, kind, *values), key=("id",))
    target = table("member", column("id", "int64", nullable=False), column(wanted, "boolean"), key=("id",))
    found = proposed(source, target).columns[1]
    assert found.expr == expr
    assert found.confidence < DOUBTFUL
    assert "turned round" in found.why


@pytest.mark.parametrize(
    ("name", "wanted", "said"),
    [
        ("price_gross", "price_net", "gross is the opposite of net"),
        ("amount_incl_vat", "amount_excl_vat", "incl is the opposite of excl"),
        ("price_usd", "price_eur", "the column is in EUR but the source in USD"),
        ("qty_ordered", "qty_delivered", "ordered is the opposite of delivered"),
    ],
)
def test_other_amounts_under_names_that_are_alike_are_doubtful(name: str, wanted: str, said: str) -> None:
    found = proposed(
        schema(field(name, "decimal(10,2)", "1.50", "20.25")), table("sale", column(wanted, "decimal(10,2)"))
    )
    (one,) = found.columns
    assert one.expr is None or (one.confidence < DOUBTFUL and said in one.why)


@pytest.mark.parametrize(
    ("name", "wanted"), [("items_no", "no_items"), ("price_eur", "price_euro"), ("gross", "gross")]
)
def test_names_that_say_no_opposite_are_not_doubted(name: str, wanted: str) -> None:
    (one,) = proposed(schema(field(name, "int64", "3", "250")), table("sale", column(wanted, "int64"))).columns
    assert (one.expr, one.confidence > DOUBTFUL) == (name, True)


def test_a_person_s_whole_name_in_another_language_is_split() -> None:
    whole = field("Kunde", "text", "Weber, Anna", "von der Au, Eva")
    target = table("person", column("first_name", "text"), column("last_name", "text"))
    assert expressions(proposed(schema(whole), target)) == {
        "first_name": "split_part(Kunde, ', ', 2)",
        "last_name": "split_part(Kunde, ',', 1)",
    }


@pytest.mark.parametrize(
    ("name", "values", "wanted", "expr"),
    [
        ("paid", ("paid", "unpaid"), "is_paid", "parse_boolean(paid, 'paid|unpaid')"),
        ("test_result", ("fail", "pass"), "test_failed", "parse_boolean(test_result, 'fail|pass')"),
        ("enabled_state", ("disabled", "enabled"), "is_enabled", "parse_boolean(enabled_state, 'enabled|disabled')"),
    ],
)
def test_a_value_that_the_column_asks_for_and_its_opposite_are_a_boolean(
    name: str, values: tuple[str, ...], wanted: str, expr: str
) -> None:
    source = schema(field("id", "int64", "1", "2"), field(name, "text", *values), key=("id",))
    target = table("sale", column("id", "int64", nullable=False), column(wanted, "boolean"), key=("id",))
    assert expressions(proposed(source, target))[wanted] == expr


def test_the_parts_of_a_name_that_were_approved_are_proposed_again() -> None:
    names = [f"{last} {first}" for last in ("MILLER", "WEBER", "ROSSI") for first in ("Noah", "Ines", "Anna", "Luis")]
    source = schema(
        field("booking_no", "text", "R1", "R2", every=False), field("client", "text", *names, every=False), name="stays"
    )
    there = table("stay", column("booking_no", "text"), column("first_name", "text"), column("last_name", "text"))
    approved = {"first_name": "split_part(client, ' ', 2)", "last_name": "split_part(client, ' ', 1)"}
    before = [Remembered("client", name, source="stays", expr=expr) for name, expr in approved.items()]
    found = propose_table(source, there, catalog(there), before)
    assert {name: expressions(found)[name] for name in approved} == approved
    assert all(one.confidence > DOUBTFUL for one in found.columns)
    assert found.columns[1].why == "written as it was approved before"


def test_a_field_of_two_things_is_no_sure_one_of_them() -> None:
    source = schema(field("Zip/City", "text", "14461 Hamburg", "20095 Bad Segeberg", every=False))
    (mapped,) = proposed(source, table("member", column("postcode", "text"))).columns
    assert mapped.expr is None or mapped.confidence < DOUBTFUL


@pytest.mark.parametrize(
    ("values", "name", "said"),
    [
        (["03/04/2021", "05/06/2021", "07/08/2020"], "ordered_on", "its days and months fit %m/%d/%Y as well"),
        (["03.09.56", "25.12.71", "31.01.99"], "birth_date", "00 to 68 are read as 2000 to 2068"),
    ],
)
def test_dates_that_may_have_been_read_as_others_are_doubtful(values: list[str], name: str, said: str) -> None:
    source = schema(infer_column(values * 9, name))
    (mapped,) = proposed(source, table("parcel", column(name, "date"))).columns
    assert mapped.expr == name
    assert mapped.confidence < DOUBTFUL
    assert said in mapped.why


def test_names_that_differ_in_their_numbers_alone_are_doubtful_until_approved() -> None:
    source = schema(field("address_1", "text", "Elm Street 4", "Oak Lane 7", every=False), name="people")
    there = table("person", column("address_2", "text"))
    (mapped,) = proposed(source, there).columns
    assert mapped.expr is None or mapped.confidence < DOUBTFUL
    before = [Remembered("address_1", "address_2", source="people", expr="address_1")]
    (mapped,) = propose_table(source, there, catalog(there), before).columns
    assert (mapped.expr, mapped.confidence > DOUBTFUL) == ("address_1", True)
