"""Adapters for terminals that outlive the one that they were opened from."""
