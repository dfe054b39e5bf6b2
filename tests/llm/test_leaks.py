"""Recognisable values of every kind are planted, and looked for in all that a recording server received."""

import json
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from octo_core.asking import schema_question
from octo_core.asking.cleaning import masked, masked_beside
from octo_core.asking.examples import ApprovedColumn
from octo_core.asking.private import is_secret, secrets, streets
from octo_core.asking.shapes import outward, shape
from octo_core.asking.sharing import beside_people_there, nameable, of_column, of_example, of_field, withheld
from octo_core.catalog import Catalog, Column, Table
from octo_core.inference import infer_column, infer_rows
from octo_core.inference.profile import mask
from octo_core.schema import Field
from octo_core.types import TEXT
from octo_resources.flow import Prepared, prepare, schemas
from octo_resources.flow.proposing import heed
from octo_resources.flow.remembering import that_may_leave
from tests.flow.shop import Shop, sale
from tests.llm.planted import (
    BROKEN,
    FILE,
    KEY,
    KEYS,
    NESTED,
    OTHER,
    PASSWORD,
    PERSONAL,
    THERE,
    leaked,
    plant,
    wrong_claims,
)
from tests.servers.model import ModelServer

EVERYTHING = [*PERSONAL.values(), *OTHER.values(), *NESTED.values(), *KEYS, THERE, BROKEN, FILE, PASSWORD]


def planned(
    asking_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch, server: ModelServer, **llm: Any
) -> tuple[Shop, Prepared]:
    """The shop with the planted rows, and a plan made with the model that claims the wrong things."""
    shop = asking_shop(server, **llm)
    monkeypatch.setenv("SHOP_WAREHOUSE", shop.url.replace("postgres@", f"postgres:{PASSWORD}@"))
    plant(shop)
    space = shop.space
    return shop, prepare(space, space.pipeline("sales"))


def said_in(server: ModelServer) -> str:
    """All that was received but the key's own header: bodies as they came and as text, addresses, other headers."""
    texts = []
    for asked in server.asked:
        body = asked.body.decode()
        contents = [str(message.get("content")) for message in json.loads(body)["messages"]]
        headers = {name: value for name, value in asked.headers.items() if name.lower() != "authorization"}
        texts += [body, *contents, asked.url, repr(headers)]
    return "\n".join(texts)


