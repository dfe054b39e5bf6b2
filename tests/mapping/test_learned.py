"""The learned part of the score and the vectors that it may use."""

import pytest

from octo_core.mapping import combiner, embedding, match
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.scoring import Method, product, score

SOURCE = [Attribute("smoker", values=("yes", "no")), Attribute("kg", values=("71", "64"))]
TARGET = [Attribute("tobacco_use", text="whether the person smokes"), Attribute("body_weight"), Attribute("colour")]
WITHOUT = Method(None, combiner.shipped("plain"))


def test_it_works_without_the_vectors() -> None:
    assert match(["qty", "zzqx"], ["quantity", "colour"], method=WITHOUT).assignment == {
        "qty": "quantity",
        "zzqx": None,
    }


def test_every_feature_of_the_models_is_made() -> None:
    from octo_core.mapping.scoring import weighed

    hand, shares = weighed(SOURCE, TARGET)
    sides = combiner.Sides(SOURCE, TARGET, hand.score, {**hand.parts, **shares}, hand.score, hand.score)
    names = set(combiner.table(sides).names)
    assert set(combiner.shipped("plain").features) < set(combiner.shipped("embedding").features) <= names


def test_one_row_or_column_is_enough() -> None:
    for source, target in ((["a"], ["a"]), (["a"], ["a", "b"]), (["a", "b"], ["a"])):
        assert match(source, target, method=WITHOUT).assignment["a"] == "a"


def test_what_has_no_evidence_has_no_score_however_few_rivals_it_has() -> None:
    found = score([Attribute("humidity")], [Attribute("salary")], product()).score[0, 0]
    assert found < 0.1


def test_a_text_becomes_at_most_so_many_pieces() -> None:
    assert embedding.tokens("") == [101, 102]
    assert len(embedding.tokens("word " * 500)) == embedding.MAX_TOKENS
    assert embedding.tokens("Tumör") == embedding.tokens("tumor")
    assert embedding.tokens("\U00012000") == [101, 100, 102]


@pytest.mark.skipif(embedding.installed() is None, reason="the extra `embedding` is not installed")
def test_vectors_know_what_letters_do_not() -> None:
    encoder = embedding.installed()
    assert encoder is not None
    found = embedding.likeness(SOURCE, TARGET, encoder)
    assert found[0].argmax() == 0
    assert (embedding.likeness(SOURCE, TARGET, encoder) == found).all()
    assert match([Attribute("smoker")], TARGET).assignment == {"smoker": "tobacco_use"}
