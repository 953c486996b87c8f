"""What a promotion writes: the script, then the line in the sandbox's README."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from aexp.domain.errors import FilesystemError, SandboxError
from aexp.domain.sandbox import shown_path
from aexp.domain.sandbox_promoted import Promotion, with_promotion
from aexp.domain.text import visible
from aexp.ports.filesystem import Filesystem
from aexp.sandbox.promotion_places import Target
from aexp.sandbox.promotion_source import Source

_ATTEMPTS = 5


@dataclass(frozen=True)
class Record:
    """The script and the README as they will be.

    Attributes:
        target: where the script goes.
        text: the script.
        promotion: what the README tells.
        readme: the README's path, links followed; None where there is none.
        shown: the same from the repository's root on.
        before: its text.
    """

    target: Target
    text: str
    promotion: Promotion
    readme: str | None
    shown: str
    before: str

    @classmethod
    def of(
        cls, source: Source, target: Target, text: str, promotion: Promotion, files: Filesystem
    ) -> "Record":
        """All that can be known before anything is written.

        Raises:
            SandboxError: a path cannot stand in the README, or that lies outside the repository.
            FilesystemError: the README cannot be read.
        """
        promotion.line()
        readme = files.resolve(f"{source.sandbox}/README.md")
        if files.kind(readme) is None:
            return cls(target, text, promotion, None, "", "")
        if not readme.startswith(f"{source.root}/"):
            raise SandboxError(
                "The sandbox's README.md is a link that leads out of the repository.",
                "Put a file in its place.",
            )
        shown = shown_path(readme, source.root)
        return cls(target, text, promotion, readme, shown, files.read_text(readme))

    @property
    def doubts(self) -> list[str]:
        """What cannot be written."""
        line = f"the sandbox has no README.md to take the line: {self.promotion.line()}"
        return [line] if self.readme is None else []

    def diff(self) -> str:
        """All that is changed, as a unified diff."""
        pieces = [*_diff("", self.text, None, self.target.shown)]
        if self.readme is not None:
            after = with_promotion(self.before, self.promotion)
            pieces += _diff(self.before, after, self.shown, self.shown)
        return "".join(pieces)

    def write(self, files: Filesystem) -> None:
        """Make the script, then tell of it. Ctrl-C in between does not keep it from being told.

        Raises:
            KeyboardInterrupt: with a note that says what is there.
            SandboxError: somebody has taken the script's name meanwhile. Nothing was changed.
            FilesystemError: the script cannot be made, and then nothing was changed; or it was, and
                the README could not be.
        """
        try:
            if not files.create_file(self.target.path, self.text):
                raise SandboxError(
                    f"{visible(self.target.shown, limit=500)} exists already, and is never overwritten.",
                    "Give another name, or move it away first.",
                )
            self._tell(files)
        except KeyboardInterrupt as stop:
            stop.add_note(self._finished(files))
            raise

    def _finished(self, files: Filesystem) -> str:
        """What is there after an interruption, the line in the README among it where the script is."""
        script = visible(self.target.shown, limit=500)
        if files.kind(self.target.path) is None or files.read_text(self.target.path) != self.text:
            return f"Nothing was promoted: {script} was not written."
        try:
            self._tell(files)
        except FilesystemError as exc:
            return str(exc)
        line = "" if self.readme is None else f", and the line in {visible(self.shown, limit=500)}"
        return f"{script} was written{line}."

    def _tell(self, files: Filesystem) -> None:
        if self.readme is None:
            return
        readme, why = self.readme, "it changes all the time"
        try:
            # Somebody may be writing in the README at this very moment: their text is kept.
            for _ in range(_ATTEMPTS):
                now = files.read_text(readme)
                if files.replace_file(readme, now, with_promotion(now, self.promotion)):
                    return
        except FilesystemError as exc:
            why = exc.what
        raise FilesystemError(
            f"The script {visible(self.target.shown, limit=500)} is written, but "
            f"{visible(self.shown, limit=500)} could not be: {why}",
            f"Add the line yourself: {self.promotion.line()}",
        )


def _diff(before: str, after: str, old: str | None, new: str) -> Iterator[str]:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{old}" if old else "/dev/null",
        f"b/{new}",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
