"""Many clients and several daemons on one Redis server, in small; ``make load`` plays it in full."""

from pathlib import Path

from tests.load.play import Load, play
from tests.redis_server import RedisServer


def test_nothing_is_lost_and_nothing_runs_twice_while_daemons_are_killed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    load = Load(clients=16, daemons=4, requests=320, kills=4)
    tally = play(load, redis_server.url("load", options="&open=yes"), tmp_path)
    assert tally.good, tally.told_in(load)
    assert sum(tally.told.values()) == 320
    assert tally.killed == 4
