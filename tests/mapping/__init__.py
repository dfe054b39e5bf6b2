"""Tests of matching, proposing and layering."""
