"""Sources: what brings data from outside into landed batches."""

from octo_resources.sources.extract import extract

__all__ = ["extract"]
