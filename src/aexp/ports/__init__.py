"""What the rules need from outside, as small protocols in the domain's words."""
