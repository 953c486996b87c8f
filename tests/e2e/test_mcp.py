"""`aexp mcp` as an agent's client starts it: a real process, a real daemon, real git, the SDK's client."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextResourceContents

from tests.login_host import LoginHost
from tests.site import Site, slow_git

COMMAND = ("-P", "-m", "aexp", "mcp")
PATIENCE_S = 60.0


def talking(
    site: Site,
    talk: Callable[[Client], Awaitable[Any]],
    *words: str,
    cwd: Path | None = None,
    command: Sequence[str] = (sys.executable, *COMMAND),
    env: dict[str, str] | None = None,
) -> Any:
    """What comes of a talk with a server that was started in the working copy."""

    async def never(*_: object) -> Any:
        raise AssertionError("the server asked the client for something")

    async def main() -> Any:
        server = StdioServerParameters(
            command=command[0],
            args=[*command[1:], *words],
            env=env or site.env,
            cwd=str(cwd or site.repo),
        )
        with anyio.fail_after(PATIENCE_S):
            async with Client(
                stdio_client(server), sampling_callback=never, elicitation_callback=never
            ) as client:
                return await talk(client)

    return anyio.run(main)


async def call(client: Client, tool_name: str, **arguments: object) -> dict[str, Any]:
    done = await client.call_tool(tool_name, arguments)
    assert isinstance(done.structured_content, dict)
    return done.structured_content


def test_an_agent_pushes_pulls_and_reads_what_git_said(site: Site) -> None:
    site.serve()
    pushed = site.commit("mine")

    async def talk(client: Client) -> list[dict[str, Any]]:
        status = await call(client, "relay_status")
        push = await call(client, "relay_submit", op="git_push", args=["origin", "main"], wait_s=30)
        left = await call(client, "relay_submit", op="git_fetch", wait_s=0)
        fetched = await call(client, "relay_wait", request_id=left["request_id"][:8])
        log = await call(client, "relay_log", request_id=push["request_id"])
        listed = await call(client, "relay_list")
        return [status, push, left, fetched, log, listed]

    status, push, left, fetched, log, listed = talking(site, talk)
    assert status["daemon"]["up"] is True
    assert (push["returncode"], push["state"], push["cwd"]) == (0, "completed", str(site.repo))
    assert site.git("rev-parse", "main", cwd=site.origin) == pushed
    assert "main -> main" in push["output"]
    assert "main -> main" in log["text"]
    assert (left["done"], fetched["returncode"]) == (False, 0)
    assert {one["op"] for one in listed["requests"]} == {"git_push", "git_fetch"}


def test_a_push_that_is_behind_tells_its_kind_and_the_next_step(site: Site) -> None:
    site.serve()
    site.colleague("theirs")
    site.commit("mine")

    async def talk(client: Client) -> dict[str, Any]:
        return await call(client, "relay_submit", op="git_push", args=["origin", "main"], wait_s=30)

    found = talking(site, talk)
    assert (found["returncode"], found["kind"]) == (1, "not-fast-forward")
    assert "relay_submit with op git_rebase, then" in found["next"]


def test_only_a_person_on_the_login_node_can_let_an_upload_go(site: Site) -> None:
    site.wandb()
    site.serve()

    async def talk(client: Client) -> list[dict[str, Any]]:
        asked = await call(client, "relay_submit", op="wandb_sync", wait_s=30)
        early = await call(client, "relay_wait", request_id=asked["request_id"], wait_s=1)
        words = asked["person_types"].split()[2:]
        # A person types what the agent was told to pass on.
        approved = await anyio.to_thread.run_sync(lambda: site.relay(*words, "--yes"))
        assert approved.returncode == 0, approved.stderr
        done = await call(client, "relay_wait", request_id=asked["request_id"], wait_s=30)
        return [asked, early, done]

    asked, early, done = talking(site, talk)
    assert (asked["state"], early["state"]) == ("pending", "pending")
    assert asked["person_types"] == f"aexp relay approve {asked['request_id'][:8]}"
    assert "sends data out" in asked["reason"]
    assert "1 run" in asked["sends"]
    assert (done["state"], done["returncode"]) == ("completed", 0)


def test_a_client_that_cancels_its_call_leaves_the_operation_running(site: Site) -> None:
    note = slow_git(site)
    site.serve()

    async def talk(client: Client) -> list[Any]:
        heard: list[str] = []
        fetching = anyio.Event()

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append(message or "")
            if message == "fetching":
                fetching.set()

        async def submit() -> None:
            arguments = {"op": "git_fetch", "wait_s": 300}
            await client.call_tool("relay_submit", arguments, progress_callback=hear)

        async with anyio.create_task_group() as group:
            group.start_soon(submit)
            await fetching.wait()
            # Somebody else is served meanwhile.
            status = await call(client, "relay_status")
            group.cancel_scope.cancel()
        request_id = heard[0].split()[-1]
        after = await call(client, "relay_result", request_id=request_id)
        ended = await call(client, "relay_cancel", request_id=request_id)
        last = await client.call_tool("relay_wait", {"request_id": request_id, "wait_s": 30})
        return [status, after, ended, last]

    status, after, ended, last = talking(site, talk)
    assert status["daemon"]["running"] == 1
    assert (after["state"], after["done"]) == ("running", False)
    assert note.read_text().count("\n") == 1
    assert ended["asked"] is True
    assert last.is_error
    assert last.structured_content["error"]["kind"] == "RelayCancelledError"


def test_the_requests_and_a_log_are_resources(site: Site) -> None:
    site.serve()

    async def talk(client: Client) -> list[str]:
        done = await call(client, "relay_submit", op="git_status", wait_s=30)
        texts = []
        for uri in ("relay://requests", f"relay://requests/{done['request_id']}/log"):
            [held] = (await client.read_resource(uri)).contents
            assert isinstance(held, TextResourceContents)
            texts.append(held.text)
        return [done["output"], *texts]

    output, requests, log = talking(site, talk)
    assert json.loads(requests)[0]["op"] == "git_status"
    assert output == log


def test_without_a_daemon_the_error_says_what_to_ask_the_person(site: Site) -> None:
    async def talk(client: Client) -> list[Any]:
        refused = await client.call_tool("relay_submit", {"op": "git_pull"})
        made = await call(client, "sandbox_new", slug="probe")
        return [refused, made]

    refused, made = talking(site, talk)
    assert refused.is_error
    assert refused.structured_content["error"]["kind"] == "RelayDownError"
    assert "aexp relay up" in refused.structured_content["next"]
    assert (site.repo / made["sandbox"]["dir_path"] / "README.md").is_file()


def test_the_working_copy_and_the_queue_can_be_named(site: Site) -> None:
    site.serve("--queue", str(site.home / "lab-queue"))

    async def talk(client: Client) -> list[dict[str, Any]]:
        here = await call(client, "relay_submit", op="git_status", wait_s=30)
        (site.repo / "deeper").mkdir()
        there = await call(
            client, "relay_submit", op="git_status", cwd=str(site.repo / "deeper"), wait_s=30
        )
        out = await call(client, "relay_submit", op="git_status", cwd="/etc")
        return [here, there, out]

    words = ("--queue", "lab-queue", "--cwd", "repo")
    here, there, out = talking(site, talk, *words, cwd=site.home)
    assert here["cwd"] == str(site.repo)
    assert there["cwd"] == str(site.repo / "deeper")
    assert out["error"]["kind"] == "RelayValidationError"


def test_from_a_laptop_requests_work_in_the_repository_of_the_queues_url(
    site: Site, tmp_path: Path
) -> None:
    host = LoginHost(site, tmp_path / "ssh")
    site.serve()
    (host.laptop / "thesis/.git").mkdir(parents=True)

    async def talk(client: Client) -> list[dict[str, Any]]:
        done = await call(client, "relay_submit", op="git_status", wait_s=30)
        listed = await call(client, "relay_list", cwd=".")
        out = await call(client, "relay_submit", op="git_status", cwd="/etc")
        made = await call(client, "sandbox_new", slug="probe")
        return [done, listed, out, made]

    words = ("--queue", host.url, "--cwd", str(host.laptop / "thesis"))
    try:
        done, listed, out, made = talking(site, talk, *words, cwd=host.laptop, env=host.env)
    finally:
        host.close()
    assert (done["returncode"], done["cwd"]) == (0, str(site.repo))
    assert [one["request_id"] for one in listed["requests"]] == [done["request_id"]]
    assert out["next"] == "Name a working copy of the login node with cwd, such as ~/repository."
    assert (host.laptop / "thesis" / made["sandbox"]["dir_path"]).is_dir()


def test_what_runs_beside_the_repository_is_the_installed_sdk(site: Site) -> None:
    for name in ("mcp.py", "aexp.py", "anyio.py"):
        (site.repo / name).write_text("raise SystemExit('from the repository')\n")

    async def talk(client: Client) -> int:
        return len((await client.list_tools()).tools)

    assert talking(site, talk) == 12


def test_what_is_installed_into_a_repository_starts_a_server_there(site: Site) -> None:
    before = {path: path.read_bytes() for path in site.repo.glob("*") if path.is_file()}
    installed = site.aexp("install", "--mcp", "--yes")
    assert installed.returncode == 0, installed.stderr
    assert "created    .mcp.json" in installed.stdout
    entry = json.loads((site.repo / ".mcp.json").read_text())["mcpServers"]["aexp"]
    assert entry["command"] == sys.executable
    assert site.git("status", "--porcelain", ".mcp.json") == ""
    assert site.aexp("install", "--check").returncode == 0

    async def talk(client: Client) -> dict[str, Any]:
        return await call(client, "relay_operations")

    assert len(talking(site, talk, command=[entry["command"], *entry["args"]])["operations"]) == 6
    assert site.aexp("uninstall", "--yes").returncode == 0
    assert before == {path: path.read_bytes() for path in site.repo.glob("*") if path.is_file()}


HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}


def started(site: Site, *command: str) -> "subprocess.Popen[str]":
    """A server that was greeted, and that the test speaks to by itself."""
    server = subprocess.Popen(
        [sys.executable, *command],
        cwd=site.repo,
        env=site.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    say(server, {"id": 1, "method": "initialize", "params": HELLO})
    say(server, {"method": "notifications/initialized"})
    return server


def say(server: "subprocess.Popen[str]", message: dict[str, Any]) -> None:
    assert server.stdin is not None
    print(json.dumps({"jsonrpc": "2.0", **message}), file=server.stdin, flush=True)


def calling(number: int, tool_name: str, **arguments: object) -> dict[str, Any]:
    meta = {"progressToken": number}
    params = {"name": tool_name, "arguments": arguments, "_meta": meta}
    return {"id": number, "method": "tools/call", "params": params}


@pytest.mark.parametrize("rudely", [False, True])
def test_a_client_that_goes_away_ends_the_server_and_no_request(site: Site, rudely: bool) -> None:
    note = slow_git(site)
    site.serve()
    with started(site, *COMMAND) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        say(server, calling(2, "relay_submit", op="git_fetch", wait_s=300))
        while "fetching" not in server.stdout.readline():
            pass
        if rudely:
            server.stdout.close()
        server.stdin.close()
        assert server.wait(timeout=PATIENCE_S) == 0
        assert server.stderr.read() == ""
    assert site.json("status")["running"] == 1
    assert note.read_text().count("\n") == 1


DECIDERS = (
    *("aexp.airgapped.approver", "aexp.airgapped.approval", "aexp.airgapped.granter"),
    *("aexp.airgapped.rulings", "aexp.airgapped.consent_desk", "aexp.adapters.consent"),
    *("aexp.adapters.grants", "aexp.adapters.workshop", "aexp.ports.approval", "aexp.container"),
)


def test_the_process_never_loads_what_could_decide_and_writes_nothing_but_the_protocol(
    site: Site,
) -> None:
    site.wandb()
    site.serve()
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    code = f"{tell}\nfrom aexp.cli.main import main; main()"
    with started(site, "-P", "-c", code, "mcp") as server:
        assert server.stdout is not None
        answers: dict[int, dict[str, Any]] = {}
        say(server, calling(2, "relay_submit", op="wandb_sync"))
        say(server, calling(3, "sandbox_new", slug="probe"))
        say(server, calling(4, "relay_approve"))
        while len(answers) < 4:
            answer = json.loads(server.stdout.readline())
            answers |= {answer["id"]: answer} if "id" in answer else {}
        rest, said = server.communicate(timeout=PATIENCE_S)
    assert (server.returncode, rest) == (0, "")
    assert answers[2]["result"]["structuredContent"]["state"] == "pending"
    assert answers[4]["result"]["isError"] is True
    loaded = {*said.splitlines()[-1].split()}
    assert "mcp.server.mcpserver" in loaded
    assert not any(name.startswith(DECIDERS) for name in loaded)


def test_what_a_library_prints_never_reaches_the_client(site: Site) -> None:
    code = """
