"""Alembic's migrations of the registry; octo_resources.registry.migration runs them."""
