"""SQL sources: tables and queries of a database, typed by its catalog, read in one snapshot as Arrow."""
