"""The plain sentences that a reader of the plan gets: why a column has its expression, or has none."""

from typing import Final

from octo_core.catalog import Column, Table
from octo_core.mapping.assembled import Offer
from octo_core.mapping.attribute import Attribute
from octo_core.schema import SourceSchema

_SAID: Final = 0.3
"""Evidence below this is not worth a word."""


def why(
    offer: Offer,
    target: Attribute,
    said: tuple[tuple[str, float], ...],
    note: str,
    *,
    rival: str | None = None,
    reused: bool = False,
    twins: tuple[str, ...] = (),
) -> str:
    """One sentence that names the evidence, then what is done to the value, then what is doubtful."""
    evidence = dict(said)
    source = offer.uses[-1] if offer.expressions is not None else offer.attribute.name
    found = []
    made = offer.expressions is not None and offer.attribute.name not in offer.uses
    if made and offer.attribute.name == target.name:  # the column itself, as it was made before
        return note
    if made and evidence.get("name", 0) >= _SAID:
        found.append(f"{target.name} asks for the {offer.attribute.name}")
    elif evidence.get("name", 0) >= _SAID:
        exact = evidence["name"] >= 0.999
        found.append(f"the names {source} and {target.name} {'are the same' if exact else 'are alike'}")
    if evidence.get("text", 0) >= _SAID and (target.text or not made):
        found.append(f"label {_short(target.text)!r} says it" if target.text else "its description says it")
    if not found and evidence.get("meaning", 0) >= 0.4:
        found.append(f"{source} and {target.name} mean much the same")
    if evidence.get("values", 0) >= _SAID:
        known = "the column's list" if target.closed else "values already known there"
        found.append(f"its values are among {known}")
    if evidence.get("kind", 0) >= _SAID:
        same = _same_type(offer.attribute, target)
        found.append(f"both are {target.type}" if same else f"its values look like {offer.attribute.semantic}")
    if evidence.get("key", 0) >= 1:
        found.append("both are part of the key")
    if evidence.get("range", 0) >= 0.5:
        found.append("their ranges agree")
    sentence = ", ".join(found) or "the little there is (type, shape of the values, position) fits best"
    tail = [note] if note else []
    tail += [f"{rival} fits as well: look at it"] if rival else []
    tail += [f"{source} fits {', '.join(twins[:3])} as well: look at them"] if twins else []
    tail += ["the field also feeds another column"] if reused else []
    return "; ".join([sentence, *tail])


def unmapped_reason(column: Column, table: Table, schema: SourceSchema, nearest: tuple[str, float, bool] | None) -> str:
    """Why a column stays without an expression, and what to do where that would refuse every row."""
    if column.generated is not None:
        return "the destination computes it"
    if column.identity == "always":
        return "an identity column: the destination numbers its rows"
    if column.identity is not None or (column.default or "").startswith("nextval("):
        return "the destination numbers its rows"
    near = ""
    if nearest is not None and not nearest[2]:
        near = f"; the nearest, {nearest[0]}, cannot be made {column.type}"
    elif nearest is not None:
        near = f"; the nearest, {nearest[0]}, has too little evidence ({nearest[1]:.2f})"
    reason = f"no field of {schema.source} fits{near}"
    if column.required:
        return (
            f"{reason}. The column is required, so no row can be loaded without it: give it a field or a constant, in "
            f"mapping.yaml or by `octopipe map NAME --set {table.name}.{column.name}=EXPR`"
        )
    if column.default is not None:
        return f"{reason}; the column's default applies: {column.default}"
    return f"{reason}; it stays null"


def _same_type(left: Attribute, right: Attribute) -> bool:
    return left.type is not None and right.type is not None and left.type.family == right.type.family


def _short(text: str) -> str:
    return text if len(text) <= 70 else text[:67].rsplit(" ", 1)[0] + "…"
