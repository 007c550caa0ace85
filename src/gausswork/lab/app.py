"""The application: the page, its files, uploads, and the socket that all rooms share."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import os
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from gausswork.errors import GaussworkError, InputError
from gausswork.lab import rooms, wire
from gausswork.lab.guard import Access, Guard
from gausswork.lab.tables import LARGEST_FILE, Tables, refuse_large
from gausswork.lab.work import Job, Jobs

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

STATIC = Path(__file__).parent / "static"
MOST_SOCKETS = 128
MOST_UPLOADS = 2  # at a time: each may hold LARGEST_FILE bytes
THREADS = 4  # that compute answers
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_TRY_LATER = 1013


class Lab:
    """What one launch holds: tables, long work, and how many pages are connected."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = Tables() if tables is None else tables
        self.jobs = Jobs()
        self.sockets = 0
        self.uploads = 0

    def warm(self) -> None:
        """Import the rooms and answer the first one, while the browser still opens."""
        for name in rooms.available()[:1]:
            with contextlib.suppress(Exception):  # whoever asks is told what is wrong
                room = rooms.room(name)
                room.answer(room.START, self.tables)
        with contextlib.suppress(Exception):
            self.describe()

    def describe(self) -> dict[str, Any]:
        """Return what the page needs to begin: rooms with their first states, and tables."""
        from gausswork import __version__

        return {
            "version": __version__,
            "rooms": [
                {"name": name, "start": dict(rooms.room(name).START)} for name in rooms.available()
            ],
            **self.describe_tables(),
        }

    def describe_tables(self) -> dict[str, Any]:
        """Return the tables, and which one the lab was started with."""
        tables = [table.to_dict() for table in self.tables]
        return {"tables": tables, "first": self.tables.first or None}


