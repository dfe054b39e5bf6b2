"""What a model claims of a source's fields, and what the rows make of it."""

import json
from collections.abc import Callable
from time import monotonic

import pytest

from octo_core.inference.sketch import value_hash
from octo_core.schema import Field, SourceSchema
from octo_core.spec.shapes import EachFrom
from octo_core.types import TEXT
from octo_resources.flow import schemas
from octo_resources.flow.consulting.every_value import judged
from octo_resources.flow.relations import made_relation
from tests.flow.shop import Shop, sale, sales
from tests.servers.api import Reply
from tests.servers.model import ModelServer, answering, asked_of

AskingShop = Callable[..., Shop]


def schema_of(shop: Shop) -> SourceSchema:
    space = shop.space
    return schemas(space, space.pipeline("sales"))["sales"]


def field_of(found: SourceSchema, name: str) -> Field:
    field = found.field(name)
    assert field is not None
    return field


def test_what_the_rows_bear_out_is_taken(asking_shop: AskingShop) -> None:
    types = {
        "customer": {"type": "text", "description": "Who bought", "personal": True},
        "total": {"type": "decimal(10,2)", "unit": "EUR"},
        "email": {"semantic": "email", "nullable": True},
    }
    with ModelServer(answering(types)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        found = schema_of(shop)
    assert str(field_of(found, "customer").type) == "text"
    assert field_of(found, "customer").pii
    assert field_of(found, "customer").description == "Who bought"
    assert field_of(found, "total").unit == "EUR"
    assert field_of(found, "email").nullable
    assert found.proposer == "llm"
    assert found.warnings == ()
    assert len(server.asked) == 1


def test_what_the_rows_contradict_goes_back_masked_and_is_overruled_in_the_end(asking_shop: AskingShop) -> None:
    types = {"email": {"type": "int64", "semantic": "iban"}, "state": {"nullable": False, "unit": "kg"}}
    with ModelServer(answering(types)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        found = schema_of(shop)
    assert str(field_of(found, "email").type) == "text"
    assert field_of(found, "email").semantic == "email"
    assert "was overruled" in str(field_of(found, "email").why)
    assert [warning.split(":")[0] for warning in found.warnings] == ["sales.email", "sales.state"]
    assert len(server.asked) == 3  # twice it was sent back
    complaint = server.bodies[1]["messages"][-1]["content"]
    assert "50 of 50 values are no int64, for example one of the form aaaaa9@aaaa.aa+" in complaint
    assert "buyer" not in server.heard


def test_every_claim_that_the_rows_contradict_has_a_masked_value_of_its_own(asking_shop: AskingShop) -> None:
    names = ("email", "state", "customer", "at")
    types = {name: {"type": "date", "semantic": "iban"} for name in names} | {"id": {"semantic": "iban"}}
    types["address"] = {"type": "date", "semantic": "email"}
    with ModelServer(answering(types)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", [{**one, "address": one["email"]} for one in sales(range(50))])
        schema_of(shop)
    told = json.loads(server.bodies[1]["messages"][-1]["content"].partition("\n")[2])
    for name in names:
        assert "values are no date, for example one of the form " in told[name]["type"], told
        assert "the values are not of that kind, for example one of the form " in told[name]["semantic"], told
    assert told["state"]["type"].endswith("of the form aaaa")
    assert set(told["email"]["semantic"].rpartition(" ")[2]) <= set("Aa9@.+")
    assert set(told["id"]) == {"semantic"}
    assert set(told["address"]) == {"type"}  # they are e-mail addresses, and no dates
    assert "buyer" not in server.heard


def test_numbers_and_booleans_of_json_are_no_texts_but_identifiers_may_be(asking_shop: AskingShop) -> None:
    names = ("gross", "open", "seconds", "customer", "state")
    with ModelServer(answering({name: {"type": "text"} for name in names})) as server:
        shop = asking_shop(server)
        more = [{"gross": n * 1.5, "open": n % 2 == 0, "seconds": n} for n in range(50)]
        shop.drop("sales", "a", [sale(n) | more[n] for n in range(50)])
        found = schema_of(shop)
    assert [str(field_of(found, name).type) for name in names] == ["decimal(18,2)", "boolean", "int32", "text", "text"]
    told = json.loads(server.bodies[1]["messages"][-1]["content"].partition("\n")[2])
    assert list(told) == ["gross", "open", "seconds"]
    assert told["gross"]["type"].startswith("all its values are JSON numbers or booleans, no texts, for example one of")
    assert len(found.warnings) == 3


def test_a_unit_that_name_or_values_contradict_is_refused_as_is_one_of_what_is_no_number(
    asking_shop: AskingShop,
) -> None:
    types = {
        "state": {"type": "int32", "unit": "kg", "semantic": "latitude"},  # no row bears the type out
        "distance_km": {"unit": "miles"},
        "price": {"unit": "USD"},
        "wind_speed_ms": {"unit": "m/s"},
        "length_m": {"unit": "minutes"},
    }
    with ModelServer(answering(types)) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", [
            sale(n) | {"distance_km": n, "price": f"{n},50 €", "wind_speed_ms": n, "length_m": n} for n in range(50)
        ])  # fmt: skip
        found = schema_of(shop)
    units = {name: field_of(found, name).unit for name in types}
    told = {"state": None, "distance_km": "km", "price": "EUR", "wind_speed_ms": "m/s", "length_m": "minutes"}
    assert units == told
    assert field_of(found, "state").semantic is None
    assert [warning.split(":")[0] for warning in found.warnings] == ["sales.state", "sales.distance_km", "sales.price"]


def test_a_claim_that_is_corrected_when_it_comes_back_is_taken(asking_shop: AskingShop) -> None:
    first, second = {"at": {"format": "%d/%m/%Y"}}, {"at": {"description": "When it was placed"}}

    def says(body: dict[str, object]) -> object:
        return answering(first if len(body["messages"]) == 2 else second)(body)  # type: ignore[arg-type]

    with ModelServer(says) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        found = schema_of(shop)
    assert field_of(found, "at").description == "When it was placed"
    assert str(field_of(found, "at").type) == "timestamptz"


def test_one_bad_value_does_not_contradict_a_type(asking_shop: AskingShop) -> None:
    with ModelServer(answering({"customer": {"type": "int32"}})) as server:
        shop = asking_shop(server)
        rows = [sale(number, customer=str(number % 3)) for number in range(500)]
        shop.drop("sales", "a", [*rows, sale(900, customer="nobody")])
        found = schema_of(shop)
    assert str(field_of(found, "customer").type) == "int32"


@pytest.mark.parametrize(
    ("claimed", "key"), [(["id"], ()), (["customer"], ()), (["nothing"], ()), (["total", "at"], ("total", "at"))]
)
def test_a_candidate_key_must_tell_all_rows_apart(
    asking_shop: AskingShop, claimed: list[str], key: tuple[str, ...]
) -> None:
    with ModelServer(answering({}, key=claimed)) as server:
        shop = asking_shop(server)
        shop.sales_pipeline(sources={"sales": {"kind": "file", "path": "in/sales/*.jsonl"}})
        rows = [
            sale(1 + number % 5, total=f"{number % 10}.50", at=f"2026-01-0{1 + number // 10}T00:00:00Z")
            for number in range(50)
        ]
        shop.drop("sales", "a", rows)
        assert schema_of(shop).key == key


def test_what_the_file_says_of_a_field_is_not_asked(asking_shop: AskingShop) -> None:
    with ModelServer(answering({"total": {"type": "text"}})) as server:
        shop = asking_shop(server)
        source = {
            "kind": "file",
            "path": "in/sales/*.jsonl",
            "key": ["id"],
            "fields": {"total": {"type": "decimal(12,2)"}},
        }
        shop.sales_pipeline(sources={"sales": source})
        shop.drop("sales", "a", sales(range(50)))
        found = schema_of(shop)
    assert str(field_of(found, "total").type) == "decimal(12,2)"
    assert "total" not in [field["field"] for field in asked_of(server.bodies[0])["fields"]]


def test_fields_in_records_and_lists_are_asked_about_and_checked_likewise(asking_shop: AskingShop) -> None:
    said = {
        '"Größe (cm)"': {"description": "How tall it is", "unit": "cm"},
        "who.age": {"type": "int64", "unit": "years"},
        "items[].sku": {"type": "text", "description": "The article"},
        "items[].price": {"type": "decimal(10,2)", "unit": "EUR"},
        "items[].note": {"type": "date"},
        "items[].parts[].n": {"type": "int64"},
        "tags[]": {"type": "text", "description": "A word"},
        "tags": {"type": "int64"},
    }
    with ModelServer(answering(said)) as server:
        shop = asking_shop(server)
        rows = [
            sale(number, **{"Größe (cm)": number, "who": {"age": str(number)}, "tags": [number, 7]})
            | {"items": [{"sku": number, "price": "9.5", "note": "so", "parts": [{"n": "1"}]}] * 2}
            for number in range(50)
        ]
        shop.drop("sales", "a", rows)
        found = schema_of(shop)
        space = shop.space
        origin = EachFrom(source="sales", each="items")
        each = made_relation(space, space.pipeline("sales"), origin, {"sales": found})
    items = field_of(found, "items").children[0]
    assert str(items.type) == "record{sku: text, price: decimal(10,2), note: text, parts: list<record{n: int64}>}"
    assert field_of(found, "items").type.element == items.type
    assert str(field_of(found, "who").type) == "record{age: int64}"
    assert field_of(found, "tags").children[0].description == "A word"
    assert field_of(found, "Größe (cm)").description == "How tall it is"
    assert [warning.split(": ")[0] for warning in found.warnings] == ["sales.items[].note", "sales.tags"]
    assert (
        "100 of 100 values are no date, for example one of the form aa" in server.bodies[1]["messages"][-1]["content"]
    )
    told = {one.name: (str(one.type), one.unit, one.description) for one in each.fields[:2]}
    assert told == {"sku": ("text", None, "The article"), "price": ("decimal(10,2)", "EUR", told["price"][2])}


def test_without_an_answer_the_inferrer_s_word_holds_and_a_warning_says_so(asking_shop: AskingShop) -> None:
    with ModelServer([Reply({"error": {"message": "wrong key"}}, 401)]) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        found = schema_of(shop)
        assert schema_of(shop) == found
    assert found.proposer == "embedded"
    assert found.warnings == (
        "sales: typed by the embedded inferrer, as openai/test-1 gave no answer: "
        "it refused the key (401): set the one that `llm.key` names",
    )
    assert len(server.asked) == 1


def test_a_stored_schema_asks_nobody(asking_shop: AskingShop) -> None:
    with ModelServer(answering({})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        schema_of(shop)
        schema_of(shop)
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"share": "none"}, "llm.share is none: nothing may leave"),
        ({"key": "${secret:env/NOT_THERE}"}, "there is no key for openai/test-1: the secret env/NOT_THERE is not set"),
        ({"model": "anthropic/claude-x", "key": None, "base_url": None}, "there is no key for anthropic/claude-x"),
    ],
)
def test_where_nothing_can_be_asked_it_says_why(asking_shop: AskingShop, settings: dict[str, str], why: str) -> None:
    with ModelServer(answering({})) as server:
        shop = asking_shop(server, **settings)
        shop.drop("sales", "a", sales(range(5)))
        found = schema_of(shop)
    assert not server.asked
    assert found.warnings[0].startswith(f"sales: typed by the embedded inferrer: {why}")


