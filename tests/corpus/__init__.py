"""Requests and files that a hostile program may leave in the queue; see :mod:`tests.corpus.cases`."""
