"""The rules: pure functions and frozen types. No input or output, no clock, no logging."""
