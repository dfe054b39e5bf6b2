"""The generated Pydantic module imports, takes typed records and refuses wrong ones; names are aliased."""

import types
from datetime import UTC, date, datetime
from decimal import Decimal

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from octo_core.inference import infer_rows
from octo_core.inference.contract import json_schema
from octo_core.schema import SourceSchema
from octo_resources.codegen import pydantic_source

RECORD = {
    "id": 7, "class": "x", "unit price": Decimal("2.50"), "at": "2021-01-01T10:00:00Z", "day": "31/01/2021", "ok": True,
    "who": {"name": "a", "tags": ["x"], "points": [{"x": 1}]}, "1st": 3, "_p": "q", 'odd"\n"""name': "z",
    "contact": "a@b.org",
}  # fmt: skip
SCHEMA = SourceSchema(source="flight_legs", fields=infer_rows([RECORD, {"id": 8}]), key=("id",))
TYPED = {
    **RECORD,
    "at": datetime(2021, 1, 1, 10, tzinfo=UTC),
    "day": date(2021, 1, 31),
    "something_new": 1,
}


@pytest.fixture(scope="module")
def model() -> type[BaseModel]:
    module = types.ModuleType("generated")
    exec(compile(pydantic_source(SCHEMA, strict=True), "generated.py", "exec"), module.__dict__)
    found = module.FlightLegs
    assert isinstance(found, type)
    assert issubclass(found, BaseModel)
    found.model_rebuild(_types_namespace=module.__dict__)
    return found


def test_a_typed_record_is_taken_and_comes_back(model: type[BaseModel]) -> None:
    record = model.model_validate(TYPED)
    assert record.model_dump(by_alias=True) == TYPED
    assert isinstance(record.who, BaseModel)  # type: ignore[attr-defined]  # generated


def test_optional_keys_may_be_missing(model: type[BaseModel]) -> None:
    assert model.model_validate({"id": 8}).model_dump(by_alias=True)["class"] is None


NO_ZONE = TYPED["at"].replace(tzinfo=None)  # type: ignore[attr-defined]  # a datetime, see above


@pytest.mark.parametrize(
    "wrong", [{"id": None}, {"id": 2**40}, {"day": "x"}, {"who": "x"}, {"who": {"tags": 1}}, {"at": NO_ZONE}]
)
def test_a_wrong_record_is_refused(model: type[BaseModel], wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**TYPED, **wrong})


def test_a_record_is_read_as_its_source_has_it(model: type[BaseModel]) -> None:
    raw = {**RECORD, "unit price": "2.50", "id": "7", "ok": "true", "1st": 3.0}
    typed = {key: value for key, value in TYPED.items() if key != "something_new"}
    assert model.model_validate(raw).model_dump(by_alias=True) == typed


def test_fields_named_as_types_are_do_not_hide_them() -> None:
    names = ("date", "int", "str", "list", "Decimal", "Parsed0", "Any", "Field")
    schema = SourceSchema(source="odd", fields=infer_rows([dict.fromkeys(names, "31/01/2021") | {"n": 1}]))
    module = types.ModuleType("generated")
    exec(compile(pydantic_source(schema), "generated.py", "exec"), module.__dict__)
    module.Odd.model_rebuild(_types_namespace=module.__dict__)
    found = module.Odd.model_validate(dict.fromkeys(names, "01/02/2021")).model_dump(by_alias=True)
    assert found == {**dict.fromkeys(names, date(2021, 2, 1)), "n": None}


def test_without_strict_any_field_may_be_null_or_missing() -> None:
    module = types.ModuleType("generated")
    exec(compile(pydantic_source(SCHEMA), "generated.py", "exec"), module.__dict__)
    module.FlightLegs.model_rebuild(_types_namespace=module.__dict__)
    assert module.FlightLegs.model_validate({"id": None}).id is None


def test_values_seen_are_shown_and_others_are_taken() -> None:
    rows = [{"state": "new"}, {"state": "paid"}] * 5
    schema = SourceSchema(source="s", fields=infer_rows(rows))
    text = pydantic_source(schema)
    assert 'Literal["new", "paid"] | str' in text


def test_the_json_schema_is_one_and_says_formats_and_keys() -> None:
    schema = json_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["x-octopipe-key"] == ["id"]
    assert schema["required"] == ["id"]
    assert schema["properties"]["day"]["x-octopipe-format"] == "%d/%m/%Y"
    assert schema["properties"]["unit price"]["x-octopipe-type"] == "decimal(18,2)"
    jsonschema.validate({"id": 1, "who": {"name": "a", "tags": [], "points": []}}, schema)
