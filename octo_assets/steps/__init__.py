"""A pipeline's steps as assets, one file each: raw, schema, destination, mapping, approval, tables."""
