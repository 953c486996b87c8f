"""Which day it is, for the person whose sandboxes are dated."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from aexp.domain.errors import SettingsError
from aexp.domain.text import visible
from aexp.settings import configured


def today_of(root: str | None = None) -> date:
    """Today's date in the time zone that is set for a repository: by default that of this machine.

    Raises:
        SettingsError: there is no such time zone.
    """
    zone = configured(root).sandbox_timezone
    return date.today() if zone == "local" else datetime.now(zone_of(zone)).date()


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        SettingsError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as exc:
        raise SettingsError(
            f"The setting sandbox.timezone (AEXP_SANDBOX_TIMEZONE) is {visible(name)}, which is no time "
            "zone of this machine.",
            "Set it to local, UTC, or a name such as Europe/Berlin.",
        ) from exc
