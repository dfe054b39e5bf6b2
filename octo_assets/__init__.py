"""The Dagster code location: one component that makes a pipeline's assets, checks and schedules."""
