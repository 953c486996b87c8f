"""Adapters for the place on a node where a daemon can be found."""