def test_the_command_shows_what_was_asked(asking_shop: AskingShop) -> None:
    with ModelServer(answering({"total": {"unit": "EUR"}})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", sales(range(50)))
        assert shop.octopipe("schema", "sales").returncode == 0
    listed = json.loads(shop.octopipe("llm", "list", "--json").stdout)["calls"]
    assert [(call["pipeline"], call["purpose"], call["state"]) for call in listed] == [("sales", "schema", "answered")]
    assert (listed[0]["tokens_in"], listed[0]["tokens_out"]) == (100, 20)
    shown = json.loads(shop.octopipe("llm", "show", str(listed[0]["id"]), "--json").stdout)
    assert "EUR" in shown["answer"]
    assert '"total"' in shown["prompt"].replace("\\", "")
    assert "openai/test-1" in shop.octopipe("llm", "list").stdout
    page = shop.octopipe("llm", "show", str(listed[0]["id"]))
    assert page.returncode == 0, page.stderr
    assert '"unit": "EUR"' in page.stdout
    assert shop.octopipe("llm", "show", "99").returncode == 2


def test_a_semantic_type_is_held_against_all_values_not_a_sample(asking_shop: AskingShop) -> None:
    good = sorted((f"#{n:06x}" for n in range(3000)), key=value_hash)[:1200]
    bad = sorted((f"nobody {n}" for n in range(4000)), key=value_hash)[-400:]  # none of them is in a sample
    with ModelServer(answering({"c7": {"semantic": "colour"}})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", [sale(n, c7=one) for n, one in enumerate([*good, *bad])])
        found = schema_of(shop)
    assert field_of(found, "c7").semantic is None
    assert "400 of 1600 distinct values are not of that kind" in str(field_of(found, "c7").why)
    assert len(server.asked) == 3


def test_of_more_values_than_are_looked_at_it_is_said_how_many_were(
    asking_shop: AskingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octo_resources.flow.consulting.every_value.MOST", 1500)
    with ModelServer(answering({"c7": {"semantic": "colour"}})) as server:
        shop = asking_shop(server)
        shop.drop("sales", "a", [sale(n, c7=f"#{n:06x}") for n in range(2000)])
        found = schema_of(shop)
    assert field_of(found, "c7").semantic == "colour"
    said = "semantic type held against 1,500 distinct values, not all"
    assert str(field_of(found, "c7").why).startswith(said)
    assert found.warnings == (f"sales.c7: {said}",)


def test_values_that_come_again_are_counted_once() -> None:
    found = judged([["DE", "FR"], ["FR", "nowhere"], []], "country_code", TEXT, monotonic() + 60)
    assert (found.values, found.invalid, found.all, found.holds) == (3, 1, True, False)
    assert not judged([["DE"] * 1, [f"x{n}" for n in range(5000)]], "country_code", TEXT, 0.0).all
