"""Serving over standard input and output, until the client closes its end."""

import logging
import os
import signal
import sys

from aexp.cli.mcp.relay import Relay
from aexp.cli.mcp.server import server_of


def serve(relay: Relay) -> None:
    """Serve one client. Standard output carries the protocol alone; what is logged goes to standard error."""
    # Before the SDK sets up its own, which draws boxes around tracebacks.
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="aexp mcp: %(levelname)s %(message)s"
    )
    # A thread of the SDK waits for standard input and would hold the process. There is nothing to tidy up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        server_of(relay).run("stdio")
    except* BrokenPipeError:
        # The client went away without a word. There is nobody left to tell, and the requests go on.
        pass
    finally:
        # What a library printed meanwhile may be held back until the process ends: it is not for the client.
        if sys.stderr is not None:
            os.dup2(sys.stderr.fileno(), 1)
