"""What git is run with on the login node, settled once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aexp.adapters.workshop.git_settings import GitSettings
from aexp.adapters.workshop.ssh_settings import SshSettings


@dataclass(frozen=True)
class GitTools:
    """What was settled at the daemon's start.

    Attributes:
        git: the absolute path of git.
        lfs: whether git-lfs is installed outside the home.
        base: the environment of every program.
        home: the resolved home.
        houses: the folder of private git directories.
        hooks: an empty folder, for git's hooks.
        lfs_hooks: a folder with the one hook that uploads what git-lfs keeps.
        ssh_program: the absolute path of ssh, for a user who has set no other.
    """

    git: str
    lfs: bool
    base: Mapping[str, str]
    home: Path
    houses: Path
    hooks: Path
    lfs_hooks: Path
    settings: GitSettings
    ssh: SshSettings
    ssh_program: str = "/usr/bin/ssh"
