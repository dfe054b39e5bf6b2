"""A pipeline's steps as assets, one file each, from left to right: raw, schema, destination, mapping, approval, tables."""
