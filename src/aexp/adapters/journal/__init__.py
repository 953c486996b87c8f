"""Adapters for keeping the audit trail."""
