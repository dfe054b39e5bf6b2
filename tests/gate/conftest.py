"""The same shop as in tests/flow."""

from tests.flow.conftest import shop

__all__ = ["shop"]
