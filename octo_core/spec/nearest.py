"""The nearest known name to one that is unknown: the end of every 'no such thing' message."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name most like `name`, or None where nothing is like it. Case does not count against a name."""
    from difflib import SequenceMatcher  # 8 ms, and only a mistake needs it

    best, score = None, cutoff
    for candidate in known:
        ratio = SequenceMatcher(None, name.casefold(), candidate.casefold()).ratio()
        if ratio > score or (ratio == score and best is None):
            best, score = candidate, ratio
    return best


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or the few names there are, or nothing where there is nothing helpful to say."""
    names = list(known)
    found = nearest(name, names)
    if found is not None:
        return f" Did you mean '{found}'?"
    if names and len(names) <= 12:
        return f" Known: {', '.join(sorted(names))}."
    return ""
