"""Files of settings in this process's memory, for tests."""

from collections.abc import Mapping

from aexp.ports.configuration import ConfigurationFiles, Document


class MemoryConfigurationFiles(ConfigurationFiles):
    """One user, and any number of repositories.

    Args:
        user: what the user's file holds; None for no file.
        repositories: root to what its file holds.
        loose: why others could have written the user's file.
    """

    def __init__(
        self,
        user: object = None,
        repositories: Mapping[str, object] | None = None,
        loose: str = "",
    ) -> None:
        self._user = user
        self._repositories = dict(repositories or {})
        self._loose = loose

    def user_path(self, environ: Mapping[str, str]) -> str:
        return "/home/config.yaml"

    def user(self, environ: Mapping[str, str]) -> Document | None:
        if self._user is None:
            return None
        return Document(self.user_path(environ), self._user, self._loose)

    def repository_path(self, start: str) -> str:
        roots = [root for root in self._repositories if f"{start}/".startswith(f"{root}/")]
        return f"{max(roots, key=len)}/.aexp/config.yaml" if roots else ""

    def repository(self, start: str) -> Document | None:
        path = self.repository_path(start)
        root = path.removesuffix("/.aexp/config.yaml")
        return Document(path, self._repositories[root]) if path else None
