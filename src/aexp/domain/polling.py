"""How long to wait between two looks at the queue: seconds as pure functions of elapsed seconds.

Short while something is likely to happen, long when nothing does: file servers pay for every
look. The numbers follow the measurements in ``docs/filesystems.md``.
"""

CLIENT_FIRST_S = 0.005
CLIENT_NEAR_S = 0.1
CLIENT_MOST_S = 0.25
CLIENT_PATIENT_S = 2.0
CLIENT_CONSENT_S = 5.0
FOLLOWER_S = 0.4
FOLLOWER_MOST_S = 2.0
FOLLOWS_FOR_S = 60.0
CONSOLE_S = 1.0
CONSOLE_MOST_S = 3.0
DAEMON_BUSY_S = 0.01
DAEMON_IDLE_S = 0.3
DAEMON_DOZING_S = 1.5
DOZES_AFTER_S = 90.0
BUSY_FOR_S = 1.0
MARKERS_MOST_S = 12.0
JITTER = 0.2
TICK_S = 1.0
SHORT_S = 0.002
"""Seconds that a wait may end too early without anything having happened."""


def client_wait(elapsed_s: float, *, for_consent: bool = False, near: bool = False) -> float:
    """Seconds until a client that has waited ``elapsed_s`` looks again.

    From 5 ms to 250 ms within the first two seconds, then slowly to 2 s, or to 5 s while a person is
    being waited for.

    Args:
        near: whether the daemon runs on this machine, so that an event will tell: fewer looks at first.
    """
    if near and elapsed_s < 2.0:
        return min(max(elapsed_s, CLIENT_NEAR_S), CLIENT_MOST_S)
    if elapsed_s < 2.0:
        return min(max(elapsed_s / 8, CLIENT_FIRST_S), CLIENT_MOST_S)
    most = CLIENT_CONSENT_S if for_consent else CLIENT_PATIENT_S
    return min(CLIENT_MOST_S + (elapsed_s - 2.0) / 40, most)


def follower_wait(quiet_s: float) -> float:
    """Seconds until a log is read again that has not grown for ``quiet_s``.

    0.4 s for a minute, so that a line is seen within a second of its coming (the daemon appends to a log
    twice a second); from then on slowly to 2 s.
    """
    if quiet_s < FOLLOWS_FOR_S:
        return FOLLOWER_S
    return min(FOLLOWER_S + (quiet_s - FOLLOWS_FOR_S) / 60, FOLLOWER_MOST_S)


def console_wait(quiet_s: float) -> float:
    """Seconds until a console looks again that has seen no change for ``quiet_s``.

    1 s for a minute, then slowly to 3 s, which it reaches after three minutes.
    """
    if quiet_s < FOLLOWS_FOR_S:
        return CONSOLE_S
    return min(CONSOLE_S + (quiet_s - FOLLOWS_FOR_S) / 60, CONSOLE_MOST_S)


def daemon_wait(quiet_s: float) -> float:
    """Seconds until a daemon looks again whose queue has been quiet for ``quiet_s``.

    10 ms for a second after the last activity, growing to 300 ms within the next six; from a minute and a
    half of quiet on slowly to 1.5 s, which a daemon that nobody needs reaches after four and a half minutes.
    """
    if quiet_s < BUSY_FOR_S:
        return DAEMON_BUSY_S
    if quiet_s < DOZES_AFTER_S:
        return min(DAEMON_BUSY_S + (quiet_s - BUSY_FOR_S) / 20, DAEMON_IDLE_S)
    return min(DAEMON_IDLE_S + (quiet_s - DOZES_AFTER_S) / 150, DAEMON_DOZING_S)


def markers_wait(quiet_s: float) -> float:
    """Seconds until a quiet daemon looks again for the files by which people decide.

    As long as it waits anyway while it is busy, 12 s in the end. Approvals over the socket do not wait.
    """
    if quiet_s < BUSY_FOR_S:
        return DAEMON_BUSY_S
    return min(daemon_wait(quiet_s), DAEMON_IDLE_S) + min(quiet_s / 60, 1.0) * (
        MARKERS_MOST_S - DAEMON_IDLE_S
    )


def until_tick(elapsed_s: float) -> float:
    """Seconds until a waiting client says again how things stand: whoever shows the seconds shows each."""
    return max(TICK_S - elapsed_s % TICK_S, SHORT_S)


def jittered(wait_s: float, dice: float) -> float:
    """``wait_s`` moved by up to 20 %, so that many waiters do not look in step.

    Args:
        wait_s: seconds.
        dice: a random number from 0 to 1.
    """
    return wait_s * (1 - JITTER / 2 + JITTER * dice)
