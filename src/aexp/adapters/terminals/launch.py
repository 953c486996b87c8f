"""Run inside a terminal, by its path: become the job that a file of this machine describes.

A tmux server that was started long ago gives its own environment to what it starts, and what stands on a
command line can be read by every user of the machine. So the job comes in a private file, which is gone
before the job begins. The standard library is all that may be imported: nothing says yet where aexp is.
"""

import json
import os
import subprocess
import sys

KEPT = ("TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLORTERM", "TMUX", "TMUX_PANE")
"""What the terminal alone can say."""
GONE = 69


def main(path: str) -> None:
    """Read the job, remove its file, become it. Does not return."""
    try:
        with open(path, encoding="utf-8") as file:
            job = json.load(file)
        os.unlink(path)
    except FileNotFoundError:
        sys.stderr.write("This start is over. Start the daemon with: aexp relay up\n")
        sys.exit(GONE)
    _keep_last_words(job["tmux"])
    environ = {name: value for name, value in job["environ"].items() if name not in KEPT}
    environ.update({name: os.environ[name] for name in KEPT if name in os.environ})
    os.chdir(job["cwd"])
    os.execve(job["argv"][0], job["argv"], environ)  # noqa: S606


def _keep_last_words(tmux: str) -> None:
    """Let the window of a job that fails stay; before tmux 3.2 that of any job."""
    option = [tmux, "set-option", "-w", "-t", os.environ.get("TMUX_PANE", ""), "remain-on-exit"]
    for value in ("failed", "on"):
        done = subprocess.run([*option, value], stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            break


if __name__ == "__main__":
    main(sys.argv[1])
