"""Sources: what brings data from outside into landed batches."""

from octo_resources.sources.extract import extract
from octo_resources.sources.probe import ProbeResult, probe
from octo_resources.sources.sample import sample

__all__ = ["ProbeResult", "extract", "probe", "sample"]
