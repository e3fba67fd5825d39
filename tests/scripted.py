"""A scripted OpenAI-compatible server: its answers follow from the question, its misbehaviour from a script.

    with serving(folder) as server: …       in a thread, for a test
    python tests/scripted.py FOLDER [PORT]  a process, for what kills its clients; prints its URL

FOLDER/script.json holds the rules, a list; the first whose `match` stands in the question decides:

    {"match": "poison", "steps": ["500"], "forever": true}     every time it is asked
    {"share": 0.1, "steps": ["429:0.2", "half"]}               a tenth of the questions, twice each, then answered
    {"match": "Answer with JSON", "reply": "{\\"answer\\": \\"$letter\\"}"}

Steps: `answer`, a status (`500`; `429:2` and `503:date` ask to wait), `slow:0.5` (seconds), `hang`,
`malformed`, `html`, `empty`, `huge`, `drop` (before the answer), `half` (in the middle of it), `redirect:URL`,
`body:TEXT`.
In a reply stand $letter (A to D), $digit and $hash, which the question determines.

FOLDER/questions.jsonl has a line for every question that came, in the order in which they came.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Any

HUGE = 10 << 20


@dataclass(frozen=True)
class Rule:
    """How a part of the questions is treated."""

    match: str = ""
    """In the question's text."""
    share: float = 1.0
    """Of the questions that match, which ones the question itself determines."""
    steps: tuple[str, ...] = ()
    """What is done the first, second, … time that a question comes; it is answered after that."""
    forever: bool = False
    """The last step is done every further time too."""
    reply: str = "$letter"
    """What is answered."""

    def step(self, times: int) -> str:
        """What is done when a question comes that came `times` times before."""
        if self.steps and (times < len(self.steps) or self.forever):
            return self.steps[min(times, len(self.steps) - 1)]
        return "answer"


@dataclass(frozen=True)
class Seen:
    """A question that came."""

    at: float
    """When, by the monotonic clock."""
    hash: str
    """Of the request's body: equal questions have equal ones."""
    text: str
    """All that was said."""
    images: int
    """How many were shown."""
    step: str
    """What was done."""
    authorization: str
    """As it was sent."""


@dataclass
class Server:
    """A running server."""

    folder: Path
    rules: Sequence[Rule]
    url: str = ""
    """Base address."""
    most_at_once: int = 0
    """Questions that were with it at one time."""
    _times: Counter[str] = field(default_factory=Counter)
    _now: int = 0

    @property
    def log(self) -> Path:
        """Where every question is written down."""
        return self.folder / "questions.jsonl"

    async def start(self, port: int) -> asyncio.Server:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        return listening

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = (line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:-2])
                headers = {name.lower(): value for name, _, value in fields}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                try:
                    if not await self._answer(writer, body, headers.get("authorization", "")):
                        break
                finally:
                    self._now -= 1
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: bytes, authorization: str) -> bool:
        """Does what the script says; False where the connection is to be broken off."""
        text, images = _said(body)
        digest = hashlib.sha256(body).digest()
        rule = next((r for r in self.rules if r.match in text and int.from_bytes(digest[:4]) < r.share * 2**32), Rule())
        step, _, detail = rule.step(self._times[digest.hex()]).partition(":")
        self._times[digest.hex()] += 1
        with self.log.open("a") as log:
            seen = Seen(time.monotonic(), digest.hex(), text, images, step, authorization)
            log.write(json.dumps(asdict(seen)) + "\n")
        reply, headers, status = _completion(rule.reply, digest, text), {}, 200
        match step:
            case "slow":
                await asyncio.sleep(float(detail))
            case "hang":
                await asyncio.sleep(3600)
            case "malformed":
                reply = reply[:-20]
            case "html":
                reply, headers = b"<html><body>Bad gateway</body></html>", {"Content-Type": "text/html"}
            case "empty":
                reply = b""
            case "huge":
                reply = json.dumps({"choices": "x" * HUGE}).encode()
            case "body":
                reply = detail.encode()
            case "redirect":
                status, headers = 307, {"Location": detail}
            case "drop":
                return False
            case "half":
                writer.write(_response(200, {}, reply)[: -len(reply) // 2])
                await writer.drain()
                return False
            case number if number.isdigit():
                status = int(number)
                after = formatdate(time.time() + 2, usegmt=True) if detail == "date" else detail
                headers = {"Retry-After": after} if detail else {}
                reply = json.dumps({"error": {"message": text, "type": f"scripted_{number}"}}).encode()
        writer.write(_response(status, headers, reply))
        await writer.drain()
        return True


@contextmanager
def serving(folder: Path, *rules: Rule) -> Iterator[Server]:
    """A server in a thread."""
    server, loop, started = Server(folder, rules), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        async with await server.start(0):
            started.set()
            await stopped.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    stopped = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()


def questions(folder: Path) -> list[Seen]:
    """The questions that came, in their order."""
    whole, _, _ = (folder / "questions.jsonl").read_text().rpartition("\n")  # the last line may still be written
    return [Seen(**json.loads(line)) for line in whole.splitlines()]


def rules_in(path: Path) -> list[Rule]:
    """The rules of a script; none where there is no file."""
    if not path.exists():
        return []
    return [Rule(**rule | {"steps": tuple(rule.get("steps", ()))}) for rule in json.loads(path.read_text())]


def _said(body: bytes) -> tuple[str, int]:
    """The text of a request's messages, and how many images they show."""
    contents = [message["content"] for message in json.loads(body)["messages"]]
    parts = [part for c in contents for part in ([{"type": "text", "text": c}] if isinstance(c, str) else c)]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return "\n".join(texts), len(parts) - len(texts)


def _completion(reply: str, digest: bytes, text: str) -> bytes:
    content = Template(reply).safe_substitute(letter="ABCD"[digest[4] % 4], digit=digest[5] % 10, hash=digest.hex())
    completion: dict[str, Any] = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": len(text.split()), "completion_tokens": len(content.split())},
    }
    return json.dumps(completion).encode()


def _response(status: int, headers: dict[str, str], body: bytes) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body


async def main(folder: Path, port: int) -> None:
    """Serves until it is killed."""
    server = Server(folder, rules_in(folder / "script.json"))
    async with await server.start(port) as listening:
        print(server.url, flush=True)
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
