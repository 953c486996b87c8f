"""What the relay is measured against, in the same run and on the same filesystem."""
