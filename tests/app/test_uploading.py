"""What is uploaded takes no more memory of the server than is written down, whoever sends how many files at once."""

import asyncio
from types import SimpleNamespace

import pytest

from simulator.app import uploads as uploading
from simulator.app.uploads import Uploading
from simulator.limits import MIB, UPLOADED_FILE, UPLOADED_IN_A_TAB, UPLOADED_IN_ALL
from tests.loops import run


class Server:
    """An app that takes every file and holds it, and the middleware before it."""

    def __init__(self):
        self.kept, self.wait = {}, None
        self.before = Uploading(self.take, lambda: self.kept)

    async def take(self, scope, receive, send):
        if self.wait:
            await self.wait.wait()
        tab = scope["path"].split("/")[-2]
        self.kept[tab] = self.kept.get(tab, 0) + self.size
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def ask(self, tab, size, says=True, method="PUT", path="/_stcore/upload_file/{}/file"):
        told, self.size = [], size
        headers = [(b"content-length", str(size).encode())] if says else []
        scope = {"type": "http", "method": method, "path": path.format(tab), "headers": headers}

        async def send(message):
            told.append(message)

        await self.before(scope, None, send)
        return told[0]["status"], told[-1].get("body", b"").decode()


def test_a_tab_has_room_for_so_much_and_is_told_when_there_is_no_more():
    server = Server()
    assert run(server.ask("mine", UPLOADED_FILE.most))[0] == 204
    assert run(server.ask("mine", UPLOADED_FILE.most))[0] == 204
    assert run(server.ask("mine", UPLOADED_IN_A_TAB.most - 2 * UPLOADED_FILE.most))[0] == 204
    status, sentence = run(server.ask("mine", 1))
    assert status == 413
    assert "the files that a page holds may take 1,073,741,824 bytes" in sentence
    assert run(server.ask("other", 1))[0] == 204
    server.kept.pop("mine")
    assert run(server.ask("mine", 1))[0] == 204


def test_all_tabs_together_have_a_bound_too():
    server = Server()
    server.kept = {str(tab): UPLOADED_IN_A_TAB.most for tab in range(UPLOADED_IN_ALL.most // UPLOADED_IN_A_TAB.most)}
    status, sentence = run(server.ask("mine", 1))
    assert status == 413
    assert "the files that all pages of a server hold" in sentence


def test_files_that_come_at_once_count_before_they_are_there():
    async def together(server):
        server.wait = asyncio.Event()
        asked = [asyncio.create_task(server.ask("mine", UPLOADED_FILE.most)) for _ in range(3)]
        await asyncio.sleep(0)
        server.wait.set()
        return sorted(status for status, _ in await asyncio.gather(*asked))

    assert run(together(Server())) == [204, 204, 413]


@pytest.mark.parametrize("says", [True, False])
def test_a_file_that_does_not_say_its_size_counts_as_the_largest(says):
    server = Server()
    server.kept["mine"] = UPLOADED_IN_A_TAB.most - MIB
    assert run(server.ask("mine", MIB, says))[0] == (204 if says else 413)


def test_what_is_no_upload_passes():
    server = Server()
    server.kept["mine"] = UPLOADED_IN_A_TAB.most
    assert run(server.ask("mine", 1, method="DELETE"))[0] == 204
    assert run(server.ask("mine", 1, path="/{}/page"))[0] == 204


def test_what_streamlit_holds_is_counted(monkeypatch):
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    manager = MemoryUploadedFileManager("/_stcore/upload_file")
    monkeypatch.setattr(uploading, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    manager.add_file("mine", UploadedFileRec("a", "a.csv", "text/csv", b"12345"))
    manager.add_file("mine", UploadedFileRec("b", "b.csv", "text/csv", b"12"))
    assert uploading.held() == {"mine": 7}
