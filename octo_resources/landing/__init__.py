"""The landing zone: what was extracted, kept as it came, so that a load can be repeated without the source."""

from octo_resources.landing.landing import Landing
from octo_resources.landing.retention import Cleaned
from octo_resources.landing.writer import BatchWriter

__all__ = ["BatchWriter", "Cleaned", "Landing"]
