"""Tests of type inference."""