def test_statistics_hold_none_of_the_values(asking_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(wrong_claims) as server:
        shop, prepared = planned(asking_shop, monkeypatch, server)
    heard = said_in(server)
    assert "are no " in heard  # counter-examples went back
    assert leaked([*EVERYTHING, KEY], heard) == []
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    calls = "\n".join(repr(call) for call in shop.registry.llm_calls.newest(limit=500))
    assert leaked([*EVERYTHING, KEY], calls) == []
    space = shop.space
    found = schemas(space, space.pipeline("sales"))["sales"]
    told = "\n".join([*prepared.plan.warnings, *found.warnings, *(str(one.why) for one in found.fields)])
    assert "was overruled" in told
    assert leaked([*EVERYTHING, KEY], told) == []
    approved = [ApprovedColumn("sales", "sales", "shop.sale", "qty", expr) for expr in ("by_name.Annaa", "whole")]
    assert [one.expr for one in that_may_leave(space, approved)] == ["whole"]


def test_samples_hold_what_is_nobody_s_and_masks_of_the_rest(
    asking_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(wrong_claims) as server:
        planned(asking_shop, monkeypatch, server, share="samples")
    heard = said_in(server)
    assert leaked([*PERSONAL.values(), OTHER["json_text"], *KEYS, BROKEN, FILE, PASSWORD, KEY], heard) == []
    assert leaked(["marzipan", "quetzalcoatl", "obsidian", THERE], heard) == ["marzipan", "quetzalcoatl", "obsidian",
                                                                             THERE, "xylophone", "jubilee"]  # fmt: skip
    assert shape(mask(PERSONAL["email"])) in heard
    assert shape(mask(PERSONAL["customer_name"])) in heard


def test_with_share_none_nobody_is_asked(asking_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(wrong_claims) as server:
        shop, prepared = planned(asking_shop, monkeypatch, server, share="none")
    assert server.asked == []
    assert shop.registry.llm_calls.newest() == []
    assert prepared.mapping.proposer == "embedded"


@pytest.mark.parametrize("value", [7, 50, 100, 73914682, 31415926.53, -4471, 0.0517, 1, 918273645546372819])
def test_a_range_never_ends_at_the_values(value: float) -> None:
    low, high = float(outward(value, -1)), float(outward(value, 1))
    assert low < value < high


@pytest.mark.parametrize(
    ("value", "told"),
    [("AB-12", "AA-99"), ("♠♥♦♣", "·"), ("$#@!%^", "·"), ("李小龙", "aaa"), ("x♠♥y", "a·a"), ("---", "·"),
     ("a~b", "a·a"), ("d2a84f4b8b65", "a9+"), ("AB-123456", "AA-999999"),     ("गोपनीय", "a·aa·a")],
)  # fmt: skip
def test_a_mask_keeps_no_sign_that_could_be_the_value(value: str, told: str) -> None:
    assert shape(mask(value)) == told


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [("date", "%d.%m.%Y", "%d.%m.%Y"), ("timestamptz", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%SZ"),
     ("date", "Krull %d.%m.%Y", None), ("boolean", "jawohl|nimmer", None), ("int32", "1.234,56 €", "1.234,56 €"),
     ("int32", "Krull 1.234", None), ("timestamptz", "Krull %Y%m%d %H%M @Europe/Madrid", "@Europe/Madrid")],
)  # fmt: skip
def test_a_format_leaves_without_words_of_the_data(kind: str, text: str, told: str | None) -> None:
    field = Field.model_validate({"name": "x", "type": kind, "format": text})
    assert of_field(field, "statistics").get("format") == told


def test_values_in_approved_expressions_stay_here() -> None:
    approved = {"column": "status", "expression": "map_values(state, 'marzipan', 'paid')"}
    assert of_example(approved, "statistics")["expression"] == "map_values(state, '…', '…')"
    odd = {"expression": "map_values(\"client's state\", 'marzipan', 'paid')"}
    assert of_example(odd, "statistics")["expression"] == "map_values(\"client's state\", '…', '…')"
    long = {"expression": f"concat({'state, ' * 60}'marzipan and obsidian')"}
    assert leaked(["marzipan"], of_example(long, "statistics")["expression"]) == []
    dated = {"expression": "parse_date(day, '%d.%m.%Y')"}
    assert of_example(dated, "statistics") == dated


def test_of_few_values_only_their_number_leaves() -> None:
    told = of_field(infer_column(["marzipan", "obsidian"] * 20, "state"), "statistics")
    assert told["distinct"] == 2
    assert leaked(["marzipan", "obsidian"], json.dumps(told)) == []


def test_an_example_leaves_only_as_its_own_pipeline_lets_it(shop: Shop) -> None:
    shares = {"open": "samples", "usual": "statistics", "closed": "none"}
    for name, share in shares.items():
        shop.sales_pipeline(name, llm={"share": share})
    told = "map_values(state, 'marzipan', 'paid')"
    known = [ApprovedColumn(name, "sales", "shop.sale", "status", told) for name in (*shares, "removed")]
    assert [(one.pipeline, one.expr) for one in that_may_leave(shop.space, known)] == [
        ("open", told),
        ("usual", "map_values(state, '…', '…')"),
    ]


def test_an_example_holds_no_text_beside_a_field_of_which_only_masks_leave(shop: Shop) -> None:
    shop.sales_pipeline("open", llm={"share": "samples"})
    people = ("Griselda Pumpernickel", "Anna Weber", "Omar Haddad")
    rows = [sale(n, buyer=people[n % 3]) for n in range(60)]
    shop.drop("sales", "a", rows)
    shop.land("open")
    schemas(shop.space, shop.space.pipeline("open"))
    exprs = ("if(buyer = 'Griselda Pumpernickel', 'x', 'y')", "map_values(state, 'paid', 'P')")
    known = [ApprovedColumn("open", "sales", "shop.sale", "status", one) for one in exprs]
    assert [one.expr for one in that_may_leave(shop.space, known)] == ["if(buyer = '…', '…', '…')", exprs[1]]


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [("mrn", ["MRN-QX81-7731"], ["AAA-AA99-9999"]), ("c4", ["@grimblewort"], ["@aa+"]), ("nick", ["Anna"], ["Aaaa"]),
     ("policy", ["P/2024/00017"], ["A/9999/99999"]), ("sku", ["AB-123", "paid"], ["AB-123", "paid"]),
     ("size", ["10.5 m", "XL"], ["10.5 m", "XL"])],
)  # fmt: skip
def test_of_what_is_one_person_s_own_only_the_mask_leaves(name: str, values: list[str], told: list[str]) -> None:
    said = of_field(infer_column(values, name), "samples")["samples"]
    assert sorted(said) == sorted(told)


RARE = {
    "plates": [f"B-{letter}X {number}" for letter in "ABC" for number in range(230, 240)],
    "streets": [f"{number} Elm St" for number in range(1, 30)],
    "files": [f"scan_meier_{number}.pdf" for number in range(10, 40)],
    "homes": [f"/home/user{chr(97 + number)}/cv.pdf" for number in range(20)],
    "people": [f"{one} {two}" for one in ("john", "jane", "omar", "li") for two in ("smith", "doe", "khan", "wu")],
    "surnames": [f"{one}, {two}" for one in ("SMITH", "DOE", "KHAN") for two in ("JOHN", "JANE", "OMAR", "LI")],
    "notes": [
        f"ask {name} about rent" for name in ("Jim", "Ann", "Bob", "Eva", "Max", "Mia", "Tom", "Ida", "Lea", "Jo")
    ],
    "chinese": [f"{one}{two}" for one in "王李张刘" for two in "明华伟芳"],
}


@pytest.mark.parametrize("kind", RARE)
def test_of_what_each_row_has_for_itself_only_masks_leave(kind: str) -> None:
    values = RARE[kind]
    said = json.dumps(of_field(infer_column(values, "c7"), "samples"), ensure_ascii=False)
    assert [one for one in values if f'"{one}"' in said] == []


@pytest.mark.parametrize(
    ("value", "told"),
    [("SW1A 2AA", "AA9A 9AA"), ("1012 AB", "9999 AA"), ("K1A 0B1", "A9A 9A9"), ("AB 12 34 56 C", "AA 99 99 99 A"),
     ("ABCDE0299F", "AAAAA9999A"), ("7. März 1980", "9. Aaaa 9999"), ("1980-03-07", "9999-99-99"),
     ("https://clinic.example/patients/jane-doe", "https://clinic.example/aa+/aaaa-aaa"),
     ("data:text/plain;base64,SGFsbG9HZWhlaW0=", "aaaa:aaaa/aaaaa;aaaa99,AAAaaA9AAAaaaA9="),
     ("in transit", "in transit"), ("Bern", "Bern")],
)  # fmt: skip
def test_of_what_is_issued_to_somebody_only_the_mask_leaves(value: str, told: str) -> None:
    assert of_field(infer_column([value] * 30, "c7"), "samples")["samples"] == [told]


def test_words_that_many_rows_hold_leave_with_samples() -> None:
    cities = [f"{one}{two}" for one in ("Ober", "Unter", "Neu", "Alt") for two in ("dorf", "berg", "stadt", "feld")]
    assert set(of_field(infer_column(cities, "c7"), "samples")["samples"]) <= set(cities)
    states = ["not paid", "paid in part", "sent back"] * 20
    assert set(of_field(infer_column(states, "c7"), "samples")["samples"]) == set(states)


SIX = (
    ("Thaddeus", "Quillfeather"), ("Ottoline", "Zimmerstein"), ("Cosima", "Abernathy"), ("Wilhelmina", "Oakes"),
    ("Bartholomew", "Finch"), ("Ignatius", "Thorne"),
)  # fmt: skip
HOW_OFTEN = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5)


def six_people(place: int) -> dict[str, str]:
    """A row of one of six people, in columns whose names say nothing."""
    first, last = SIX[HOW_OFTEN[place % len(HOW_OFTEN)]]
    number = SIX.index((first, last))
    return {
        "c1": f"{first} {last}", "c2": last, "c6": f"xquill7{number}", "c7": f"Elm St {number}",
        "c8": ("PIN 4471", "PIN 9920")[number % 2], "c10": f"{last.upper()}, {first[0]}.",
        "c13": f"{first}.{last}".lower(), "c14": f"{first[0]}{last}".lower()[:8], "c18": f"passwort: Zebra!{number}",
        "c19": f"Zebra!{number}", "branch": ("North", "South")[place % 2], "sku": f"AB-12{place % 3}",
    }  # fmt: skip


@pytest.mark.parametrize("known", [{"owner": "{c1}"}, {"mail": "{c13}@priv.example"}, {}])
def test_people_leave_in_no_field_beside_their_names(known: dict[str, str]) -> None:
    rows = [row | {name: form.format(**row) for name, form in known.items()} for row in map(six_people, range(240))]
    fields = {field.name: field for field in infer_rows(rows)}
    said = json.dumps(schema_question.messages("s", fields, "samples"))
    held = {row[name] for row in rows for name in row if name not in ("branch", "sku", "c6")}
    assert [one for one in held if one in said] == []
    assert "AB-120" in said
    assert "North" in said
    if known:
        assert "xquill70" not in said
        assert {name for name, field in fields.items() if field.pii} == {"c1", "c2", "c6", "c10", "c13", "c14", *known}


THINGS = {
    "country": ["United Kingdom", "South Africa", "Germany", "New Zealand", "Côte d’Ivoire"],
    "product": ["Green Tea", "Black Tea", "iPhone 15 Pro", "ThinkPad X1", "Oat Milk 1L"],
    "city": ["New York", "Berlin", "San Jose", "St. Louis", "Los Angeles"],
    "c3": ["Berlin", "Lyon", "Osaka", "Leeds", "Graz"],
    "state": ["North Dakota", "N. Carolina", "Texas", "CA"],
    "c4": ["paid", "sent_back", "NOT_PAID", "IN_TRANSIT", "on hold"],
    "firm": ["Weber AG", "Müller GmbH", "Acme Inc.", "Quill & Sons Ltd", "Smith Holding"],
    "c5": ["#FF00AA", "#00ff00"],
    "c6": ["v1.2.3", "release-24", "C++17", "x86_64"],
    "c7": ["pin board", "token ring", "one way", "3 in a row"],
    "c8": ["Windows 11 Pro", "macOS 14.2", "Route 66", "Area 51"],
}


def test_what_is_nobody_s_leaves_beside_people() -> None:
    people = ("Anna Weber", "Omar Quill", "Paul Texas", "Lena Berlin")
    rows = [{name: values[n % len(values)] for name, values in THINGS.items()} | {"owner": people[n % 4]}
            for n in range(240)]  # fmt: skip
    fields = {field.name: field for field in infer_rows(rows)}
    told = json.loads(schema_question.messages("s", fields, "samples")[1]["content"])["fields"]
    said = {one["field"]: sorted(one["samples"]) for one in told if one["field"] != "owner"}
    assert said == {name: sorted(values) for name, values in THINGS.items()}


@pytest.mark.parametrize(
    "value",
    ["Elm St 4", "221B Baker Street", "Hauptstr. 12a", "12 bis, avenue Foch", "rue Victor Hugo 7", "Via Roma, 10",
     "C/ Mayor, 14", "Plaza de España 3", "Keizersgracht 12", "Drottninggatan 7", "ul. Marszałkowska 12/4",
     "Atatürk Caddesi 12", "улица Ленина 5", "5 Market Square", "PIN 4471", "hunter2!", "mot de passe: azerty",
     "пароль: qwe123", "密码:abc123", "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig", "Password is hunter2", "aB3dE9xK2pQ7",
     "-----BEGIN RSA PRIVATE KEY----- MIIE", "Bearer abcdefgh"],
)  # fmt: skip
def test_addresses_and_secrets_leave_as_masks_by_their_form(value: str) -> None:
    rows = [{"c7": one} for one in (value, "in", "out", "up", "down") for _ in range(12)]
    fields = {field.name: field for field in infer_rows(rows)}
    said = json.loads(schema_question.messages("s", fields, "samples")[1]["content"])["fields"][0]["samples"]
    assert set(said) >= {"in", "out", "up", "down"}
    assert value not in said


@pytest.mark.parametrize(
    ("text", "told"),
    [("the door's code: PIN 4471", "the door's code: PIN 9999"), ("passwort: Zebra!4", "passwort: Aaaaa!9"),
     ("of Elm Street 4 only", "aa Aaa Aaaaaa 9 only"), ("password of the user, hashed", None),
     ("street and number, 3 per row, via api 2", None), ("one token a row", None)],
)  # fmt: skip
def test_secrets_and_streets_in_comments_leave_as_masks(text: str, told: str | None) -> None:
    assert masked(text) == (told or text)


@pytest.mark.parametrize("piece", ["a.", "Elm ", "1 ", "rue ", "12 rue Abc ", "pin ", "eyJ", "A", "é'", "-----BEGIN ",
                                   "aB1", "!1a", "C/ ", "pass", "A.B, "])  # fmt: skip
def test_long_texts_are_masked_in_little_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    before = process_time()
    secrets(text), streets(text), is_secret(text)
    assert process_time() - before < 2


FEW_KEYS = {
    "dates": {"2024-01-05": 1, "2024-01-06": 2},
    "codes": {"KD-4711": 1, "KD-4712": 2},
    "numbers": {"17": 1, "18": 2},
    "given": {"Anna": 1, "Omar": 2, "Zwetschge": 3},
    "whole": {"Anna Zwetschge": 1},
    "mail": {"zwetschge@priv.example": 1},
}


@pytest.mark.parametrize("kind", FEW_KEYS)
def test_a_map_s_few_keys_stay_here(kind: str) -> None:
    rows = [{"id": number, "held": FEW_KEYS[kind]} for number in range(60)]
    fields = infer_rows(rows)
    assert [*nameable({"id": fields[0], "held": fields[1]} | {f"held.{one.name}": one for one in fields[1].children})] \
        == ["id", "held"]  # fmt: skip
    assert withheld(fields) == set(FEW_KEYS[kind])


def test_a_map_s_few_keys_that_come_and_go_stay_here() -> None:
    rows = [{"shift": {("Griselda", "Ottokar", "Theophania")[number % 3]: number}} for number in range(60)]
    assert withheld(infer_rows(rows)) == {"Griselda", "Ottokar", "Theophania"}


@pytest.mark.parametrize(
    "record",
    [
        {"street": "Elm", "city": "Bern"}, {"Status": "paid", "Amount": "3"}, {"line1": "x", "line2": "y"},
        {"en": "red", "de": "rot"}, {"q1": 1, "q2": 2, "q3": 3, "q4": 4}, {"jan": 1, "feb": 2, "mar": 3},
        {"sha256": "x", "md5": "y"}, {"Order Date": "x", "Total Price": "y"}, {"x": 1, "y": 2},
    ],
)  # fmt: skip
def test_names_of_fields_in_records_leave(record: dict[str, Any]) -> None:
    for rows in ([{"r": record}] * 60, [{"r": {name: value}} for name, value in record.items()] * 30):
        assert withheld(infer_rows(rows)) == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ask Anna Weber about it", "ask Aaaa Aaaaa about it"),
        ("owner: Weber, Anna (ext. 12)", "owner: Aaaaa, Aaaa (ext. 12)"),
        ("Frau Zwetschge knows", "Frau Aaa+ knows"),
        ("of Maria da Silva, HANS MEIER", "of Aaaaa aa Aaaaa, AAAA AAAAA"),
        ("patient MRN-QX81-7731 first", "patient AAA-AA99-9999 first"),
        ("a.weber@priv.example, +49 171 5559321", "a.aaaaa@aaaa.aa+, +99 999 99+"),
        ("DE89370400440532013000 or 4539 5787 6362 1486", "AA99+ or 9999 9999 9999 9999"),
        ("the Order Date, as ISO-8601; in San Antonio since 2024", None),
        ("Map Total Price to amount, `line_1` to note", None),
        ("Jan Sales and Feb Sales, x86_64, CP1252, SHA-256", None),
    ],
)
def test_people_and_their_numbers_in_comments_labels_and_feedback_leave_as_masks(text: str, told: str | None) -> None:
    assert masked(text) == (told or text)