def create(allowed: Access, lab: Lab) -> ASGIApp:
    """Return the application behind its guard."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
    from starlette.routing import Route, WebSocketRoute

    files = {
        path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()
    }

    def served(name: str) -> Response:
        path = files.get(name)  # only what was there at the start: no path is ever put together
        if path is None:
            return PlainTextResponse("There is no such file.", 404)
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        return FileResponse(path, media_type=kind, headers={"cache-control": "no-cache"})

    async def page(request: Request) -> Response:
        return served("index.html")

    async def static(request: Request) -> Response:
        return served(request.path_params["path"])

    async def describe(request: Request) -> Response:
        described = await run_in_threadpool(lab.describe)
        return JSONResponse(described, headers={"cache-control": "no-store"})

    async def upload(request: Request) -> Response:
        name = unquote(request.query_params.get("name", "table.csv"))
        if lab.uploads >= MOST_UPLOADS:
            error = InputError("other files are being read. Try again in a moment.")
            return JSONResponse({"error": wire.refusal(error)}, 503)
        lab.uploads += 1
        try:
            content = await _body(request, name)
            table = await run_in_threadpool(lab.tables.add, name, content)
            return JSONResponse({"table": table.to_dict(), **lab.describe_tables()})
        except Exception as error:
            report(error)
            return JSONResponse({"error": wire.refusal(error)}, 422)
        finally:
            lab.uploads -= 1

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        if lab.sockets >= MOST_SOCKETS:
            await websocket.close(_TRY_LATER, "too many pages are open: close some of them")
            return
        lab.sockets += 1
        try:
            await Talk(lab, websocket).listen()
        finally:
            lab.sockets -= 1

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(lab.jobs.close)

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/lab.json", describe),
            Route("/static/{path:path}", static),
            Route("/tables", upload, methods=["POST"]),
            WebSocketRoute("/wire", socket),
        ],
        lifespan=lifespan,
    )
    return Guard(app, allowed)


async def _body(request: Request, name: str) -> bytes:
    """Read an upload, and no more of it than is allowed."""
    length = request.headers.get("content-length", "0")
    refuse_large(int(length) if length.isdigit() else 0, name)
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        refuse_large(size, name)
        parts.append(part)
    return b"".join(parts)


def report(error: BaseException) -> None:
    """Show what went wrong inside where GAUSSWORK_DEBUG asks for it; a refusal is no mistake."""
    if not isinstance(error, GaussworkError) and os.environ.get("GAUSSWORK_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)


class Talk:
    """One connected page.

    Of each room one question of a kind is worked on at a time, and only the newest waits: whoever
    sends faster than answers can be computed is told which questions were skipped. So neither
    work nor memory can pile up.
    """

    def __init__(self, lab: Lab, websocket: WebSocket) -> None:
        self._lab = lab
        self._websocket = websocket
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._waiting: dict[tuple[str, str], wire.Ask] = {}
        self._starting: dict[int, bool] = {}  # trainings asked for, and whether still wanted
        self._jobs: dict[int, Job] = {}
        self._follows: dict[int, asyncio.Task[None]] = {}

    async def listen(self) -> None:
        """Read messages until the page leaves."""
        from starlette.websockets import WebSocketDisconnect

        try:
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                try:
                    if text is None:
                        raise wire.MessageError(
                            "messages are text; this one is bytes. Reload the page."
                        )
                    await self._take(wire.parse(text))
                except InputError as error:
                    number = getattr(error, "id", None)
                    await self._send({"id": number, "error": wire.refusal(error)})
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the page has gone while something was sent to it
        finally:
            tasks = [*self._running.values(), *self._follows.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, message: wire.Ask | wire.Cancel | wire.Attach) -> None:
        if isinstance(message, wire.Cancel):
            if message.id in self._jobs:
                self._jobs[message.id].stop()
            elif message.id in self._starting:
                self._starting[message.id] = False
        elif isinstance(message, wire.Attach):
            try:
                self._follow(message.id, self._lab.jobs.get(message.job), message.seen)
            except InputError as error:
                raise wire.MessageError(str(error), message.id) from None
        else:
            await self._ask(message)

    async def _ask(self, ask: wire.Ask) -> None:
        if ask.room not in rooms.NAMES:
            raise wire.MessageError(f"there is no room {ask.room[:40]!r}. Reload the page.", ask.id)
        key = (ask.room, ask.ask)
        if ask.ask == "train":
            self._starting[ask.id] = True
        if key in self._running:
            skipped = self._waiting.get(key)
            self._waiting[key] = ask
            if skipped is not None:
                self._starting.pop(skipped.id, None)
                await self._send({"id": skipped.id, "skipped": True})
            return
        self._running[key] = asyncio.create_task(self._work(key, ask))

    async def _work(self, key: tuple[str, str], ask: wire.Ask | None) -> None:
        try:
            while ask is not None:
                await self._answer(ask)
                ask = self._waiting.pop(key, None)
        except (RuntimeError, OSError):
            pass  # the page has gone; listen() ends by itself
        finally:
            self._running.pop(key, None)

    async def _answer(self, ask: wire.Ask) -> None:
        from starlette.concurrency import run_in_threadpool

        try:
            if ask.ask == "train":
                job = await run_in_threadpool(self._train, ask)
                await self._send({"id": ask.id, "job": job.id})
                self._follow(ask.id, job, 0)
                if not self._starting.get(ask.id, True):
                    job.stop()
                return
            text = await run_in_threadpool(self._computed, ask)
        except Exception as error:
            report(error)
            text = wire.write({"id": ask.id, "error": wire.refusal(error)})
        finally:
            self._starting.pop(ask.id, None)
        await self._websocket.send_text(text)

    def _computed(self, ask: wire.Ask) -> str:
        """Compute an answer and write it as JSON, outside the event loop."""
        room = rooms.room(ask.room)
        if ask.ask == "answer":
            made: Any = room.answer(ask.state, self._lab.tables)
        elif ask.ask == "script":
            made = room.script(ask.state, self._lab.tables)
        else:
            name, text = _offered(room, "save", ask.room)(ask.state, self._lab.tables)
            made = {"name": name, "text": text}
        return wire.write({"id": ask.id, "answer": made})

    def _train(self, ask: wire.Ask) -> Job:
        room = rooms.room(ask.room)
        train = _offered(room, "train", ask.room)
        room.read(ask.state)  # refused now, not in the thread
        return self._lab.jobs.start(lambda cancelled: train(ask.state, self._lab.tables, cancelled))

    def _follow(self, number: int, job: Job, seen: int) -> None:
        if len(self._follows) >= 8:
            raise wire.MessageError("this page follows 8 trainings already. Stop one.", number)
        self._jobs[number] = job
        self._follows[number] = asyncio.create_task(self._stream(number, job, seen))

    async def _stream(self, number: int, job: Job, seen: int) -> None:
        try:
            async for parts in job.follow(seen):
                await self._websocket.send_text(f'{{"id":{number},"parts":[{",".join(parts)}]}}')
            if job.error is not None:
                await self._send({"id": number, "error": job.error})
            else:
                await self._send({"id": number, "done": {"stopped": job.stopped}})
        except (RuntimeError, OSError):
            pass  # the page has gone; the job goes on until its patience ends
        finally:
            self._jobs.pop(number, None)
            self._follows.pop(number, None)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send_text(wire.write(message))


def _offered(room: Any, what: str, name: str) -> Callable[..., Any]:
    """Return a function that only some rooms have."""
    found = getattr(room, what, None)
    if found is None:
        raise InputError(f"the room {name!r} has nothing to {what}. Reload the page.")
    return found  # type: ignore[no-any-return]


__all__ = ["LARGEST_FILE", "Lab", "create"]
