"""One warning for one reason: sources and tables for which a model gave no answer are told together."""

import re
from collections.abc import Iterable
from typing import Final

_ALONE: Final = re.compile(
    r"(?:(?P<part>[^:]+): )?(?:typed by the embedded inferrer|proposed by the embedded matcher)"
    r"(?:, as (?P<model>\S+) gave no answer)?: (?P<why>.+)",
    re.DOTALL,
)


def once(warnings: Iterable[str]) -> tuple[str, ...]:
    """The warnings, where several say that something was done without a model for one reason, as one of them."""
    said = list(dict.fromkeys(warnings))
    found = {text: match for text in said if (match := _ALONE.fullmatch(text))}
    groups: dict[tuple[str | None, str], list[str]] = {}
    for text, match in found.items():
        groups.setdefault((match["model"], match["why"]), []).append(text)
    merged: list[str] = []
    for text in said:
        group = groups[found[text]["model"], found[text]["why"]] if text in found else [text]
        if len(group) == 1:
            merged.append(text)
        elif group[0] == text:
            merged.append(_together([found[one] for one in group]))
    return tuple(merged)


def _together(group: list[re.Match[str]]) -> str:
    parts = ", ".join(dict.fromkeys(one["part"] for one in group if one["part"]))
    tail = f", as {group[0]['model']} gave no answer" if group[0]["model"] else ""
    return f"{f'{parts}: ' if parts else ''}typed and proposed without a model{tail}: {group[0]['why']}"
