"""What a pipeline may still spend: looked up and set aside in one step, so that two processes cannot both spend it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from octo_core.spec.llm import Budget
from octo_resources.registry.calls import Spent

DAYS: Final = 30
LEAST_REPLY: Final = 100
"""Tokens; a reply that may not even be as long is not asked for."""
Cost = Callable[[int, int], Decimal | None]
"""US dollars for tokens in and out; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one call may take: `tokens` in all attempts (None: no limit), `reply` for one answer."""

    reply: int
    tokens: int | None = None


def allowed(budget: Budget, spent: Spent, asked: int, reply: int, cost: Cost, model: str) -> Allowance | str:
    """The most that a call may use which asks with so many tokens; or why it may not be made, for a person."""
    left: int | None = None
    if budget.tokens is not None:
        left = budget.tokens - spent.tokens
        if left - asked < LEAST_REPLY:
            return (
                f"the budget of {budget.tokens:,} tokens in {DAYS} days does not reach for it "
                f"({spent.tokens:,} are used)"
            )
        reply = min(reply, left - asked)
    if budget.money is not None:
        question, million = cost(asked, 0), cost(0, 1_000_000)
        if question is None or million is None:
            return f"nobody says what {model} costs, and there is a budget in money: say it in llm.price"
        room = budget.money - spent.money - question
        affordable = reply if not million else int(room * 1_000_000 / million)
        if room < 0 or affordable < LEAST_REPLY:
            return f"the budget of {budget.money} USD in {DAYS} days does not reach for it ({spent.money:.4f} are used)"
        reply = min(reply, affordable)
        most = affordable + asked
        left = most if left is None else min(left, most)
    return Allowance(reply, left)
