"""Editors: our language server, and the YAML language server with our schema, each asked as an editor asks it."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from simulator.authoring.case_schema import case_schema
from simulator.authoring.new_command import CaseAnswers, blank_case
from tests.authoring.lsp_client import LspClient

TEXT = blank_case(CaseAnswers("parcel-damage", "Damaged parcels"))


def labels(found) -> set[str]:
    return {one["label"] for one in (found or {}).get("items", [])}


def words_of(hover) -> str:
    contents = hover["contents"]
    return contents if isinstance(contents, str) else contents["value"]


@pytest.mark.skipif(find_spec("pygls") is None, reason="needs the extra `author`")
def test_our_server_reports_faults_completes_keys_and_explains_them(tmp_path):
    file = tmp_path / "parcel-damage.yaml"
    with LspClient([sys.executable, "-m", "simulator.cli", "lsp"]) as editor:
        document = editor.open(file, TEXT)
        assert editor.diagnostics() == []
        wrong = TEXT.replace("max_queue: 5 ", "max_queu: 5 ").replace("to: answered", "to: answred")
        change = {"textDocument": {**document, "version": 2}, "contentChanges": [{"text": wrong}]}
        editor.tell("textDocument/didChange", change)
        messages = {one["message"]: one for one in editor.diagnostics()}
        fault = next(one for message, one in messages.items() if "did you mean 'max_queue'?" in message)
        assert fault["range"]["start"]["line"] == wrong[: wrong.index("max_queu:")].count("\n")
        assert (fault["source"], fault["severity"]) == ("casesim", 1)
        assert any("did you mean 'answered'?" in message for message in messages)
        offered = labels(editor.ask("textDocument/completion", editor.at(document, wrong, "    max_qu")))
        assert {"timeout_s", "shares"} <= offered
        hover = editor.ask("textDocument/hover", editor.at(document, wrong, "    replic"))
        assert "serves one batch at a time" in words_of(hover)


@pytest.fixture(scope="module")
def yaml_language_server(tmp_path_factory):
    """The YAML language server, fetched by npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("npm")
    fetch = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "yaml-language-server@1"]
    fetched = subprocess.run(fetch, cwd=folder, capture_output=True, timeout=300, check=False)
    server = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if fetched.returncode or not server.is_file():
        pytest.skip("npm cannot fetch yaml-language-server, perhaps without a network")
    return ["node", str(server), "--stdio"]


@pytest.mark.long
def test_the_yaml_language_server_completes_our_keys_and_reports_a_wrong_one(
    tmp_path, yaml_language_server, casesim, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert casesim("new", "parcel-damage")[0] == 0
    file = tmp_path / "parcel-damage.yaml"
    with LspClient(yaml_language_server) as editor:
        settings = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}
        editor.tell("workspace/didChangeConfiguration", {"settings": settings})
        text = file.read_text(encoding="utf-8")
        document = editor.open(file, text)
        assert editor.diagnostics() == []
        wrong = text.replace("    max_queue: 5 ", "    max_queu: 5 ")
        change = {"textDocument": {**document, "version": 2}, "contentChanges": [{"text": wrong}]}
        editor.tell("textDocument/didChange", change)
        assert any("max_queu" in one["message"] for one in editor.diagnostics())
        typed = text.replace("    on_full: refused\n", "    on_full: refused\n    \n", 1)
        change = {"textDocument": {**document, "version": 3}, "contentChanges": [{"text": typed}]}
        editor.tell("textDocument/didChange", change)
        offered = labels(editor.ask("textDocument/completion", editor.at(document, typed, "    on_full: refused\n    ")))
        pool = case_schema()["definitions"]["Pool"]["properties"]
        assert {"timeout_s", "max_batch", "scores"} <= offered <= {*pool, "kind"}
        hover = editor.ask("textDocument/hover", editor.at(document, typed, "    replic"))
        assert "serves one batch at a time" in words_of(hover)
