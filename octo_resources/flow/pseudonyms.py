"""The key of `pseudonym(text)`: from $OCTOPIPE_PSEUDONYM_KEY, never in a plan, a log or the SQL that is shown."""

from octo_resources.flow.workspace import Workspace
from octo_resources.redaction import remember

VARIABLE = "OCTOPIPE_PSEUDONYM_KEY"


def pseudonym_key(space: Workspace) -> bytes | None:
    """The key as bytes, or None where none is configured: `pseudonym` sets every row aside then."""
    text = space.project.environment.get(VARIABLE)
    if not text:
        return None
    remember(text)
    return text.encode()
