"""Edits of YAML texts: they say what was meant and leave every other line as it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from octo_core.errors import UsageError
from octo_core.spec.document import parse_document
from octo_core.spec.edits import rendered, with_value, without

TEXT = """\
# Orders of the shop
sources:
  orders:          # from the till
    kind: file
    path: "samples/*.csv"   # one a day
    options: {delimiter: ";", header: true}

# where they go
destination:
  kind: postgres
  url: ${env:WAREHOUSE_URL:-postgresql://x@y/z}

tables:
  public.orders:
    from: orders
    key: [id]
    labels:
      note: >
        a long
        label
      state: one of A, B   # closed list
    # the end of orders
  public.empty:

needs: []  # nobody
"""


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """(lines gone, lines new)."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_a_value_is_replaced_where_it_stands() -> None:
    gone, new = changed(TEXT, with_value(TEXT, ["sources", "orders", "path"], "other.csv"))
    assert gone == ['    path: "samples/*.csv"   # one a day']
    assert new == ["    path: other.csv   # one a day"]


def test_a_new_source_goes_above_the_comment_of_what_follows() -> None:
    edited = with_value(TEXT, ["sources", "more"], {"kind": "rest", "url": "${env:API}/x"})
    gone, new = changed(TEXT, edited)
    assert gone == []
    assert new == ['  more: {kind: rest, url: "${env:API}/x"}'] or new == ["  more: {kind: rest, url: '${env:API}/x'}"]
    assert edited.index("  more:") < edited.index("# where they go")


def test_a_flow_mapping_over_several_lines_grows_before_its_comment() -> None:
    text = "sources: {\n  o: {kind: file,\n      path: a,}  # first\n}\n"
    edited = with_value(with_value(text, ["sources", "o", "format"], "csv"), ["sources", "p"], {"kind": "push"})
    assert edited == ("sources: {\n  o: {kind: file,\n      path: a, format: csv,}, p: {kind: push}  # first\n}\n")


def test_a_flow_mapping_grows_and_shrinks_in_its_line() -> None:
    longer = with_value(TEXT, ["sources", "orders", "options", "skip"], 2)
    assert '    options: {delimiter: ";", header: true, skip: 2}' in longer.splitlines()
    shorter = without(TEXT, ["sources", "orders", "options", "delimiter"])
    assert "    options: {header: true}" in shorter.splitlines()


def test_a_label_becomes_more_than_text() -> None:
    edited = with_value(TEXT, ["tables", "public.orders", "labels", "state"], {"label": "x", "pii": True})
    assert "      state: {label: x, pii: true}   # closed list" in edited.splitlines()


def test_an_empty_entry_is_filled() -> None:
    edited = with_value(TEXT, ["tables", "public.empty", "labels", "a"], "b")
    assert parse_document(edited, "").data["tables"]["public.empty"] == {"labels": {"a": "b"}}
    assert "# nobody" in edited


def test_a_block_scalar_is_replaced_wholly() -> None:
    edited = with_value(TEXT, ["tables", "public.orders", "labels", "note"], "short")
    assert "      note: short\n      state: one of A, B   # closed list\n" in edited


def test_removing_takes_the_entry_and_its_line_comment() -> None:
    gone, new = changed(TEXT, without(TEXT, ["tables", "public.orders", "labels", "state"]))
    assert gone == ["      state: one of A, B   # closed list"]
    assert new == []


def test_removing_the_only_entry_leaves_an_empty_mapping() -> None:
    edited = without(TEXT, ["sources", "orders"])
    assert parse_document(edited, "").data["sources"] == {}
    assert "# where they go" in edited


@pytest.mark.parametrize("path", [["sources", "nothing"], ["needs", "x"], ["sources", "orders", "kind", "x"]])
def test_what_is_not_there_cannot_be_removed(path: list[str]) -> None:
    with pytest.raises(UsageError):
        without(TEXT, path)


def test_a_reference_in_a_flow_mapping_survives_unquoted() -> None:
    text = "a: {key: ${secret:env/X}, b: 1}\n"
    assert with_value(text, ["a", "b"], 2) == "a: {key: ${secret:env/X}, b: 2}\n"


_names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6).filter(
    lambda name: "$" not in name and name != "<<"
)
_values = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12).filter(lambda text: "$" not in text),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.none(),
)
_data = st.recursive(
    _values,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_names, inner, max_size=4)),
    max_leaves=8,
)


@example({"a": "0E0", "1e5": "-.5e3"}, "b", "+7")
@given(st.dictionaries(_names, _data, min_size=1, max_size=4), _names, _data)
def test_what_is_written_is_what_is_read(data: dict[str, object], key: str, value: object) -> None:
    text = rendered(data)
    assert parse_document(text, "").data == data
    edited = with_value(text, [key], value)
    assert parse_document(edited, "").data == {**data, key: value}
    left = parse_document(without(edited, [key]), "").data or {}
    assert left == {name: kept for name, kept in data.items() if name != key}
