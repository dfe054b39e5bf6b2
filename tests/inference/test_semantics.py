"""Semantic types: validators with checksums, evidence of names, and what counts as personal data."""

import pytest

from octo_core.inference import infer_column
from octo_core.inference.semantics import called_personal, semantic_of
from octo_core.types import TEXT

GENRES = ["drama", "comedy", "war", "noir", "action", "crime"]

CASES = [
    ("x", ["ann@example.org", "b.c+d@e.co.uk"], "email", True),
    ("x", ["https://example.org/a?b=1", "http://x.y"], "url", False),
    ("x", ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"], "iban", True),
    ("x", ["DE89 3704 0044 0532 0130 01", "GB82WEST12345698765433"], None, False),
    ("x", ["10.0.0.1", "2001:db8::1"], "ip", True),
    ("x", ["00:1A:2B:3C:4D:5E", "00:1a:2b:3c:4d:5f"], "mac", False),
    ("x", ["image/png", "text/html"], "mime", False),
    ("x", ["+34 612 345 678", "+1 212-555-0100"], "phone", True),
    ("phone", ["2125550100", "2125550101"], "phone", True),
    ("reading", ["2125550100", "2125550101"], None, False),
    ("card_number", ["4111111111111111", "5500005555555559"], "credit_card", True),
    ("card_number", ["4111111111111112", "5500005555555551"], None, False),
    ("isbn", ["978-3-16-148410-0", "0-306-40615-2"], "isbn", False),
    ("isbn", ["978-3-16-148410-1", "0-306-40615-3"], None, False),
    ("country", ["DE", "ES", "US"], "country_code", False),
    ("size", ["DE", "ES", "US"], None, False),
    ("currency", ["EUR", "USD"], "currency_code", False),
    ("lang", ["en", "de-AT"], "language_code", False),
    ("zip", ["10001", "94105-1234"], "postal_code", False),
    ("lat", ["41.5", "-3.25"], "latitude", False),
    ("lat", ["141.5", "-3.25"], None, False),
    ("first_name", ["Ann", "Bob"], "person_name", True),
    ("carrier_name", ["United", "Delta"], None, False),
    ("date_of_birth", ["1980-01-02", "1990-05-06"], "birth_date", True),
    ("street", ["Main St 1", "Elm St 2"], "address", True),
    ("host", ["a.example.org", "b.example.org"], "hostname", False),
]


@pytest.mark.parametrize(("name", "values", "semantic", "pii"), CASES)
def test_semantic_type_and_pii(name: str, values: list[str], semantic: str | None, pii: bool) -> None:
    field = infer_column(values, name)
    assert (field.semantic, field.pii) == (semantic, pii)


def test_a_few_broken_values_do_not_hide_the_meaning() -> None:
    values = [f"user{number}@example.org" for number in range(30)] + ["broken@"]
    assert infer_column(values, "x").semantic == "email"


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("price", [f"{n}.50" for n in range(50)], "numeric"),
        ("status", ["new", "paid", "sent"] * 20, "categorical"),
        ("day", ["2020-01-02", "2020-01-03"], "datetime"),
        ("link", ["https://a.example/1", "https://a.example/2"], "url"),
        ("cost", ["$1.50", "$2.75"], "embedded-number"),
        ("height", [f"{n} cm" for n in range(150, 200)], "embedded-number"),
        ("genres", [", ".join(GENRES[n * k % 6] for k in range(1, 3 + n % 4)) for n in range(60)], "list"),
        ("review", [f"This is a rather long sentence about thing number {n} of many" for n in range(40)], "sentence"),
        ("id", [str(n) for n in range(100)], "not-generalizable"),
        ("nothing", [None] * 5, "not-generalizable"),
        ("address", [f"{n * 37 % 911} Oak Street" for n in range(60)], "context-specific"),
        ("geolocation", [f"({n / 7:.4f}, -{n / 3:.4f})" for n in range(60)], "context-specific"),
    ],
)  # fmt: skip
def test_roles(name: str, values: list[str | None], role: str) -> None:
    assert infer_column(values, name).role == role


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("first", ("Ana", "Bo", "Li")),
        ("last", ("de Silva", "Silva", "Chen")),
        ("contact", ("Ana Silva", "Chen, Bo", "Li Wu")),
        ("signed_by", ("Ana Silva", "Bo Chen", "n/a")),
        ("ssn", ("536-90-4399", "000-90-4399", "536-90-4400")),
        ("customer_ssn", ("536904399", "000904399", "666904399")),
        ("passport", ("C01X00T47", "?", "C01X00T48")),
    ],
)
def test_what_is_called_for_a_person_is_personal_though_some_values_are_not_valid(
    name: str, values: tuple[str, ...]
) -> None:
    assert semantic_of(TEXT, name, values)[1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contact", ("email", "phone", "post")),
        ("member", ("Gold", "Silver")),
        ("last", ("yes", "no")),
        ("order_number", ("4000000001", "4000000002", "4000000003")),
        ("product", ("Red Shoe", "Blue Hat")),
        ("name", ("La Guardia", "Newark Liberty")),
    ],
)
def test_what_only_sounds_like_it_is_not(name: str, values: tuple[str, ...]) -> None:
    assert not semantic_of(TEXT, name, values)[1]


