"""The steps of a load as library calls, against real files and a real PostgreSQL."""
