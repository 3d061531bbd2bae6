"""What all emulated services share: a loopback HTTP server, its log of requests, and faults.

Belongs here: how a service is started, stopped and asked. What it answers is in the module of each service.
"""

import asyncio
import json
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
T = TypeVar("T")


@dataclass
class Asked:
    """One request, and the status of its answer: None while there is none."""

    at: float
    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    raw: bytes = field(repr=False)
    status: int | None = None

    @cached_property
    def body(self) -> Any:
        """The JSON that was sent, None where nothing was."""
        return json.loads(self.raw) if self.raw else None

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, empty where there is none."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass
class Fault(Generic[T]):
    """Something that goes wrong with requests that match, ``times`` of them; with all where it is None."""

    what: T
    times: int | None = 1
    matches: Callable[[Asked], bool] = lambda asked: True


class Faults(list[Fault[T]]):
    """Faults, of which the first that matches a request meets it."""

    def take(self, asked: Asked) -> T | None:
        for fault in self:
            if fault.times != 0 and fault.matches(asked):
                fault.times = None if fault.times is None else fault.times - 1
                return fault.what
        return None


class Emulator(ABC):
    """A service on a free port of this machine, running in a thread of its own while it is a context."""

    url = ""
    asked_as: type[Asked] = Asked
    _left: int | None = None
    _early = False

    def halt(self, after: int, early: bool = False) -> threading.Event:
        """Answer so many more requests, and none after them.

        Returns:
            an event that is set when the first of the others has come; if ``early``, before the last answer.
        """
        self._left, self._early, self._halted = after, early, threading.Event()
        return self._halted

    def resume(self) -> None:
        self._left = None

    @abstractmethod
    async def respond(self, asked: Asked) -> Response:
        """Answer a request. Runs in the server's thread, so that nothing else changes meanwhile."""

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", self._serve, methods=["GET", "POST"])])
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
        self._server.force_exit = True
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    async def _serve(self, request: Request) -> Response:
        headers, url, raw = dict(request.headers), request.url, await request.body()
        host = headers["host"]
        asked = self.asked_as(time.monotonic(), request.method, host, url.path, url.query, headers, raw)
        if self._left == 0:
            self._halted.set()
            await asyncio.sleep(3600)
        response = await self.respond(asked)
        asked.status = response.status_code
        if self._left is not None:
            self._left -= 1
            if self._early and self._left == 0:
                self._halted.set()
        return response


class World(Protocol):
    """What a service knows and how it behaves; an address may serve one after another."""

    async def respond(self, asked: Asked) -> Response: ...


W = TypeVar("W", bound=World)


class Worlds(Emulator, Generic[W]):
    """One address for one world after the other."""

    def __init__(self, make: Callable[..., W]) -> None:
        self._make = make
        self.world = make()

    def begin(self) -> W:
        """A new world, with nothing in it."""
        self.world = self._make(url=self.url)
        return self.world

    def __enter__(self) -> Self:
        super().__enter__()
        self.begin()
        return self

    async def respond(self, asked: Asked) -> Response:
        return await self.world.respond(asked)


def cut(body: bytes) -> Response:
    """Half of a body, and then nothing on a connection that is closed."""

    async def half() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        raise ConnectionResetError

    headers = {"content-length": str(len(body)), "content-type": "application/json"}
    return StreamingResponse(half(), headers=headers)


def retrying(seconds: str | None) -> dict[str, str]:
    """The headers that name a wait, none where it is None."""
    return {} if seconds is None else {"Retry-After": seconds}
