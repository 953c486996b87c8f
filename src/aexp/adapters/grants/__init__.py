"""Adapters for the memory of grants."""
