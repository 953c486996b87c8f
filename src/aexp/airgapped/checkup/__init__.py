"""The checks of ``aexp relay doctor``, by what they look at."""
