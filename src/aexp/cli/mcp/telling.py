"""The words of the relay's tools: a line of what came of it, and the next step for an agent."""

from aexp.airgapped.hints import approve_hint, serve_hint
from aexp.airgapped.inspection import DaemonView, RequestView
from aexp.airgapped.outcome import result_of
from aexp.airgapped.standing import facts_of
from aexp.cli.mcp.answers import Line, Request
from aexp.cli.mcp.harmless import OUTPUT_CHARS
from aexp.cli.mcp.hints import HANDS_OFF, down, for_agent
from aexp.cli.mcp.relay import Relay
from aexp.cli.render import ended
from aexp.domain.consent import FINAL, State
from aexp.domain.progress import collapsed
from aexp.domain.requests import RelayResult, Response
from aexp.domain.text import age, middle_cut

WAIT = "Wait with relay_wait"


def finished(answer: Response, view: RequestView, most: int = OUTPUT_CHARS) -> Request:
    """An operation that ran to its end.

    Args:
        most: characters of its output.

    Raises:
        RelayError: it did not; the class says why.
    """
    result = result_of(answer)
    output, cut = middle_cut(collapsed(result.stdout), most, "relay_log")
    return Request(
        summary=_went(result),
        next="" if result.ok else for_agent(result.hint) or _look_at(result),
        request_id=result.request_id,
        op=result.op,
        args=view.args,
        cwd=view.cwd,
        state=State.COMPLETED,
        done=True,
        returncode=result.returncode,
        kind=result.kind or None,
        duration_s=result.duration_s,
        output=output,
        output_cut=cut or answer.truncated,
        notices=result.notices or None,
    )


def _went(result: RelayResult) -> str:
    took = f"{result.op} ok in {age(result.duration_s)}"
    if result.ok:
        return f"{took}, as {result.request_id[:8]}"
    why = f" ({result.kind})" if result.kind else ""
    return f"{result.op} failed, returncode {result.returncode}{why}, as {result.request_id[:8]}"


def _look_at(result: RelayResult) -> str:
    if result.stdout.strip():
        return "Read the output; relay_log has more of it where it was cut."
    return "It said nothing. Ask the person to run `aexp relay doctor` on the login node."


def standing(relay: Relay, view: RequestView) -> Request:
    """A request that is not over."""
    told = Request(
        summary=f"{view.op} {_stands(relay, view)}, as {view.request_id[:8]}",
        next=f"{WAIT}, request_id {view.request_id}.",
        request_id=view.request_id,
        op=view.op,
        args=view.args,
        cwd=view.cwd,
        state=view.state,
        done=False,
    )
    return _for_a_person(relay, told) if view.state is State.PENDING else told


def _stands(relay: Relay, view: RequestView) -> str:
    if view.state in FINAL:
        return f"is {view.state}, and its answer about to come"
    words = {State.RUNNING: "runs", State.PENDING: "waits for a person's consent"}
    if view.state in words:
        return words[view.state]
    visit = relay.visit if view.state is State.RECEIVED else ""
    if visit:
        return f"waits in the queue, no daemon stays: {visit}"
    return {
        "request": f"waits behind {(view.behind or '')[:8]} in the same working copy",
        "slot": "waits for a free slot",
    }.get(view.waits_for or "", "waits for the daemon")


def _for_a_person(relay: Relay, told: Request) -> Request:
    request_id = told.request_id or ""
    how, petition = approve_hint(request_id, relay.url), relay.asked(request_id)
    told.next = (
        f"Tell the person: `{how}` on the login node shows what would be done, and asks. "
        f"{HANDS_OFF} Then {WAIT[0].lower()}{WAIT[1:]}."
    )
    told.person_types = how
    told.reason = petition.reason or None if petition else None
    told.sends = petition.summary or None if petition else None
    return told


def line_of(view: RequestView) -> Line:
    """A request in a list."""
    return Line(
        request_id=view.request_id,
        op=view.op,
        args=view.args,
        cwd=view.cwd,
        state=ended(view) or view.state,
        returncode=view.returncode,
        kind=view.kind,
        when=view.when,
        waits_for=view.waits_for,
        behind=view.behind,
    )


def daemon_told(view: DaemonView) -> tuple[str, str]:
    """How the daemon stands, and what to do next."""
    word, said = facts_of(view)[0]
    told = f"{word.strip()}: {said}"
    if view.up and view.trouble:
        told += f"; in trouble: {view.trouble}"
    if not view.up:
        return told, down(serve_hint(view.queue))
    if view.pending:
        return told, f"A person decides on {view.pending} on the login node. {HANDS_OFF}"
    return told, ""
