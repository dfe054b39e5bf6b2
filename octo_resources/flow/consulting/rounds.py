"""How long a conversation with a model goes on."""

from typing import Final

ROUNDS: Final = 2
"""How often refused claims go back."""
