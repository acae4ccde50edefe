"""`casesim lsp`: a language server for cases, with the checker, the completion and the hints of Studio."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from simulator.authoring.case_checker import check_text, check_whole
from simulator.authoring.studio.schema_help import completions, hint
from simulator.case.schema import Scenario
from simulator.cli.exits import needing

#: The words of the protocol for the severities of a diagnostic.
_SEVERITIES = {"error": "Error", "warning": "Warning", "info": "Information"}


def lsp() -> None:
    """Serve an editor over standard input and output: faults of a case as it is written, completion and hints.

    Needs the extra `author`.
    """
    with needing("author", "the language server"):
        from lsprotocol import types
        from pygls.lsp.server import LanguageServer
    CaseLanguageServer(LanguageServer("casesim", version("casesim")), types).server.start_io()


class CaseLanguageServer:
    """The answers of the server. known: by file, the last version of its case that could be read."""

    def __init__(self, server: Any, types: Any) -> None:
        self.server, self.types = server, types
        self.known: dict[str, Scenario] = {}
        # Functions, since pygls writes attributes onto each handler.
        server.feature(types.TEXT_DOCUMENT_DID_OPEN)(lambda said: self.check(said.text_document.uri, whole=True))
        server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(lambda said: self.check(said.text_document.uri, whole=False))
        server.feature(types.TEXT_DOCUMENT_DID_SAVE)(lambda said: self.check(said.text_document.uri, whole=True))
        server.feature(types.TEXT_DOCUMENT_COMPLETION)(lambda said: self.complete(said))
        server.feature(types.TEXT_DOCUMENT_HOVER)(lambda said: self.hover(said))

    def check(self, uri: str, whole: bool) -> None:
        """Send the faults of a file; whole: with its evidence and cautions, which take longer."""
        text = self._text(uri)
        checked = check_text(text, str(Path(unquote(urlparse(uri).path))))
        if whole:
            checked = check_whole(checked)
        if checked.scenario is not None:
            self.known[uri] = checked.scenario
        lines = text.splitlines() or [""]
        found = [self._diagnostic(diagnostic, lines) for diagnostic in checked.diagnostics()]
        self.server.text_document_publish_diagnostics(self.types.PublishDiagnosticsParams(uri=uri, diagnostics=found))

    def _diagnostic(self, finding: dict[str, Any], lines: list[str]) -> Any:
        row = min(max(finding["line"] - 1, 0), len(lines) - 1)
        line, start = lines[row], max(finding["column"] - 1, 0)
        word = line[start:].split(" #")[0].rstrip()
        return self.types.Diagnostic(
            range=self._range(row, start, start + max(len(word), 1)),
            message=f"{finding['field']}: {finding['message']}",
            severity=self.types.DiagnosticSeverity[_SEVERITIES[finding["severity"]]],
            code=finding["code"],
            source="casesim",
        )

    def _range(self, row: int, start: int, end: int) -> Any:
        at = self.types.Position
        return self.types.Range(start=at(line=row, character=start), end=at(line=row, character=end))

    def complete(self, said: Any) -> Any:
        """Return the keys or values that may stand at a place."""
        uri, at = said.text_document.uri, said.position
        start, offers = completions(self._text(uri), at.line + 1, at.character, self.known.get(uri))
        place = self._range(at.line, start, at.character)
        items = [
            self.types.CompletionItem(
                label=offer.label,
                detail=offer.detail,
                documentation=offer.info or None,
                text_edit=self.types.TextEdit(range=place, new_text=offer.apply or offer.label),
            )
            for offer in offers
        ]
        return self.types.CompletionList(is_incomplete=False, items=items)

    def hover(self, said: Any) -> Any:
        """Return the words on the key at a place; None where there are none."""
        uri, at = said.text_document.uri, said.position
        words = hint(self._text(uri), at.line + 1, at.character, self.known.get(uri))
        return self.types.Hover(contents=words) if words else None

    def _text(self, uri: str) -> str:
        return str(self.server.workspace.get_text_document(uri).source)
