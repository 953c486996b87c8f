"""Adapters for telling a person that consent is waiting."""
