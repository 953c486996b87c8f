"""wandb_sync on the login node: with a stand-in, and with wandb from PyPI against a local service."""

import json
import os
import select
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aexp.adapters.executor.local import LocalExecutor
from aexp.adapters.executor.strays import end_strays
from aexp.adapters.workshop.wandb_sync import WandbBench
from aexp.airgapped import RelayStartError, RelayValidationError
from aexp.domain.errors import SettingsError
from aexp.ports.executor import Command, Execution
from aexp.ports.workshop import Order, Survey
from tests.wandb_service import Service, installed_wandb, serving, trained
from tests.world import executable

pytestmark = pytest.mark.timeout(400)  # The first test that needs wandb installs it.

NAME = "offline-run-20260101_120000-ab12cd34"
KEY = "a" * 40
PATIENCE_S = 60.0
STAND_IN = """#!/bin/sh
printf '%s\\n' "$*" >> {note}
case "$1" in
  --version) echo "wandb, version {version}" ;;
  login) exit {login} ;;
  sync)
    echo uploading
    env > {note}.env; pwd > {note}.cwd; ls -A > {note}.ls
    for run in "$@"; do
      for log in "$run"/run-*.wandb; do [ {mark} = yes ] && [ -f "$log" ] && : > "$log.synced"; done
    done
    exit {status} ;;
esac
"""


class Login:
    """A login node: a home with a project in it, the bench, and what the bench started."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = self.home / "project"
        self.project.mkdir(parents=True)
        self.node = folder / "node"
        self.node.mkdir()
        self.note = (
            self.home / "project/note"
        )  # Only there, and in the folder of the node, may it write.
        self.executor = LocalExecutor({})
        self.environ = {"PATH": "/usr/bin:/bin"}
        # By it processes are found on the whole machine: no two tests may share one.
        self.request_id = uuid.uuid4().hex
        self.made: WandbBench | None = None

    def run(self) -> Path:
        """Make something that looks like an offline run."""
        run = self.project / "wandb" / NAME
        (run / "files").mkdir(parents=True)
        (run / "run-ab12cd34.wandb").write_text("log")
        return run

    def stand_in(
        self,
        version: str = "0.31.0",
        *,
        login: int = 0,
        status: int = 0,
        mark: str = "yes",
        script: str = STAND_IN,
    ) -> None:
        """Put a program in place of wandb, outside the home."""
        program = self.node.parent / "bin/wandb"
        facts = {"note": self.note, "version": version, "login": login}
        executable(program, script.format(**facts, status=status, mark=mark))
        self.environ["AEXP_RELAY_WANDB"] = str(program)

    @property
    def bench(self) -> WandbBench:
        """The bench, as the daemon's start makes it."""
        if self.made is None:
            self.made = WandbBench(self.environ, str(self.home), self.node, self.executor)
        return self.made

    def survey(self, *args: str) -> Survey:
        return self.bench.survey(Order(self.request_id, "wandb_sync", args, self.project))

    def start(self, survey: Survey | None = None) -> Execution:
        survey = survey or self.survey()
        assert survey.done is None
        argv = ("wandb", "sync")
        command = Command(argv, self.project, self.request_id, "wandb_sync", survey)
        return self.bench.start(command)

    def end(self, execution: Execution) -> tuple[int, str]:
        """The exit status and the output; waits on the executor's descriptors."""
        output = b""
        deadline = time.monotonic() + PATIENCE_S
        while (status := execution.poll()) is None:
            assert time.monotonic() < deadline, output
            select.select(self.executor.descriptors(), [], [], 5)
            output += execution.read(1 << 16)
        while data := execution.read(1 << 16):
            output += data
        execution.close()
        assert os.listdir(self.node) == []
        return status, output.decode()

    def assert_nothing_runs(self) -> None:
        """No process of the request is left; what was killed may take a moment to be gone."""
        carried = f"AEXP_RELAY_REQUEST={self.request_id}".encode()
        deadline = time.monotonic() + 10
        while any(carried in environment for environment in environments()):
            if time.monotonic() > deadline:
                assert end_strays(self.request_id, force=True) == 0
            select.select([], [], [], 0.02)

    def calls(self) -> list[str]:
        """How the stand-in was called."""
        return self.note.read_text().splitlines()


