"""A client of a language server over its standard input and output, as an editor is one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from tests.patience import PATIENCE_S


class LspClient:
    """Starts a server, and talks to it; answers are awaited for at most `patience_s`."""

    def __init__(self, command: Sequence[str], patience_s: float = PATIENCE_S) -> None:
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.said: Queue[dict[str, Any]] = Queue()
        self.patience_s, self.number = patience_s, 0
        Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {}})
        self.tell("initialized", {})

    def __enter__(self) -> LspClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.kill()
        self.server.wait()

    def _listen(self) -> None:
        out = self.server.stdout
        assert out is not None
        while line := out.readline():
            length = int(line.decode().partition(":")[2]) if line.lower().startswith(b"content-length") else 0
            while length and out.readline().strip():
                pass
            if length:
                self.said.put(json.loads(out.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """Return the result of a request; requests of the server are answered with null meanwhile."""
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        while True:
            message = self.said.get(timeout=self.patience_s)
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")
            self._answer(message)

    def diagnostics(self) -> list[dict[str, Any]]:
        """Return the diagnostics that the server sends next."""
        while True:
            message = self.said.get(timeout=self.patience_s)
            if message.get("method") == "textDocument/publishDiagnostics":
                return list(message["params"]["diagnostics"])
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        if "id" in message and "method" in message:
            asked = message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
            self._send({"id": message["id"], "result": None if asked is None else [None] * len(asked)})

    def open(self, file: Path, text: str) -> dict[str, str]:
        """Open a file with this text; returns what names it in requests."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return {"uri": file.as_uri()}

    def at(self, document: dict[str, str], text: str, word: str) -> dict[str, Any]:
        """Return the place behind the first occurrence of a word."""
        before = text[: text.index(word) + len(word)]
        return {
            "textDocument": document,
            "position": {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])},
        }
