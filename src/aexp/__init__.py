"""aexp: work from compute nodes without internet, and keep exploratory notebooks in order.

Two surfaces, both opt-in: importing ``aexp`` loads neither.

- :mod:`aexp.airgapped`, a relay that lets a compute node pull, push and sync through a login node;
- :mod:`aexp.sandbox`, dated folders for notebooks that are not tracked experiments yet.
"""

__version__ = "0.1.0"


def load_ipython_extension(ipython: object) -> None:
    """What ``%load_ext aexp`` calls: the magic ``%relay`` (see :mod:`aexp.cli.jupyter`)."""
    from aexp.cli.jupyter import load

    load(ipython)