@pytest.mark.parametrize(
    ("name", "values", "personal"),
    [
        ("Lehrkraft", "Anne Pohl|Dr. Jens-Uwe Krämer|Ilse Dorn|Thomas Wirth|Heike Brandes|N. Ott|Lia Ost|Lena Frey",
         True),
        ("misafir", "Ayşe Yılmaz|Mehmet Kaya|Gizem Demir|Emre Çelik|Zeynep Şahin|Tuğba Koç|Oğuz Polat|Ece Kurt", True),
        ("ClaimantNm", "HAY, WANDA|JONES, MICHAEL|LOPEZ, MARIA|KIM, S.|ROE, ANN|O'BRIEN, SEAN|DUE, JO|FOX, AL", True),
        ("c7", "王小明|李华|张伟|刘洋|陈静|杨帆|黄磊|周杰", True),
        ("c8", "Anna|Tim|Jonas|Mia|Lena|Greta|Noah|Emil", True),
        ("c9", "Anna Weber|Tim Ott|Jonas Krull", False),
        ("firm", "Peter Maier GmbH|Ott KG|Acme Inc|Blue Sky Ltd|Carl Zeiss AG|R. Bosch GmbH|Karl Storz KG|Ott AG",
         False),
        ("place", "San Francisco|San Jose|Santa Fe|New York|Paris|Saint Paul|Las Vegas|Fort Worth|Salt Lake City",
         False),
        ("way", "Karl Marx Allee|Thomas Mann Weg|Hauptweg Nord|Robert Koch Platz|Eva Ring|Am Tor|Peter Weg|Zur Au Weg",
         False),
        ("c3", "Paris|London|Charlotte|Florence|Berlin|Madrid|Austin|Dallas|Phoenix|Houston", False),
        ("ware", "Blue Widget|Red Shirt|Anna Sofa|Billy Regal|Green Mug|Oak Table|Steel Lamp|Rosa Hemd", False),
        ("food", "白菜|黄瓜|马铃薯|西红柿|牛肉|白糖|红茶|黄油", False),
    ],
)  # fmt: skip
def test_people_s_names_are_personal_whatever_their_field_is_called(name: str, values: str, personal: bool) -> None:
    assert semantic_of(TEXT, name, values.split("|")) == (None, personal)


def test_columns_are_called_for_a_person_where_there_are_no_values() -> None:
    named = {name for name in ("first_name", "surname", "email", "carrier_name", "ip_address", "contact", "total")
             if called_personal(name, "text")}  # fmt: skip
    assert named == {"first_name", "surname", "email"}
