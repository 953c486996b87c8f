"""Adapters for running the operations."""