import os
from aexp.cli.mcp.relay import Relay
of, daemon = Relay.of, Relay.daemon
def printing_of(*given):
    print("loud transport")
    return of(*given)
def printing_daemon(self):
    print("held back", end="")
    os.system("echo from a child")
    return daemon(self)
Relay.of, Relay.daemon = printing_of, printing_daemon
from aexp.cli.main import main
main()
"""
    with started(site, "-P", "-c", code, "mcp") as server:
        assert server.stdout is not None
        say(server, calling(2, "relay_status"))
        answers = [json.loads(server.stdout.readline())["id"] for _ in range(2)]
        rest, said = server.communicate(timeout=PATIENCE_S)
    assert (answers, server.returncode, rest) == ([1, 2], 0, "")
    assert said.splitlines() == ["loud transport", "from a child", "held back"]


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_without_a_stream_to_speak_on_it_says_so(site: Site, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, *COMMAND],
        cwd=site.repo,
        env=site.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr.startswith("error: Standard input or output is closed")


def test_what_only_a_person_may_trust_is_not_the_agents_next_step(site: Site) -> None:
    del site.env["AEXP_RELAY_TRUST_REMOTES"]
    site.serve()

    async def talk(client: Client) -> dict[str, Any]:
        return await call(client, "relay_submit", op="git_fetch", wait_s=30)

    found = talking(site, talk)
    assert "aexp relay trust --remote" in found["next"]
    assert found["next"].startswith("Tell the person: ")
    assert "do not type it yourself" in found["next"]


@pytest.mark.parametrize("missing", ["mcp", "mcp_types", "anyio"])
def test_without_the_extra_it_says_what_to_install(site: Site, missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom aexp.cli.main import main; main()"

    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "mcp"],
        cwd=site.repo,
        env={**site.env, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "error: The MCP server needs the SDK of the Model Context Protocol, which is not installed here.",
        f"  next: {sys.executable} -m pip install 'mcp>=2.3,<3'",
    ]


def test_a_setting_that_cannot_be_used_ends_it_before_it_speaks(site: Site) -> None:
    done = site.aexp("mcp", "--queue", "gopher://x")
    assert (done.returncode, done.stdout) == (78, "")
    assert "gopher" in done.stderr
    nowhere = site.aexp("mcp", "--cwd", str(site.home / "nowhere"))
    assert (nowhere.returncode, nowhere.stdout) == (78, "")
    assert os.fspath(site.home / "nowhere") in nowhere.stderr
