"""Alembic's entry: migrates over the connection that octo_resources.registry.migration hands in, in its transaction."""

from alembic import context

from octo_resources.registry.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
