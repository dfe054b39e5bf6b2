"""One reason is told once, whatever was done without a model."""

from octo_core.asking.unanswered import once

WHY = "it refused the key (401)"


def test_the_same_reason_is_told_once() -> None:
    assert once(
        [
            "shop.sale: doubtful, look at them first: note",
            f"shop.sale: proposed by the embedded matcher, as openai/x gave no answer: {WHY}",
            f"shop.customer: proposed by the embedded matcher, as openai/x gave no answer: {WHY}",
            f"sales: typed by the embedded inferrer, as openai/x gave no answer: {WHY}",
            "customers: typed by the embedded inferrer, as openai/x gave no answer: it did not answer in time",
        ]
    ) == (
        "shop.sale: doubtful, look at them first: note",
        f"shop.sale, shop.customer, sales: typed and proposed without a model, as openai/x gave no answer: {WHY}",
        "customers: typed by the embedded inferrer, as openai/x gave no answer: it did not answer in time",
    )


def test_also_where_nothing_was_asked() -> None:
    why = "llm.share is none: nothing may leave"
    assert once([f"proposed by the embedded matcher: {why}", f"sales: typed by the embedded inferrer: {why}"]) == (
        f"sales: typed and proposed without a model: {why}",
    )
