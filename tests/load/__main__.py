"""``python -m tests.load``: 64 clients, 4 daemons, 20,000 requests on a Redis server of its own."""

import argparse
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

import redis

from tests.load.play import Load, play
from tests.redis_server import RedisServer

MIB = 1 << 20


def main() -> int:
    """Play it; 0 when nothing was lost and nothing ran twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    for field in fields(Load):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--fsync", default="everysec", help="appendfsync of the server [everysec]")
    asked = vars(parser.parse_args())
    kept = ("--appendonly", "yes", "--appendfsync", asked.pop("fsync"))
    load = Load(**asked)
    with tempfile.TemporaryDirectory(prefix="aexp-load-") as folder:
        server = RedisServer(Path(folder) / "server", kept).start()
        try:
            tally = play(load, server.url("load", options="&open=yes"), Path(folder))
            with redis.Redis(port=server.port) as admin:
                memory = admin.info("memory")
        finally:
            server.kill()
    sys.stdout.write(f"{tally.told_in(load)}\n")
    sys.stdout.write(f"server: {memory['used_memory_peak'] / MIB:.0f} MiB at most\n")
    for name in ("lost", "twice", "unheard", "left"):
        sys.stdout.writelines(f"{name}: {one}\n" for one in sorted(getattr(tally, name))[:20])
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
