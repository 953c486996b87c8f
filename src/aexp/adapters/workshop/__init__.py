"""Adapters that look at an order, make its private surroundings, and run it there."""
