"""The tools of the relay. A model reads their docstrings, and the descriptions of the arguments."""

from typing import Annotated, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from pydantic import Field

from aexp.cli.mcp.answers import Cancelled, Log, Operation, Operations, Request, Requests, Standing
from aexp.cli.mcp.harmless import MOST_CHARS, OUTPUT_CHARS
from aexp.cli.mcp.logs import MOST_LINES, from_offset, last_lines, source
from aexp.cli.mcp.relay import Relay
from aexp.cli.mcp.telling import WAIT, daemon_told, finished, line_of, standing
from aexp.cli.mcp.waiting import MOST_S, Sleep, Tell, Watch
from aexp.domain.consent import FINAL
from aexp.domain.errors import RelayValidationError
from aexp.domain.operations import ALLOWED, OpSpec

LATEST = 20
_QUICK_S = 10.0

Id = Annotated[
    str, Field(min_length=6, description="The request's id; its first 8 digits will do.")
]
Chars = Annotated[int, Field(ge=1, le=MOST_CHARS, description="At most so many characters.")]
Seconds = Annotated[float, Field(ge=0, le=MOST_S)]
Op = Annotated[
    str, Field(description="See relay_operations.", json_schema_extra={"enum": [*ALLOWED]})
]
Ctx = Context[Any, Any]


