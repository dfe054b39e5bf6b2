"""Units are recognised where they are said, and converted by exact factors."""

from decimal import Decimal

import pytest

from octo_core.catalog import Column
from octo_core.inference.names import unit_of
from octo_core.mapping import units
from octo_core.mapping.model import DOUBTFUL
from tests.mapping.build import column, expressions, field, proposed, schema, table


def one(text: str) -> units.Unit:
    (found,) = units.named(text)
    return found


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("miles", "km", "x * 1.609344"),
        ("km", "m", "x * 1000"),
        ("m", "km", "x / 1000"),
        ("ft", "m", "x * 0.3048"),
        ("fahrenheit", "celsius", "(x - 32) * 5 / 9"),
        ("celsius", "fahrenheit", "x * 9 / 5 + 32"),
        ("celsius", "kelvin", "x + 273.15"),
        ("lb", "kg", "x * 0.45359237"),
        ("l_min", "m3/h", "x * 0.06"),
        ("percent", "ratio", "x / 100"),
        ("minutes", "hours", "x / 60"),
        ("knots", "kmh", "x * 1.852"),
        ("hpa", "pa", "x * 100"),
        ("cl", "ml", "x * 10"),
        ("hl", "l", "x * 100"),
    ],
)
def test_formula(source: str, target: str, expected: str) -> None:
    assert units.formula("x", one(source), one(target)) == expected


def test_there_and_back_is_the_same_number() -> None:
    for source, target in (("mile", "km"), ("oz", "g"), ("psi", "bar"), ("mph", "kmh"), ("gallon", "l")):
        left, right = one(source), one(target)
        there = units.formula("x", left, right)
        number = Decimal(there.split()[2]) if "*" in there else 1 / Decimal(there.split()[2])
        assert abs(number * right.factor / left.factor - 1) < Decimal("1e-11"), there


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Altitude above sea level, in metres", "metre"),
        ("Minutes late at departure, negative when early", "minute"),
        ("distance (km)", "kilometre"),
        ("flow in cubic metres per hour", "cubic metre per hour"),
        ("speed in metres per second", "metre per second"),
        ("top speed, in kilometres per hour", "kilometre per hour"),
        ("yield in kilograms per hectare", None),
        ("temperature in degrees Celsius", "degree Celsius"),
        ("fraction, 0.05 is five per cent", "ratio"),
        ("kilometres; from the first gate", "kilometre"),
        ("scheduled departure, in UTC", None),
        ("amount in EUR", None),
        ("distance flown", None),
        ("Name of the time zone in the IANA database", None),
    ],
)
def test_units_in_labels(text: str, unit: str | None) -> None:
    assert next((found.name for found in units.in_text(text)), None) == unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("distance_km", "kilometre"),
        ("tempF", "degree Fahrenheit"),
        ("dep_delay_min", "minute"),
        ("air_time", None),
        ("m", None),
    ],
)
def test_units_in_names(name: str, unit: str | None) -> None:
    assert next((found.name for found in units.in_name(name)), None) == unit


def test_an_ambiguous_unit_is_settled_by_the_other_side() -> None:
    pair = units.convertible(units.named("mb"), units.named("gigabyte"))
    assert pair is not None
    assert pair[0].name == "megabyte"
    pair = units.convertible(units.named("mb"), units.named("pascal"))
    assert pair is not None
    assert pair[0].name == "hectopascal"


def test_currencies_are_no_units() -> None:
    assert units.named("EUR") == units.named("USD") == ()


@pytest.mark.parametrize(
    ("source", "target", "expr", "sure", "said"),
    [
        ("AMT_CT", column("amount", "decimal(12,2)", "in euros"), "round(AMT_CT / 100, 2)", True, "from cents"),
        ("amount_cents", column("amount_usd", "decimal(12,2)"), "round(amount_cents / 100, 2)", True, "from cents"),
        ("AMT_CT", column("amount", "decimal(12,2)"), "round(AMT_CT / 100, 2)", False, "no other scale"),
        ("AMT_CT", column("amount", "int64"), "AMT_CT", False, "not converted, check it"),
        ("AMT_CT", column("amount", "int64", "in USD cents"), "AMT_CT", True, "alike"),
        ("click_ct", column("clicks", "int64"), "click_ct", True, "alike"),
    ],
)
def test_cents_become_whole_units_or_are_doubted(source: str, target: Column, expr: str, sure: bool, said: str) -> None:
    numbers = field(source, "int64", "1250", "99", "10000", every=False)
    found = proposed(schema(numbers), table("pay", target)).columns[0]
    assert (found.expr, found.confidence > 0.7) == (expr, sure)
    assert said in (found.why or "")


