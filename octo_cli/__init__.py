"""The `octopipe` command."""
