"""``python -m aexp``: the command line."""

import sys

if not sys.flags.safe_path:
    # `python -m` looks for modules in the current folder first; whoever writes there must not run code here.
    del sys.path[0]

from aexp.cli.main import main

if __name__ == "__main__":
    main()
