"""Adapters for time."""
