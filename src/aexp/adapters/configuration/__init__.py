"""The files of settings."""