def environments() -> Iterator[bytes]:
    """The environments of the processes of this machine."""
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            yield file.read_bytes()
        except OSError:
            continue  # It has ended meanwhile.


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path.resolve())


# With a stand-in


@pytest.mark.parametrize(
    ("version", "form"), [("0.28.2", "sync "), ("0.29.0", "sync --yes "), ("0.31.0", "sync --yes ")]
)
def test_the_runs_are_synced_in_the_form_of_the_installed_version(
    login: Login, version: str, form: str
) -> None:
    run = login.run()
    login.stand_in(version)
    assert login.end(login.start()) == (0, "uploading\n")
    assert login.calls() == ["--version", "login --verify", f"{form}{run}"]
    assert login.survey().done is not None


def test_nothing_to_sync_is_success_and_needs_no_wandb(login: Login) -> None:
    login.environ["PATH"] = str(login.home)
    survey = login.survey()
    assert survey.done == f"Nothing to sync: no offline runs below {login.project}.\n"
    assert survey.args == survey.destinations == ()


def test_the_program_finds_an_environment_and_a_folder_of_the_nodes_own(login: Login) -> None:
    login.run()
    login.stand_in()
    proxy = "http://proxy.example.org:3128"
    login.environ |= {"WANDB_API_KEY": KEY, "https_proxy": proxy, "LD_PRELOAD": "/x.so"}
    login.environ |= {"WANDB_ENTITY": "other", "PYTHONPATH": "/x", "AWS_SECRET_ACCESS_KEY": "s"}
    login.end(login.start())
    env = dict(
        line.split("=", 1) for line in Path(f"{login.note}.env").read_text().splitlines() if line
    )
    assert env["WANDB_API_KEY"] == KEY
    assert env["https_proxy"] == proxy
    assert env["AEXP_RELAY_REQUEST"] == login.request_id
    assert env["PYTHONSAFEPATH"] == env["PYTHONNOUSERSITE"] == "1"
    assert not {"LD_PRELOAD", "WANDB_ENTITY", "PYTHONPATH", "AWS_SECRET_ACCESS_KEY"} & set(env)
    assert "WANDB_BASE_URL" not in env
    places = [name for name, value in env.items() if value.startswith(str(login.node))]
    assert {"HOME", "TMPDIR", "NETRC", "WANDB_DIR", "WANDB_CONFIG_DIR"} <= set(places)
    assert str(login.home) not in json.dumps(env)
    assert Path(f"{login.note}.cwd").read_text().startswith(str(login.node))
    assert Path(f"{login.note}.ls").read_text() == ""


def test_a_wandb_that_the_owner_named_below_the_home_gets_that_home(login: Login) -> None:
    login.run()
    login.stand_in()
    inside = login.home / "venv/bin/wandb"
    inside.parent.mkdir(parents=True)
    shutil.copy2(login.environ["AEXP_RELAY_WANDB"], inside)
    login.environ["AEXP_RELAY_WANDB"] = str(inside)
    login.end(login.start())
    env = Path(f"{login.note}.env").read_text().splitlines()
    assert f"HOME={login.home}" in env
    assert "PYTHONNOUSERSITE=1" not in env


def test_a_wandb_below_the_home_is_not_used_unless_it_was_named(login: Login) -> None:
    login.run()
    inside = executable(login.home / "bin/wandb", "#!/bin/sh\n")
    login.environ["PATH"] = f"{login.home}/bin:/usr/bin:/bin"
    with pytest.raises(RelayValidationError, match=f"AEXP_RELAY_WANDB={inside}"):
        login.survey()


def test_a_variable_that_names_no_program_stops_the_daemons_start(login: Login) -> None:
    login.environ["AEXP_RELAY_WANDB"] = "wandb"
    with pytest.raises(SettingsError, match="names 'wandb', which is no program"):
        _ = login.bench


