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
    exec(compile(pydantic_source(SCHEMA), "generated.py", "exec"), module.__dict__)
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


@pytest.mark.parametrize("wrong", [{"id": None}, {"id": 2**40}, {"day": "x"}, {"who": {"name": 1}}, {"at": NO_ZONE}])
def test_a_wrong_record_is_refused(model: type[BaseModel], wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({**TYPED, **wrong})


def test_the_json_schema_is_one_and_says_formats_and_keys() -> None:
    schema = json_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["x-octopipe-key"] == ["id"]
    assert schema["required"] == ["id"]
    assert schema["properties"]["day"]["x-octopipe-format"] == "%d/%m/%Y"
    assert schema["properties"]["unit price"]["x-octopipe-type"] == "decimal(18,2)"
    jsonschema.validate({"id": 1, "who": {"name": "a", "tags": [], "points": []}}, schema)
