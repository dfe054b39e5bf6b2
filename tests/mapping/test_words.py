"""Names are cut into words, whatever their style and script."""

import pytest

from octo_core.mapping.words import content_words, meanings, stem, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sched_dep_time", ("sched", "dep", "time")),
        ("schedDepTime", ("sched", "dep", "time")),
        ("HTTPStatusCode", ("http", "status", "code")),
        ("tailnum", ("tail", "num")),
        ("lastname", ("lastname",)),
        ("address2", ("address", "2")),
        ("产品名称", ("产品", "名称")),
        ("عنوان العميل", ("عنوان", "عميل")),
        ("  Ünit-Price (€) ", ("unit", "price")),
        ("", ()),
        ("___", ()),
    ],
)
def test_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


def test_words_that_say_nothing_are_left_out_unless_nothing_else_is_there() -> None:
    assert content_words("date of the order") == ("date", "order")
    assert content_words("of the") == ("of", "the")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dep", "departs"),
        ("qty", "quantity"),
        ("dob", "birthday"),
        ("名称", "name"),
        ("price", "價錢"),
        ("tel", "phone"),
    ],
)
def test_abbreviations_synonyms_and_languages_share_a_meaning(one: str, other: str) -> None:
    assert meanings(one) & meanings(other)


def test_stems() -> None:
    assert stem("airlines") == stem("airline")
    assert stem("cancelled") == stem("cancels") + "l" or stem("loaded") == stem("loads")
    assert stem("status") == "status"
