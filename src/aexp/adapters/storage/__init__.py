"""Adapters for the queue's storage."""