@pytest.mark.parametrize("share", ["statistics", "samples"])
def test_what_people_write_leaves_without_people(
    asking_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch, share: str
) -> None:
    with ModelServer(wrong_claims) as server:
        shop = asking_shop(server, share=share)
        people = ("Anna Zwetschge", "Omar Zwetschge", "lea zwetschge")
        rows = [
            sale(n, c7=people[n % 3], held={("Griselda", "Ottokar")[n % 2]: n}, **{"Anna Zwetschge": n})
            for n in range(60)
        ]
        shop.drop("sales", "a", rows)
        shop.sql("COMMENT ON COLUMN shop.sale.note IS 'ask Anna Zwetschge, zwetschge@priv.example'")
        shop.sql("COMMENT ON TABLE shop.sale IS 'kept by Frau Zwetschge, +49 171 5559321'")
        heed(
            shop.space, shop.space.pipeline("sales"), "Anna Zwetschge wants Amount from total", reviewer="ana@x.example"
        )
        space = shop.space
        prepare(space, space.pipeline("sales"))
    heard = said_in(server)
    assert "wants Amount from total" in heard
    assert leaked(["zwetschge", "Griselda", "Ottokar", "5559321"], heard) == []


def test_a_wish_may_name_fields_that_are_told_anyway() -> None:
    text = "t_2024010 is Anna Weber's, MRN-12345 not; take t_20240105"
    told = "t_2024010 is Aaaa Aaaaa'a, AAA-99999 not; take t_99+"
    assert masked_beside(text, ["t_2024010", "note"]) == told


