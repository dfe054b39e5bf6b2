"""The registry. Importing it costs SQLAlchemy (0.25 s), so commands that need none import it within their functions."""

from octo_resources.registry.registry import Registry

__all__ = ["Registry"]
