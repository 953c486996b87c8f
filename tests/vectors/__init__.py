"""Ways in which whoever can write the shared home might reach the login node through the relay.

Each vector plants something in a throwaway home, asks for one operation, and says how its success would be
seen: a canary. :mod:`tests.e2e.test_vectors` runs all of them against a real daemon with real git, where
nothing may be seen, and those that are known to work also against the original command lines, where
something must be.

``python -m tests.vectors`` prints the table for the documentation.
"""
