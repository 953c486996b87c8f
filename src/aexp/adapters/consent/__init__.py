"""Adapters for where a person's decisions come from."""
