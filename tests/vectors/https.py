"""Family H: how a credential can be led astray."""

from tests.vectors.https_ground import HttpsGround
from tests.vectors.model import vector
from tests.vectors.scene import Scene
from tests.vectors.web import PASSWORD


def _ground(scene: Scene) -> HttpsGround:
    assert isinstance(scene.ground, HttpsGround)
    ground = scene.ground
    stolen = ground.stolen
    scene.guards_count("the thief was given a credential", lambda: len(stolen))
    return ground


def _url(scene: Scene) -> str:
    return scene.ground.url_of(scene.origin).rsplit("/", 1)[0] + "/"


def _proxy(ground: HttpsGround) -> str:
    return f"http://127.0.0.1:{ground.proxy.port}"


@vector("H01", "exec", "fetch", "credential.helper=!<command>", ground="https")
def _helper(scene: Scene) -> None:
    scene.config("credential.helper", "")
    scene.config("credential.helper", f"!{scene.script()}")


@vector(
    "H03", "exec", "fetch", "core.askPass, when the user's helper has no answer", ground="own-https"
)
def _ask_pass(scene: Scene) -> None:
    (scene.site.outside / "expired").touch()
    scene.config("core.askPass", scene.script(then="echo x"))


@vector("H04", "token", "fetch", "http.proxy and http.sslVerify=false", ground="https")
def _http_proxy(scene: Scene) -> None:
    scene.config("http.proxy", _proxy(_ground(scene)))
    scene.config("http.sslVerify", "false")


@vector("H05", "token", "fetch", "http.<url>.proxy and http.<url>.sslVerify=false", ground="https")
def _url_proxy(scene: Scene) -> None:
    scene.config(f"http.{_url(scene)}.proxy", _proxy(_ground(scene)))
    scene.config(f"http.{_url(scene)}.sslVerify", "false")


@vector(
    "H06", "token", "fetch", "remote.origin.proxy and http.<url>.sslVerify=false", ground="https"
)
def _remote_proxy(scene: Scene) -> None:
    scene.config("remote.origin.proxy", _proxy(_ground(scene)))
    scene.config(f"http.{_url(scene)}.sslVerify", "false")


@vector(
    "H07", "token", "fetch", "http.curloptResolve and http.<url>.sslVerify=false", ground="https"
)
def _resolve(scene: Scene) -> None:
    ground = _ground(scene)
    scene.config("http.curloptResolve", f"localhost:{ground.host.port}:127.0.0.2")
    scene.config(f"http.{_url(scene)}.sslVerify", "false")


@vector(
    "H08", "token", "fetch", "a proxy and http.<url>.sslCAInfo=<the attacker's>", ground="https"
)
def _authority(scene: Scene) -> None:
    ground = _ground(scene)
    scene.config("http.proxy", _proxy(ground))
    scene.config(f"http.{_url(scene)}.sslCAInfo", ground.thief.certificate)


@vector(
    "H09",
    "write-local",
    "fetch",
    "http.cookieFile and http.saveCookies overwrite a file of the login node",
    ground="https",
)
def _cookies(scene: Scene) -> None:
    scene.config("http.cookieFile", scene.guards_file(scene.node_local / "precious"))
    scene.config("http.saveCookies", "true")


def _lead_to_thief(scene: Scene) -> None:
    ground = _ground(scene)
    scene.config(f"url.https://127.0.0.2:{ground.host.port}/.insteadOf", _url(scene))
    scene.config("http.sslVerify", "false")


@vector(
    "H11",
    "token",
    "fetch",
    "url.<thief>.insteadOf; a helper that is bound to its host",
    ground="https",
    lands=False,
)
def _instead_of(scene: Scene) -> None:
    _lead_to_thief(scene)


@vector(
    "H12",
    "token",
    "fetch",
    "url.<thief>.insteadOf; a helper that answers for every host",
    ground="own-https",
)
def _instead_of_unbound(scene: Scene) -> None:
    (scene.site.outside / "generous").touch()
    _lead_to_thief(scene)


@vector(
    "H13",
    "token",
    "fetch",
    "credential.helper=store --file=<a file of the requester>",
    ground="https",
)
def _store(scene: Scene) -> None:
    stolen = scene.place / "stolen"
    scene.config("credential.helper", f"store --file={stolen}")
    scene.alarms.append(lambda output: "the password was stored" if stolen.exists() else "")


@vector(
    "H14",
    "token",
    "fetch",
    "a password in the URL of a remote, echoed in the output",
    ground="https",
    lands=False,
    ours="asks",
)
def _echo(scene: Scene) -> None:
    url = scene.ground.url_of(scene.origin).replace("https://", f"https://someone:{PASSWORD}@")
    scene.replace("remote.origin.url", url)
    scene.guards_word(PASSWORD)
    trails = ("daemon.log", "consent.log", "audit.jsonl")
    scene.alarms.append(
        lambda output: "; ".join(
            f"{name} has the password"
            for name in trails
            if (scene.site.queue / name).exists()
            and PASSWORD in (scene.site.queue / name).read_text()
        )
    )


@vector(
    "H15",
    "token",
    "fetch",
    "trace2.eventTarget in the repository's configuration",
    ground="https",
    lands=False,
    ours="ignored",
)
def _trace(scene: Scene) -> None:
    trace = scene.place / "trace"
    for name in ("eventTarget", "normalTarget", "perfTarget"):
        scene.config(f"trace2.{name}", trace)
    scene.config("trace2.configParams", "*")
    scene.alarms.append(lambda output: "a trace was written" if trace.exists() else "")


@vector(
    "X73",
    "token",
    "fetch",
    "the URL of origin has another user and the same host",
    ground="https",
    lands=False,
    ours="asks",
)
def _other_user(scene: Scene) -> None:
    _ground(scene)
    url = scene.ground.url_of(scene.origin).replace("https://", "https://someone@")
    scene.replace("remote.origin.url", url)