@pytest.mark.parametrize(
    ("source", "target", "expr"),
    [
        ("insured_keur", column("insured_eur", "decimal(14,2)"), "round(insured_keur * 1000, 2)"),
        ("Umsatz (T€)", column("umsatz_eur", "decimal(14,2)"), 'round("Umsatz (T€)" * 1000, 2)'),
        ("Revenue (€m)", column("revenue", "decimal(14,2)", "in euros"), 'round("Revenue (€m)" * 1000000, 2)'),
        ("sales_musd", column("sales_kusd", "decimal(14,2)"), "round(sales_musd * 1000, 2)"),
        ("turnover", column("turnover", "decimal(14,2)", "in T€"), "round(turnover / 1000, 2)"),
        ("turnover_keur", column("turnover", "decimal(14,2)", "in kEUR"), "turnover_keur"),
        ("dauer_msek", column("dauer", "decimal(14,2)"), "dauer_msek"),
    ],
)
def test_money_by_the_thousand_is_multiplied(source: str, target: Column, expr: str) -> None:
    numbers = field(source, "decimal(12,2)", "12.25", "99.10", "100.75", every=False)
    found = proposed(schema(numbers), table("loan", target)).columns[0]
    assert found.expr == expr


@pytest.mark.parametrize(
    ("source", "target", "expr"),
    [
        ("PricePerLb", "price_per_kg", "round(PricePerLb / 0.45359237, 2)"),
        ("yield_kg_per_acre", "yield_kg_per_ha", "round(yield_kg_per_acre * 2.47105381467, 2)"),
        ("kWh", "consumption_wh", "round(kWh * 1000, 2)"),
        ("energy_MWh", "energy_kwh", "round(energy_MWh * 1000, 2)"),
        ("price_usd_lb", "price_per_kg", "price_usd_lb"),
        ("grams", "weight_kg", "round(grams / 1000, 2)"),
        ("bat_mv", "battery_v", "round(bat_mv / 1000, 2)"),
    ],
)
def test_what_is_told_for_each_pound_grows_with_kilograms(source: str, target: str, expr: str) -> None:
    numbers = field(source, "decimal(12,2)", "12.25", "99.1", "100.75", every=False)
    found = proposed(schema(numbers), table("lot", column(target, "decimal(12,2)"))).columns[0]
    assert found.expr == expr


def test_numbers_that_a_column_has_no_room_for_are_doubted() -> None:
    whole = schema(field("fte", "int32", "50", "80", "100"))
    found = proposed(whole, table("staff", column("fte", "decimal(3,2)"))).columns[0]
    assert "values such as 100 do not fit" in found.why
    assert found.confidence < 0.7


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("SqFt", "square foot"),
        ("living_area_m2", "square metre"),
        ("size_sq_m", "square metre"),
        ("LotAcres", "acre"),
        ("VolCFT", "cubic foot"),
        ("volume_m3", "cubic metre"),
    ],
)
def test_areas_and_volumes_in_names(name: str, unit: str) -> None:
    assert [one.name for one in units.in_name(name)] == [unit]
    assert unit_of(name) is None or units.named(unit_of(name)) == units.in_name(name)


def test_m2_beside_m1_is_no_area() -> None:
    assert unit_of("m2") is None
    assert units.in_name("m2") == ()


def test_cubic_feet_become_cubic_metres() -> None:
    assert units.formula("x", one("cft"), one("m3")) == "x * 0.028316846592"


def test_us_dollars_are_no_microseconds() -> None:
    assert units.in_text("in US dollars") == ()
    assert units.in_text("area in square metres") == units.named("m2")


@pytest.mark.parametrize(("name", "found"), [("quantity_b", []), ("file_size_b", ["byte"]), ("size_kb", ["kilobyte"])])
def test_a_b_is_bytes_of_what_has_a_size(name: str, found: list[str]) -> None:
    assert [one.name for one in units.in_name(name)] == found


def test_names_that_differ_in_units_alone_are_as_sure_as_others() -> None:
    source = schema(field("len_in", "int32", "3", "17", "40"), field("weight_lbs", "float64", "1.5", "88.1"))
    target = table("parcel", column("length_cm", "int32"), column("weight_kg", "decimal(8,3)"))
    found = proposed(source, target)
    assert expressions(found)["length_cm"] == "round(len_in * 2.54, 0)"
    assert all(one.confidence >= DOUBTFUL for one in found.columns)
