"""Adapters for files and folders outside the queue."""
