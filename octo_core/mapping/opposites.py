"""Names that are alike and say the opposite (inactive and active, price_gross and price_net), or another currency."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from octo_core.mapping.words import meanings, stem, words

_NOT: Final = frozenset({"not", "non", "never", "without", "nicht", "kein", "keine", "sin", "sans", "pas", "nao"})
_PREFIXES: Final = ("in", "un", "dis", "non", "de", "ir", "il", "im")
_PAIRS: Final = """
enabled disabled, enable disable, allowed blocked, allowed forbidden, allow deny, public private, visible hidden
success failure, succeeded failed, passed failed, pass fail, present absent, online offline, alive dead, alive deceased
open closed, active deleted, active closed, active archived, won lost, on off, opt_in opt_out, optin optout
gross net, brutto netto, bruto neto, brut net, lordo netto, incl excl, including excluding, inclusive exclusive
incl excluding, including excl, ttc ht, debit credit, soll haben, buyer seller, sender recipient, sender receiver
payer payee, debtor creditor, billing shipping, bill ship, billing delivery, bill delivery, old new, previous new
before after, inbound outbound, incoming outgoing, import export, high low, home away, left right, income expense
gain loss, profit loss, ordered delivered, requested approved, buy sell, bid ask
"""
_OPPOSITES: Final = frozenset(
    frozenset(pair.split()) for line in _PAIRS.strip().splitlines() for pair in line.split(", ") if pair
)
_CODES: Final = """
eur usd gbp jpy chf cny rmb aud cad nzd sek nok dkk pln czk huf ron bgn rub uah inr brl mxn ars clp cop zar krw sgd hkd
twd thb idr myr php vnd ils aed sar qar egp ngn kes
"""
_CURRENCIES: Final = {code: code for code in _CODES.split()} | {
    "euro": "eur", "euros": "eur", "dollar": "usd", "dollars": "usd", "sterling": "gbp", "yen": "jpy",
    "rmb": "cny", "yuan": "cny", "rupees": "inr", "francs": "chf", "€": "eur",
}  # fmt: skip


def contradiction(field: str, column: str, *, of_truth: bool = False) -> tuple[str, str] | None:
    """A word of a field's name and the word of a column's that is its opposite, where neither has both; else None.

    `of_truth`: the column is a boolean, so that a `no` is no number.
    """
    mine, theirs = _words(field), _words(column)
    denies = _NOT | {"no"} if of_truth else _NOT
    for one in mine:
        for two in theirs:
            against = frozenset((one, two)) in _OPPOSITES or _negates(one, two) or (of_truth and _denies(one, two))
            if against and one not in theirs and two not in mine:
                return one, two
    for here, there in ((mine, theirs), (theirs, mine)):
        denied = {after for word, after in pairwise(here) if word in denies}
        if denied & set(there) and not denies & set(there):
            return field, column
    return None


def other_currency(field: str, column: str) -> tuple[str, str] | None:
    """The currencies that both sides say, where they are not the same: (`gbp`, `eur`); None where one says none."""
    mine, theirs = _currencies(field), _currencies(column)
    return (min(mine), min(theirs)) if mine and theirs and not mine & theirs else None


def _words(text: str) -> Sequence[str]:
    """The words of a name; `opt` and what follows are one."""
    found: list[str] = []
    for word in words(text):
        if found and found[-1] == "opt" and word in ("in", "out"):
            found[-1] = f"opt_{word}"
        else:
            found.append(word)
    return found


def _negates(one: str, two: str) -> bool:
    """Whether one of two words is the other after a syllable that denies it: inactive, unpaid."""
    short, long = sorted((one, two), key=len)
    if meanings(one) and meanings(two):
        return False  # two words that are known: a discount is no count
    return len(short) >= 4 and any(stem(long) == stem(prefix + short) for prefix in _PREFIXES)


def _denies(one: str, two: str) -> bool:
    """Whether one of two words denies what the other means, in whatever language: inactive, aktiv."""
    for word, other in ((one, two), (two, one)):
        rests = [
            word[len(prefix) :] for prefix in _PREFIXES if word.startswith(prefix) and len(word) >= len(prefix) + 4
        ]
        if not meanings(word) and any(meanings(rest) & meanings(other) for rest in rests):
            return True
    return False


def _currencies(text: str) -> set[str]:
    return {_CURRENCIES[word] for word in words(text) if word in _CURRENCIES}
