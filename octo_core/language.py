"""The version of the expression language, in a place of its own: asking for it loads nothing."""

from typing import Final

LANGUAGE_VERSION: Final = 3
"""Part of every fingerprint: goes up when the meaning of any expression changes."""
