"""The keys of tables and sources whose names Dagster would not take."""

import pytest

from octo_assets.names import raw_key, schema_key, table_keys
from octo_core.spec.pipeline import PipelineSpec


@pytest.mark.parametrize(
    ("tables", "keys"),
    [
        (["public.flight", 'public."My.Table"'], [["public", "flight"], ["public", "My.Table"]]),
        (['"Börse"."Trade"', 'public."a b"'], [["Borse", "Trade"], ["public", "a_b"]]),
        (['public."注文"', 'public."表"'], [["public", "table_266125dd"], ["public", "table_c35f8084"]]),
        (["public.a_b", 'public."a b"'], [["public", "a_b"], ["public", "a_b_78e65ff9"]]),
    ],
)
def test_tables_of_any_name_have_keys_that_dagster_takes(tables: list[str], keys: list[list[str]]) -> None:
    document = {
        "name": "p",
        "sources": {"s": {"kind": "file", "path": "x.csv"}},
        "destination": {"kind": "postgres", "url": "postgresql://x"},
        "tables": {table: {} for table in tables},
    }
    found = table_keys(PipelineSpec.model_validate(document))
    assert [list(key.path[1:]) for key in found.values()] == keys
    names = [key.to_python_identifier() for key in found.values()]
    assert all(name.isascii() and name.isidentifier() for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("source", "part"),
    [("flights", "flights"), ("a b", "a_b"), ("my-source", "my-source"), ("病房", "source_3dc1bd63")],
)
def test_sources_of_any_name_have_keys_that_dagster_takes(source: str, part: str) -> None:
    for key in (raw_key("p", source), schema_key("p", source)):
        assert key.path[-1] == part
        assert key.to_python_identifier().isascii()
        assert key.to_python_identifier().isidentifier()
