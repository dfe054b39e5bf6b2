"""Names of countries, languages, currencies and states become the codes that a column wants, and codes names."""

import pytest

from octo_core.catalog import Column
from octo_core.mapping.attribute import from_column
from octo_core.mapping.codelists import paired

from .build import column, expressions, field, proposed, schema, table


def pairs(column: Column, *values: str, there: tuple[str, ...] = ()) -> dict[str, str] | None:
    found = paired(values, column, from_column(column, samples=there))
    return None if found is None else dict(found.pairs)


@pytest.mark.parametrize(
    ("wanted", "values", "expected"),
    [
        (column("country_code", "text", max_length=2), ("Germany", "UK", "South Korea"), ("DE", "GB", "KR")),
        (column("country", "text", max_length=3), ("Austria", "fr", "USA"), ("AUT", "FRA", "USA")),
        (column("nation", "text", "two-letter country of origin"), ("DEU", "FRA"), ("DE", "FR")),
        (column("country_name", "text"), ("DE", "fr"), ("Germany", "France")),
        (column("country_num", "int32", "ISO numeric code"), ("Spain", "Austria"), ("724", "040")),
        (column("country", "text", "ISO code"), ("Deutschland", "Frankreich", "Spanien"), ("DE", "FR", "ES")),
        (column("lang", "text", max_length=2), ("German", "Farsi"), ("de", "fa")),
        (column("currency", "text", max_length=3), ("Euro", "US Dollar", "£"), ("EUR", "USD", "GBP")),
        (column("state", "text", max_length=2), ("California", "New York"), ("CA", "NY")),
        (column("state_code", "text", "ISO 3166-2"), ("Bayern", "Hessen"), ("DE-BY", "DE-HE")),
        (column("state_name", "text"), ("CA", "OH", "TX"), ("California", "Ohio", "Texas")),
    ],
    ids=lambda one: one.name if isinstance(one, Column) else None,
)
def test_pairs(wanted: Column, values: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert pairs(wanted, *values) == dict(zip(values, expected, strict=True))


def test_a_label_says_which_list_though_the_name_says_another() -> None:
    flags = field("flag", "text", "Panama", "Malta", "Germany")
    flag = column("flag_state", "text", "ISO 3166 alpha-2 of the flag state", max_length=2)
    (mapped,) = proposed(schema(flags), table("call", flag)).columns
    assert mapped.expr == "map_values(flag, 'Panama', 'PA', 'Malta', 'MT', 'Germany', 'DE')"


def test_values_that_are_there_say_which_form_is_wanted() -> None:
    assert pairs(column("origin", "text"), "Germany", "Spain", there=("DEU", "FRA", "ITA")) == {
        "Germany": "DEU",
        "Spain": "ESP",
    }
    assert pairs(column("origin", "text"), "Germany", "Spain", there=("red", "green")) is None


def test_nothing_is_paired_where_nothing_asks_for_codes() -> None:
    assert pairs(column("country", "text"), "Germany", "France") is None
    assert pairs(column("size", "text", max_length=2), "small", "large") is None
    assert pairs(column("base_uom", "text", max_length=3), "ST") is None
    assert pairs(column("origin", "text", max_length=2), "Spain", "fr", "Italy") == {
        "Spain": "ES",
        "fr": "FR",
        "Italy": "IT",
    }
    assert pairs(column("country_code", "text", max_length=2), "Gondor", "Mordor", "Spain") is None


def test_what_no_list_has_goes_to_quarantine_and_what_says_nothing_becomes_null() -> None:
    source = schema(field("country", "text", "Germany", "France", "Spain", "Italy", "Narnia", "N/A"))
    found = proposed(source, table("t", column("country_code", "text", max_length=2))).columns[0]
    assert found.expr == (
        "map_values(nullif(country, 'N/A'), 'Germany', 'DE', 'France', 'FR', 'Spain', 'ES', 'Italy', 'IT')"
    )
    assert "no counterpart for 'Narnia'" in found.why


def test_one_field_feeds_the_code_and_the_name() -> None:
    source = schema(field("country", "text", "Germany", "France", semantic="country"))
    target = table("t", column("country_code", "text", max_length=2), column("country_name", "text"))
    assert expressions(proposed(source, target)) == {
        "country_code": "map_values(country, 'Germany', 'DE', 'France', 'FR')",
        "country_name": "country",
    }


def test_a_list_in_a_check_is_paired_by_what_its_codes_mean() -> None:
    source = schema(field("country", "text", "Austria", "Australia", "Germany"))
    check = "country = ANY (ARRAY['AUT'::text, 'AUS'::text, 'DEU'::text])"
    found = proposed(source, table("t", column("country", "text"), checks=(check,))).columns[0]
    assert found.expr == "map_values(country, 'Austria', 'AUT', 'Australia', 'AUS', 'Germany', 'DEU')"