def test_a_failed_login_ends_it_before_anything_is_sent(login: Login) -> None:
    login.run()
    login.stand_in(login=1)
    status, output = login.end(login.start())
    assert status == 1
    assert "nothing was sent" in output
    assert login.calls() == ["--version", "login --verify"]


def test_a_version_without_that_check_goes_on_without_it(login: Login) -> None:
    login.run()
    login.stand_in("0.15.0", login=2)
    assert login.end(login.start())[0] == 0


def test_a_program_that_does_not_run_is_told_with_its_own_words(login: Login) -> None:
    login.run()
    login.stand_in(script="#!/bin/sh\necho No module named wandb\nexit 3\n")
    assert login.end(login.start()) == (3, "No module named wandb\n")


def test_the_programs_own_failure_comes_through(login: Login) -> None:
    login.run()
    login.stand_in(status=7)
    assert login.end(login.start()) == (7, "uploading\n")


def test_a_success_that_marked_no_run_is_no_success(login: Login) -> None:
    login.run()
    login.stand_in(mark="no")
    status, output = login.end(login.start())
    assert status == 1
    # One line, which the terminal breaks where it has to.
    told, listed = output.splitlines()[-2:]
    assert "has not marked these runs as synced. They may be missing on the server" in told
    assert (told[:6], told[-1]) == ("aexp: ", ":")
    assert listed == f"  wandb/{NAME}"


def test_the_stand_in_of_the_page_does_what_is_asked_of_one(login: Login) -> None:
    page = (Path(__file__).parents[2] / "docs/airgapped.md").read_text(encoding="utf-8")
    script = page.split("stand-in for wandb")[1].split("```sh\n")[1].split("```")[0]
    run = login.run()
    login.stand_in(script=script)
    assert login.end(login.start()) == (0, "")
    assert [mark.name for mark in run.glob("*.synced")] == ["run-ab12cd34.wandb.synced"]


def test_a_run_that_changed_since_the_survey_is_not_sent(login: Login) -> None:
    run = login.run()
    login.stand_in()
    survey = login.survey()
    (run / "files/late").write_text("more")
    with pytest.raises(RelayStartError, match="has changed since it was looked at"):
        login.start(survey)
    with pytest.raises(RelayStartError, match="has changed"):
        login.start(replace(login.survey(), preview=None))
    assert not login.note.exists()


def test_only_the_surveyed_runs_are_sent(login: Login) -> None:
    run = login.run()
    login.stand_in()
    survey = login.survey()
    later = login.project / "wandb/offline-run-20260101_120000-later000"
    later.mkdir()
    (later / "run-later000.wandb").write_text("log")
    login.end(login.start(survey))
    assert login.calls()[-1] == f"sync --yes {run}"


def test_what_the_program_leaves_in_a_session_of_its_own_is_ended(login: Login) -> None:
    login.run()
    script = STAND_IN.replace("echo uploading", "echo uploading; setsid sleep 300 &")
    login.stand_in(script=script)
    login.end(login.start())
    login.assert_nothing_runs()


# With wandb itself


@pytest.fixture(scope="session")
def wandb(pytestconfig: pytest.Config) -> Path:
    """The program of a real wandb."""
    return installed_wandb(pytestconfig.cache.mkdir("aexp-wandb"))


