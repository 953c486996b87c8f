"""The consent console without a screen: what there is to show, and what a person can decide."""
