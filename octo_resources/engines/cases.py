"""Fields whose names differ only in upper and lower case: DuckDB takes such columns for one, so they are spelled apart.

A path's canonical text never ends in a dot, and `path_parts` passes over one: `ID.` and `ID..` are the field `ID`.
"""

from collections.abc import Iterable, Mapping, Sequence

from octo_core.expressions import Node, path_parts, paths
from octo_core.expressions.tree import renamed
from octo_resources.engines.whole import WHOLE


def apart(columns: Mapping[str, Node], taken: Iterable[str] = ()) -> dict[str, Node]:
    """A mapping whose paths name columns that no engine mixes up. `taken`: paths that keep their names."""
    seen = {path.casefold(): 0 for path in taken}
    names: dict[str, str] = {}
    for path in dict.fromkeys(path for node in columns.values() for path in paths(node)):
        if path in taken:
            continue
        alike = seen.get(path.casefold(), -1) + 1
        seen[path.casefold()] = alike
        if alike:
            names[path] = path + "." * alike
    return {target: renamed(node, names) for target, node in columns.items()} if names else dict(columns)


def canonical_path(path: str) -> str:
    """A path as expressions write it."""
    return path.rstrip(".").removesuffix(WHOLE)


def mixed_up(wanted: Sequence[str]) -> bool:
    """Whether some of these paths, or what they are in, differ only in upper and lower case."""
    heads = {parts[: size + 1] for parts in map(path_parts, wanted) for size in range(len(parts))}
    return len({tuple(str(part).casefold() for part in head) for head in heads}) < len(heads)
