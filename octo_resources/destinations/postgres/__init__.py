"""The PostgreSQL destination, 14 and later: its catalog, its state tables, and the one transaction that writes."""

from octo_resources.destinations.postgres.destination import PostgresDestination

__all__ = ["PostgresDestination"]
