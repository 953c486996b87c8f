"""What the login node's owner accepts, and what is remembered of working copies, through the command line."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.site import Site
from tests.world import executable


@pytest.fixture
def filtered(site: Site) -> Site:
    """A working copy with a filter of its own, as notebooks often have."""
    program = executable(site.home / "bin/strip", "#!/bin/sh\ncat > /dev/null\necho clean\n")
    site.git("config", "filter.strip.clean", str(program))
    site.git("config", "filter.strip.smudge", "cat")
    (site.repo / ".gitattributes").write_text("*.ipynb filter=strip\n")
    (site.repo / "a.ipynb").write_text("output\n")
    site.git("add", "-A")
    site.git("commit", "-q", "-m", "a notebook")
    (site.repo / "a.ipynb").write_text("other output\n")
    return site


def test_a_refused_setting_names_the_command_that_accepts_it(filtered: Site) -> None:
    site = filtered
    site.serve()
    for key in ("filter.strip.clean", "filter.strip.smudge"):
        refused = site.relay("git-status")
        assert refused.returncode == 65
        assert f"sets {key} = " in refused.stderr
        command = f"aexp relay trust --cwd {site.repo} --key {key}"
        assert command in refused.stderr
        accepted = site.aexp(*command.split()[1:])
        assert accepted.returncode == 0
        assert f"trusted: {key} = " in accepted.stdout
    done = site.relay("git-status")
    assert (done.returncode, done.stdout.strip()) == (0, site.git("status", "--porcelain=v2"))


def test_what_was_accepted_is_the_value_and_not_the_name(filtered: Site) -> None:
    site = filtered
    for key in ("filter.strip.clean", "filter.strip.smudge"):
        assert site.relay("trust", "--key", key).returncode == 0
    site.serve()
    assert site.relay("git-status").returncode == 0
    site.git("config", "filter.strip.clean", "touch canary; cat")
    refused = site.relay("git-status")
    assert refused.returncode == 65
    assert "filter.strip.clean" in refused.stderr
    assert not (site.repo / "canary").exists()


def test_what_was_accepted_can_be_taken_back(filtered: Site) -> None:
    site = filtered
    for key in ("filter.strip.clean", "filter.strip.smudge"):
        site.relay("trust", "--key", key)
    assert site.relay("trust", "--forget").returncode == 0
    site.serve()
    assert site.relay("git-status").returncode == 65


def test_a_setting_that_is_not_there_cannot_be_accepted(site: Site) -> None:
    done = site.relay("trust", "--key", "filter.none.clean")
    assert done.returncode == 78
    assert "has no setting filter.none.clean" in done.stderr


def test_a_path_remote_works_once_it_is_trusted(site: Site) -> None:
    del site.env["AEXP_RELAY_TRUST_REMOTES"]
    site.serve()
    refused = site.relay("fetch")
    assert refused.returncode == 65
    command = f"aexp relay trust --remote {site.origin}"
    assert command in refused.stderr
    assert site.aexp(*command.split()[1:]).returncode == 0
    assert site.relay("fetch").returncode == 0
    assert site.relay("trust", "--remote", str(site.origin), "--forget").returncode == 0
    assert site.relay("fetch").returncode == 65


def test_a_link_to_a_trusted_path_is_judged_by_where_it_leads(site: Site) -> None:
    other = site.home / "other.git"
    site.git("clone", "-q", "--bare", str(site.origin), str(other))
    link = site.home / "link.git"
    link.symlink_to(site.origin)
    site.git("remote", "set-url", "origin", str(link))
    site.serve()
    assert site.relay("fetch").returncode == 0
    link.unlink()
    link.symlink_to(other)
    assert site.relay("fetch").returncode == 65


def test_strict_wants_the_working_copy_registered_first(site: Site) -> None:
    site.serve("--strict")
    waiting = site.relay("fetch", "--timeout", "2")
    assert waiting.returncode == 75
    registered = site.relay("trust")
    assert registered.returncode == 0
    assert f"registered: origin (fetch) {site.origin} in {site.repo}" in registered.stdout
    assert site.relay("fetch").returncode == 0


def test_a_changed_url_waits_with_both_urls_shown_and_runs_once_approved(site: Site) -> None:
    fork = site.home / "fork.git"
    site.git("clone", "-q", "--bare", str(site.origin), str(fork))
    site.serve("--trust-remote", str(fork))
    assert site.relay("fetch").returncode == 0
    site.git("remote", "set-url", "origin", str(fork))
    request_id = site.relay("fetch", "--no-wait").stdout.strip()
    site.until("it waits", (site.queue / f"pending/{request_id}.json").exists)
    approved = site.relay("approve", request_id[:8], "--yes")
    assert approved.returncode == 0
    shown = approved.stdout + approved.stderr
    assert f"origin (fetch): {fork} - CHANGED, before: {site.origin}" in shown
    site.until("it ran", lambda: site.json("show", request_id)["state"] == "completed")
    assert site.relay("fetch").returncode == 0


def test_status_and_the_list_show_where_working_copies_lead(site: Site) -> None:
    site.serve()
    assert site.relay("fetch").returncode == 0
    told = f"{site.repo}: origin (fetch and push): {site.origin}"
    site.until("it is published", lambda: told in site.json("status")["destinations"])
    assert f"destination {told}" in site.relay("status").stdout
    listed = json.loads(site.relay("trust", "--list", "--json").stdout)
    assert ["origin", "fetch", str(site.origin), ""] in listed["destinations"][str(site.repo)]
    assert " pinned cwd=" in site.trail()


def test_what_is_remembered_outlives_the_daemon(site: Site) -> None:
    daemon = site.serve()
    assert site.relay("fetch").returncode == 0
    site.end(daemon)
    site.git("remote", "set-url", "origin", str(site.home / "elsewhere.git"))
    site.git("init", "-q", "--bare", str(site.home / "elsewhere.git"))
    site.serve("--trust-remote", str(site.home / "elsewhere.git"))
    assert site.relay("fetch", "--timeout", "2").returncode == 75


def test_a_change_of_ones_own_configuration_is_logged_and_has_no_effect(site: Site) -> None:
    site.serve()
    with (site.home / ".gitconfig").open("a") as file:
        file.write("[core]\n\tfsmonitor = touch canary\n[alias]\n\tx = y\n")
    site.until("it is logged", lambda: ".gitconfig has changed since the daemon" in site.trail())
    assert site.relay("git-status").stdout == ""
    assert not (site.repo / "canary").exists()


def test_trust_does_not_reach_over_from_another_node(site: Site) -> None:
    del site.env["AEXP_RELAY_TRUST_REMOTES"]
    site.serve()
    compute = {"AEXP_RELAY_STATE": str(site.home.parent / "gpu-node")}
    assert site.relay("trust", "--remote", str(site.origin), env=compute).returncode == 0
    assert site.relay("fetch").returncode == 65


def test_a_killed_daemons_borrowed_index_is_free_again(site: Site) -> None:
    daemon = site.serve()
    houses = [*site.state.glob("*/daemons/*/houses")]
    house = houses[0] / "0123"
    house.mkdir()
    mark = b"aexp relay 0123\n"
    (house / "borrowed-index").write_bytes(bytes(site.repo / ".git") + b"\0" + mark)
    lock = site.repo / ".git/index.lock"
    lock.write_bytes(mark)
    # What git had written when the daemon was killed: one more file is staged.
    (site.repo / "staged").write_text("x")
    environment = {**site.env, "GIT_INDEX_FILE": str(house / "index")}
    (house / "index").write_bytes((site.repo / ".git/index").read_bytes())
    subprocess.run(["git", "add", "staged"], cwd=site.repo, env=environment, check=True)
    daemon.kill()
    daemon.wait(timeout=60)
    there = site.colleague("theirs")
    site.serve()
    assert not lock.exists()
    assert site.git("diff", "--cached", "--name-only") == "staged"
    assert site.relay("pull").returncode == 0
    assert site.git("rev-parse", "HEAD") == there
    assert Path(site.repo / "theirs").exists()


def test_a_repository_that_is_too_much_is_refused_and_the_daemon_goes_on(site: Site) -> None:
    site.serve()
    deep = site.repo / ".git/refs/heads" / "/".join(["d"] * 200)
    deep.mkdir(parents=True)
    assert "too many folders of refs" in site.relay("fetch").stderr
    assert site.relay("git-status").returncode == 0
    subprocess.run(["rm", "-r", str(site.repo / ".git/refs/heads/d")], check=True)
    with (site.repo / ".git/config").open("a") as config:
        config.writelines(f'[remote "r{number}"]\n\turl = h:p\n' for number in range(100))
    assert "has 101 remotes" in site.relay("fetch").stderr


def test_no_hint_is_a_command_of_the_requesters_making(site: Site) -> None:
    site.serve()
    site.git("remote", "set-url", "origin", "/x$(touch canary)")
    assert "trust --remote '/x$(touch canary)'; then ask again." in site.relay("fetch").stderr
    site.git("config", "http.https://x/;touch canary;.proxy", "z")
    assert "--key 'http.https://x/;touch canary;.proxy'`" in site.relay("fetch").stderr


def test_a_clone_without_tags_and_settings_of_other_branches_refuse_nothing(site: Site) -> None:
    site.git("config", "remote.origin.tagOpt", "--no-tags")
    site.git("config", "branch.fix.remote", "https://example.invalid/fork.git")
    site.git("config", "branch.fix.merge", "refs/pull/12/head")
    site.git("config", "core.untrackedCache", "keep")
    site.serve()
    assert site.relay("fetch").returncode == 0
