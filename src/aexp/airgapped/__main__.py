"""``python -m aexp.airgapped daemon|status|install-helpers --queue PATH [--log PATH]``."""

import sys

if not sys.flags.safe_path:
    # `python -m` looks for modules in the current folder first; whoever writes there must not run code here.
    del sys.path[0]

from aexp.cli.original import main

if __name__ == "__main__":
    main()
