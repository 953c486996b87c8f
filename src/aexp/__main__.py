"""``python -m aexp``: the command line."""

from aexp.cli.main import main

if __name__ == "__main__":
    main()
