"""aexp: work from compute nodes without internet, and keep exploratory notebooks in order.

Two surfaces, both opt-in: importing ``aexp`` loads neither.

- :mod:`aexp.airgapped`, a relay that lets a compute node pull, push and sync through a login node;
- :mod:`aexp.sandbox`, dated folders for notebooks that are not tracked experiments yet.
"""

__version__ = "0.1.0"
