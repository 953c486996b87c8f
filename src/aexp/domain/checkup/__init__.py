"""What a check-up found, and from which point on a fact is a trouble. Pure."""
