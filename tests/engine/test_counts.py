"""The scan's numbers: batch by batch, and they add up."""

from octo_resources.engines.duckdb import row_of, split_row
from octo_resources.engines.duckdb.inputs import Numbered
from octo_resources.engines.duckdb.lines import lines
from octo_resources.engines.duckdb.scan import NEW_FIELDS, OTHER_FIELDS
from tests.engine.landed import VARIABLES, Land, schema

FIELDS = schema({"a": "int64", "b": "text"}, {"a": "number"})


def test_each_batch_has_its_own_counts(land: Land) -> None:
    land.add('{"a": 1, "b": "x"}\n{"a": 2}\n', batch="b1").add('{"a": 3, "b": "y"}\n', batch="b1")
    land.add('{"a": "q", "b": "x"}\n{"a": 4, "b": "x", "new": 1}\nbroken\n', batch="b2")
    found = land.evaluate(FIELDS)
    first, second = found.scan.batches["b1"], found.scan.batches["b2"]
    assert (first.rows_read, first.refused, first.missing) == (3, 0, {"b": 1})
    assert (second.rows_read, second.refused, second.malformed) == (3, 2, 1)
    assert second.contract_failures == {"a": 1}
    assert second.new_fields == {"new": 1}


def test_row_numbers_name_the_file_and_the_line(land: Land) -> None:
    land.add('{"a": 1}\n').add("\n").add('\n{"a": 2}\n{"a": "x"}\n')
    found = land.evaluate(FIELDS)
    assert [split_row(row) for row in found.column("_row")] == [(0, 1), (2, 2)]
    assert found.payloads == {row_of(2, 3): '{"a": "x"}'}


def test_a_row_that_fails_later_on_counts_against_no_contract(land: Land) -> None:
    """300 is a fine number for the field, only the target's type is too small for it."""
    found = land.add('{"a": 300}\n{"a": "x"}\n').evaluate(FIELDS, {"t": "cast(a as int8)"})
    assert [one.column for one in found.refused] == ["t", "t"]
    assert found.refused[0].value == "300"
    assert found.scan.contract_failures == {"a": 1}


def test_reasons_are_counted_without_the_rows_values(land: Land) -> None:
    found = land.add("".join(f'{{"a": "v{number}"}}\n' for number in range(50))).evaluate(FIELDS)
    assert list(found.scan.refused.reasons.values()) == [50]
    assert '"v7"' in found.reasons[7]


def test_a_flood_of_new_keys_is_counted_together(land: Land) -> None:
    land.add("".join(f'{{"a": 1, "k{number}": 1}}\n' for number in range(NEW_FIELDS + 500)))
    found = land.evaluate(FIELDS)
    assert len(found.scan.new_fields) <= NEW_FIELDS + 1
    assert found.scan.new_fields[OTHER_FIELDS] == 500


def test_a_line_past_the_limit_is_never_held(land: Land) -> None:
    land.add('{"a": 1}\n{"a": 2, "b": "' + "x" * 5000 + '"}\n{"a": 3}\n')
    bad: list[tuple[int, str, str | None]] = []
    batches = list(lines(Numbered(0, land.inputs[0]), lambda *one: bad.append(one), chunk=100, longest=1000))
    assert [row for batch in batches for row in batch.column("!row").to_pylist()] == [1, 3]
    assert [row for row, _, _ in bad] == [2]


def test_what_is_fixed_for_a_load_is_the_same_in_every_row(land: Land) -> None:
    texts = {"t": "load_time()", "i": "load_id()", "p": "pseudonym(b)"}
    found = land.add('{"b": "x"}\n' * 3 + '{"b": "x", "c": 1.5e3}\n').evaluate(FIELDS, texts)
    assert set(found.column("t")) == {VARIABLES.load_time}
    assert set(found.column("i")) == {"01JX"}
    assert len(set(found.column("p"))) == 1


def test_fields_that_differ_only_in_case_are_never_taken_for_one_another(land: Land) -> None:
    inner = "record{x: text, X: text}"
    fields = schema({"id": "text", "ID": "text", "Id": "int32", "a": inner, "A": inner})
    deep = '"a": {"x": "1", "X": "2"}, "A": {"x": "3", "X": "4"}'
    land.add(f'{{"id": "x", "ID": "y", "Id": 1, {deep}}}\n{{"ID": "w", "Id": "no"}}\n')
    assert land.evaluate(fields, {"t": '"ID"'}).column("t") == ["y", "w"]
    texts = {"t": '"ID" || id', "i": '"Id"', "x": "A.x", "y": 'a."X"', "z": 'A."X"'}
    found = land.evaluate(fields, texts)
    assert found.rows == [{"t": "yx", "i": 1, "x": "3", "y": "2", "z": "4", "_row": 1}]
    assert [(one.column, one.value) for one in found.scan.refused] == [("i", "no")]


def test_no_files_and_no_columns_are_no_error(land: Land) -> None:
    assert land.evaluate(FIELDS).scan.rows_read == 0
    assert len(land.add('{"a": 1}\n').evaluate(FIELDS, {"one": "1"}).rows) == 1
