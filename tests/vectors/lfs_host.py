"""A host that keeps git repositories and the large files of git-lfs, over https with a password."""

import json
import re
from pathlib import Path

from tests.vectors.web import AUTHORIZATION, Handler, http_backend

_BATCH = re.compile(r"(/.+\.git)/info/lfs/objects/batch")
_OBJECT = re.compile(r"/.+\.git/large/([0-9a-f]{64})")
_TYPE = "application/vnd.git-lfs+json"


class GitHostHandler(Handler):
    """Needs of its server: ``root`` (the repositories), ``large`` (large files by name), ``port``."""

    def serve(self) -> None:
        if self.headers.get("Authorization") != AUTHORIZATION:
            self.body()
            self.refuse()
            return
        path = self.path.partition("?")[0]
        if match := _BATCH.fullmatch(path):
            self._batch(match[1])
        elif match := _OBJECT.fullmatch(path):
            self._object(match[1])
        elif "/info/lfs/" in path:
            self.body()
            self.answer(404, {"Content-Type": _TYPE}, b'{"message": "no locks here"}')
        else:
            status, headers, data = http_backend(self, Path(self.server.root))
            self.answer(
                status, {**headers, "Set-Cookie": "session=canary; Max-Age=99999; Path=/"}, data
            )

    def _batch(self, repository: str) -> None:
        asked = json.loads(self.body())
        wanted = asked["operation"]
        objects = []
        for one in asked["objects"]:
            href = (
                f"https://localhost:{self.server.server_address[1]}{repository}/large/{one['oid']}"
            )
            needed = wanted == "download" or one["oid"] not in self.server.large
            actions = {wanted: {"href": href}} if needed else {}
            objects.append({**one, "authenticated": False, "actions": actions})
        told = {"transfer": "basic", "objects": objects}
        self.answer(200, {"Content-Type": _TYPE}, json.dumps(told).encode())

    def _object(self, oid: str) -> None:
        data = self.body()
        if self.command == "PUT":
            self.server.large[oid] = data
            self.answer(200, {})
        else:
            self.answer(200, {}, self.server.large[oid])
