"""Adapters for how the last daemon on a node was set up."""
