"""Where vectors are tried that need a remote over ssh."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.vectors.grounds import Ground
from tests.vectors.sshd import GitHost


@dataclass
class SshGround(Ground):
    """A home whose working copies have remotes on a git host, reached with the user's key."""

    host: GitHost = field(init=False)

    def furnish(self) -> None:
        outside = self.site.outside
        self.host = GitHost(outside / "githost", self.site.home, outside / "bin")

    def url_of(self, origin: Path) -> str:
        return self.host.url_of(origin)

    def close(self) -> None:
        super().close()
        self.host.close()