class RelayTools:
    """The tools on one relay; those that wait hold no thread while they do.

    Args:
        sleep: how a wait lets time pass.
    """

    def __init__(self, relay: Relay, sleep: Sleep = anyio.sleep) -> None:
        self._relay = relay
        self._sleep = sleep

    async def submit(
        self,
        ctx: Ctx,
        op: Op,
        args: Annotated[
            list[str], Field(description="For git_push: [remote, branch], such as origin and HEAD.")
        ] = [],  # noqa: B006 -- Read alone, and the schema shows it.
        cwd: Annotated[
            str | None,
            Field(description="The working copy; by default where this server was started."),
        ] = None,
        coalesce: Annotated[
            bool, Field(description="A status or fetch may share the run of an equal one.")
        ] = True,
        wait_s: Annotated[
            Seconds, Field(description="Wait so many seconds for the answer; 0: at once.")
        ] = _QUICK_S,
    ) -> Request:
        """Run one operation of the closed list on the login node: git pull, push, fetch, status, rebase or
        wandb sync. Gives the result if it comes within wait_s, else the request's id: then use relay_wait.
        Some requests wait for a person's consent; then tell the person what `next` says, and wait. Before a
        push, say which commits go where and let the person agree.
        """

        def leave() -> str:
            return self._relay.submit(op, args, cwd, coalesce=coalesce).id

        request_id = await anyio.to_thread.run_sync(leave)
        tell = _teller(ctx)
        await tell(f"submitted as {request_id}")
        return await self._wait(tell, request_id, wait_s, is_new=True)

    async def wait(
        self,
        ctx: Ctx,
        request_id: Id,
        wait_s: Annotated[Seconds, Field(description="Wait so many seconds.")] = 30.0,
    ) -> Request:
        """Wait for a request's result, also while a person decides on it. Output comes as progress. Not an
        error when there is none in time: call it again. If no daemon serves any more, a request that nobody
        took up is taken back, so that it does not run out of the blue.
        """
        handle = await anyio.to_thread.run_sync(self._relay.handle, request_id)
        return await self._wait(_teller(ctx), handle.id, wait_s)

    def result(self, request_id: Id, max_chars: Chars = OUTPUT_CHARS) -> Request:
        """The result of a request, or how it stands; does not wait. max_chars bounds the output, of which the
        middle is left out.
        """
        return self._told(self._relay.handle(request_id).id, max_chars)

    def cancel(self, request_id: Id) -> Cancelled:
        """Stop a request: take it back before it starts, or ask the daemon to end what runs."""
        handle = self._relay.handle(request_id)
        over = handle.done()
        withdrawn = not over and handle.cancel()
        state, short = handle.state, handle.id[:8]
        asked = not over and not withdrawn
        if withdrawn:
            told, then = f"{short} was withdrawn and will not run", ""
        elif over:
            told, then = f"{short} is over already ({state}); nothing was cancelled", ""
        else:
            told = f"The daemon was asked to end {short}"
            then = f"{WAIT} to see what came of it; it may have taken effect in part."
        return Cancelled(
            summary=told,
            next=then,
            request_id=handle.id,
            withdrawn=withdrawn,
            asked=asked,
            state=state,
        )

    def log(
        self,
        request_id: Id,
        offset: Annotated[
            int | None,
            Field(ge=0, description="From this byte on: 0, or next_offset of the piece before."),
        ] = None,
        lines: Annotated[
            int | None,
            Field(ge=1, le=MOST_LINES, description="The last lines; 50 where nothing is given."),
        ] = None,
        max_chars: Chars = OUTPUT_CHARS,
    ) -> Log:
        """The output of a request so far, a bounded piece of it: its last lines, or from an offset on."""
        if offset is not None and lines is not None:
            raise RelayValidationError(
                "offset", "is given together with lines", do="Give one of them."
            )
        full_id = self._relay.handle(request_id).id
        state = self._relay.view(full_id).state
        read, over = source(self._relay, full_id), state in FINAL
        if offset is None:
            piece = last_lines(read, lines or 50, max_chars)
        else:
            piece = from_offset(read, offset, max_chars, over=over)
        what = f"{len(piece.text)} characters" if piece.text else "no output"
        goes_on = f"relay_log with offset {piece.end} goes on from here."
        return Log(
            summary=f"{full_id[:8]} is {state}: {what}{'' if over else ' so far'}",
            next="" if over and not piece.more else goes_on,
            request_id=full_id,
            state=state,
            text=piece.text,
            next_offset=piece.end,
            more=piece.more,
        )

    def status(self) -> Standing:
        """Whether a daemon serves the queue, where, and what waits there."""
        view = self._relay.daemon()
        summary, then = daemon_told(view)
        return Standing(summary=summary, next=then, daemon=view)

    def listed(
        self,
        only: Annotated[
            str, Field(description="Which.", json_schema_extra={"enum": ["open", "ended", "all"]})
        ] = "all",
        cwd: Annotated[
            str | None, Field(description="Only those for this folder and what lies below it.")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=200)] = LATEST,
    ) -> Requests:
        """The requests: the open ones with what each waits for, then the answered, the latest first."""
        if only not in ("open", "ended", "all"):
            raise RelayValidationError("only", "is unknown", "open, ended, all")
        views = self._relay.open() if only == "open" else self._relay.all()
        folder = None if cwd is None else self._relay.below(cwd).rstrip("/")
        wanted = [
            view
            for view in views
            if (only != "ended" or view.state in FINAL)
            and (folder is None or f"{view.cwd}/".startswith(f"{folder}/"))
        ]
        shown = wanted[:limit]
        waiting = sum(view.state not in FINAL for view in wanted)
        return Requests(
            summary=f"{len(wanted)} requests, {waiting} of them open",
            next=f"{WAIT} or look with relay_result." if waiting else "",
            requests=[line_of(view) for view in shown],
            left_out=len(wanted) - len(shown),
        )

    def operations(self) -> Operations:
        """The closed list: every operation that there is, and what its args must hold."""
        return Operations(
            summary=f"{len(ALLOWED)} operations; there is no other way to a command",
            next="relay_submit runs one.",
            operations=[_operation(spec) for spec in ALLOWED.values()],
        )

    async def _wait(
        self, tell: Tell, request_id: str, wait_s: float, *, is_new: bool = False
    ) -> Request:
        if wait_s > 0:
            watch = Watch(
                self._relay,
                request_id,
                wait_s,
                tell,
                self._sleep,
                is_new=is_new,
                for_people=not is_new,
            )
            await watch.answer()
        return await anyio.to_thread.run_sync(self._told, request_id, OUTPUT_CHARS)

    def _told(self, request_id: str, max_chars: int) -> Request:
        answer = self._relay.answer(request_id)
        view = self._relay.view(request_id)
        if answer is None and view.state in FINAL:
            # It came between the two looks.
            answer = self._relay.answer(request_id)
        if answer is None:
            return standing(self._relay, view)
        return finished(answer, view, max_chars)


def _operation(spec: OpSpec) -> Operation:
    return Operation(
        op=spec.name,
        does=spec.summary,
        args=[f"{one.name}: {one.allowed}" for one in spec.parameters],
        more=f"{spec.more.name}: {spec.more.allowed}" if spec.more else None,
        needs_consent=spec.needs_consent,
        time_limit_s=spec.time_limit_s,
    )


def _teller(ctx: Ctx) -> Tell:
    """What tells a client that asked for it how a call goes on."""
    told = 0

    async def tell(text: str) -> None:
        nonlocal told
        told += 1
        await ctx.report_progress(told, None, text)

    return tell
