"""docs/expressions.md says what the table of functions says."""

from pathlib import Path

from octo_core.expressions.docs import page
from octo_core.expressions.table import TABLE

DOCS = Path(__file__).parent.parent.parent / "docs" / "expressions.md"


def test_the_page_is_current() -> None:
    assert DOCS.read_text() == page(), "run: python -m octo_core.expressions.docs > docs/expressions.md"


def test_the_page_has_every_function() -> None:
    text = page()
    for function in TABLE.values():
        for shown in function.shown:
            assert shown in text
