"""Adapters for the memory of destinations."""