@pytest.fixture(scope="session")
def training(wandb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which wandb has left one offline run."""
    return trained(wandb, tmp_path_factory.mktemp("training"))


@pytest.fixture
def real(login: Login, wandb: Path, training: Path) -> Login:
    """A login node with wandb and a copy of the project."""
    login.environ["AEXP_RELAY_WANDB"] = str(wandb)
    shutil.copytree(training, login.project, symlinks=True, dirs_exist_ok=True)
    return login


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as made:
        yield made


def configure(home: Path, url: str, key: str) -> None:
    """What ``wandb login`` leaves in a home."""
    (home / ".config/wandb").mkdir(parents=True, exist_ok=True)
    (home / ".config/wandb/settings").write_text(f"[default]\nbase_url = {url}\n")
    host = url.partition("://")[2]
    entries = [f"machine {name} login user password {key}\n" for name in (host, "127.0.0.1")]
    (home / ".netrc").write_text("".join(entries))  # Old versions look without the port.
    (home / ".netrc").chmod(0o600)


def test_a_real_run_is_uploaded_whole_with_the_users_server_and_key(
    real: Login, service: Service
) -> None:
    configure(real.home, service.url, KEY)
    survey = real.survey()
    assert survey.destinations[0].url == service.url
    assert any("files/notes.txt -> " in line for line in survey.inventory)
    status, output = real.end(real.start(survey))
    assert status == 0, output
    assert service.uploaded("notes.txt") == ["saved by a link"]
    assert json.loads(service.uploaded("wandb-summary.json")[-1])["loss"] == 0.5
    assert {one.key for one in service.received if one.path == "/graphql"} == {KEY}
    assert any(one.path.endswith("/file_stream") and one.key == KEY for one in service.received)
    assert len(list(real.project.glob("wandb/offline-run-*/run-*.wandb.synced"))) == 1
    assert "synced already" in (real.survey().done or "")


def test_no_file_of_the_requester_leads_it_to_another_server_or_key(
    real: Login, service: Service, tmp_path: Path
) -> None:
    configure(real.home, service.url, KEY)
    canary = tmp_path / "canary"
    with serving() as other:
        for name, text in planted(other.url, canary).items():
            (real.project / name).parent.mkdir(parents=True, exist_ok=True)
            (real.project / name).write_text(text)
        run = next(real.project.glob("wandb/offline-run-*"))
        elsewhere = real.home / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(real.project / "settings", elsewhere / "settings")
        (run / "wandb").symlink_to(elsewhere)
        (real.project / ".wandb").symlink_to(elsewhere)
        bench = real.bench
        configure(real.home, other.url, "b" * 40)
        status, output = real.end(real.start())
        assert status == 0, output
        assert other.received == []
    assert service.uploaded("notes.txt") == ["saved by a link"]
    assert {one.key for one in service.received if one.path == "/graphql"} == {KEY}
    assert not canary.exists()
    assert bench.sources == (real.home / ".config/wandb/settings", real.home / ".netrc")


def planted(url: str, canary: Path) -> dict[str, str]:
    """Files in the project and the home that would lead wandb, or its Python, elsewhere."""
    settings = f"[default]\nbase_url = {url}\nhttp_proxy = {url}\nhttps_proxy = {url}\n"
    code = f"open({str(canary)!r}, 'w')\n"
    site = "../.local/lib/python3.{}/site-packages/usercustomize.py"
    return {
        "wandb/settings": settings,
        "settings": settings,
        "click.py": code,
        "wandb.py": code,
        "sitecustomize.py": code,
        **{site.format(minor): code for minor in range(11, 16)},
    }


def test_without_a_key_nothing_is_asked_and_nothing_is_sent(real: Login, service: Service) -> None:
    real.environ["WANDB_BASE_URL"] = service.url
    status, output = real.end(real.start())
    assert status == 1
    assert "wandb login" in output
    assert "nothing was sent" in output
    assert service.received == []


def test_an_unreachable_server_is_an_error_and_the_run_is_not_marked(real: Login) -> None:
    with socket.socket() as reserved:  # It is bound and does not listen: nobody else gets the port.
        reserved.bind(("127.0.0.1", 0))
        configure(real.home, f"http://127.0.0.1:{reserved.getsockname()[1]}", KEY)
        status, output = real.end(real.start())
    assert status == 1
    assert "nothing was sent" in output
    assert not list(real.project.glob("wandb/offline-run-*/run-*.wandb.synced"))


def test_a_sync_that_hangs_is_ended_with_everything_that_it_started(real: Login) -> None:
    with serving(silent=True) as service:
        configure(real.home, service.url, KEY)
        execution = real.start()
        while not service.stalled.is_set():
            select.select(real.executor.descriptors(), [], [], 0.1)
            assert execution.poll() is None
            execution.read(1 << 16)
        execution.terminate()
        status, _ = real.end(execution)
    assert status != 0
    assert not list(real.project.glob("wandb/offline-run-*/run-*.wandb.synced"))
    real.assert_nothing_runs()
