"""Where vectors are tried that need a remote over https, and a thief who waits for its password."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.vectors.grounds import Ground
from tests.vectors.lfs_host import GitHostHandler
from tests.vectors.web import PASSWORD, USER, Certificate, Server, Thief, make_certificate
from tests.world import executable

_HELPER = """#!/bin/sh
[ "$1" = get ] || exit 0
[ -e {outside}/expired ] && exit 0
answers=
while read -r line; do
  [ "$line" = host=localhost:{port} ] && answers=1
done
[ "$answers" ] || [ -e {outside}/generous ] || exit 0
printf 'username={user}\\npassword={password}\\n'
"""


@dataclass
class HttpsGround(Ground):
    """A home whose working copies have remotes over https.

    The user's own settings name the host's certificate and a credential helper. It answers for that host
    alone; for every host once there is a file ``generous``, and for none once there is a file ``expired``.

    Attributes:
        host: keeps the repositories; ``https://localhost:<port>``.
        proxy: the thief as a proxy, in plain http.
        stranger: the thief under another address and on the port of the host.
        stolen: the credentials that the thief was given.
        large: the large files that the host was given, by their names.
    """

    host: Server = field(init=False)
    proxy: Server = field(init=False)
    stranger: Server = field(init=False)
    thief: Certificate = field(init=False)
    stolen: list[str] = field(init=False, default_factory=list)
    large: dict[str, bytes] = field(init=False, default_factory=dict)

    def furnish(self) -> None:
        outside = self.site.outside
        own = make_certificate(outside, "host")
        self.thief = make_certificate(outside, "thief")
        root = self.site.home / "origins"
        root.mkdir()
        address = ("127.0.0.1", 0)
        self.host = Server(GitHostHandler, address, own, root=root, large=self.large)
        steals = {"stolen": self.stolen, "thief_context": self.thief.context()}
        self.proxy = Server(Thief, ("127.0.0.1", 0), None, **steals)
        self.stranger = Server(Thief, ("127.0.0.2", self.host.port), self.thief, **steals)
        helper = executable(
            outside / "bin/credential-helper",
            _HELPER.format(outside=outside, port=self.host.port, user=USER, password=PASSWORD),
        )
        with (self.site.home / ".gitconfig").open("a") as settings:
            settings.write(
                f"[http]\n\tsslCAInfo = {own.certificate}\n[credential]\n\thelper = {helper}\n"
            )

    def url_of(self, origin: Path) -> str:
        return f"https://localhost:{self.host.port}/{origin.name}"

    def close(self) -> None:
        super().close()
        for server in (self.host, self.proxy, self.stranger):
            server.close()