@pytest.mark.parametrize(
    ("name", "stays"),
    [("Anna Zwetschge", True), ("James Kelly", True), ("Weber, Anna", True), ("Jean Size", False),
     ("Order Date", False), ("Jan Sales", False), ("San Antonio", False), ("firstName", False), ("Kelly Score", False)],
)  # fmt: skip
def test_a_field_called_for_a_person_stays_here(name: str, stays: bool) -> None:
    assert withheld(infer_rows([{name: 1, "id": 2}])) == ({name} if stays else set())


def test_what_a_source_s_own_tables_say_and_hold_stays_here(asking_shop: Callable[..., Shop]) -> None:
    with ModelServer(wrong_claims) as server:
        shop = asking_shop(server)
        shop.sql("CREATE SCHEMA own")
        shop.sql("CREATE TYPE own.mood AS ENUM ('rhapsodic-ocelot', 'paid')")
        shop.sql(
            "CREATE TABLE own.sales (id int PRIMARY KEY, customer text DEFAULT 'defaulted-gnu', mood own.mood,"
            " total numeric CHECK (total < 73914682), state text CHECK (state IN ('marzipan', 'obsidian')))"
        )
        shop.sql("INSERT INTO own.sales SELECT n, 'quetzalcoatl' || n, 'rhapsodic-ocelot', n, 'marzipan'"
                 " FROM generate_series(1, 60) n")  # fmt: skip
        shop.sql("COMMENT ON TABLE own.sales IS 'of Theophania Krull, PIN 4471, wombat-table'")
        shop.sql("COMMENT ON COLUMN own.sales.customer IS 'as gallimaufry, wombat-column; passwort: Zebra!4'")
        source = {"kind": "sql", "url": "${secret:env/SHOP_WAREHOUSE}", "table": "own.sales", "key": ["id"]}
        shop.sales_pipeline(sources={"sales": source})
        (shop.root / "pipelines" / "sales" / "mapping.yaml").unlink()
        shop.sql("INSERT INTO shop.sale VALUES (900001, 1, 1, 'paid', now(), 'x@y.example', 'xylophone')")
        prepare(shop.space, shop.space.pipeline("sales"))
    heard = said_in(server)
    assert '"customer' in heard.replace("\\", "")
    planted = ["wombat", "gallimaufry", "Zebra!4", "4471", "Krull", "quetzalcoatl", "marzipan", "obsidian", "rhapsodic",
               "defaulted", "73914682", "xylophone", "x@y"]  # fmt: skip
    assert [one for one in planted if one in heard] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("if(customer = 4711, 'x', 'y')", "if(customer = …, '…', '…')"), ("map_values(code, 90210, 'x')",
     "map_values(code, …, '…')"), ("total / 1000", None), ("86400 * days + 1", None), ("round(x * 0.4536, 2)", None),
     ("substring(t_2024, 1, 3)", None), ("total - 73914", "total - …"), ("col_4711 > 123.45", "col_4711 > …")],
)  # fmt: skip
def test_numbers_in_approved_expressions_that_may_be_values_stay_here(text: str, told: str | None) -> None:
    assert of_example({"expression": text}, "statistics") == {"expression": told or text}


def test_people_beside_their_names_in_the_destination_stay_here() -> None:
    held = {"owner": [f"{one} {two}" for one, two in SIX], "c2": [two for _, two in SIX], "c3": ["North", "South"],
            "c10": [f"{two.upper()}, {one[0]}." for one, two in SIX]}  # fmt: skip
    columns = tuple(Column(name=name, type=TEXT, native="text") for name in held)
    table = Table(name="shop.desk", schema_name="shop", table_name="desk", columns=columns)
    there = {"shop.desk": {name: tuple(values) for name, values in held.items()}}
    catalog = Catalog(dialect="postgres", version="16", tables={"shop.desk": table}, samples=there)
    near = beside_people_there(table, catalog)
    told = {one.name: of_column(one, table, catalog, "samples", beside_people=one.name in near) for one in columns}
    assert told["c3"]["values_there"] == ["North", "South"]
    assert leaked([two for _, two in SIX], json.dumps(told)) == []
