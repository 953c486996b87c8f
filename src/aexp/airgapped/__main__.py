"""``python -m aexp.airgapped daemon|status|install-helpers --queue PATH [--log PATH]``."""

from aexp.cli.original import main

if __name__ == "__main__":
    main()
