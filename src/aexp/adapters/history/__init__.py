"""Adapters for what git knows of the user's own working copy."""
