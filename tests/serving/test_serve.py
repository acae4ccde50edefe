"""`casesim serve` as a person starts and stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from simulator.case.load import find, scenario_ids
from tests import families
from tests.patience import PATIENCE_S


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


WRONG = {
    "a file that is not there": ("parcel.yaml", "there is no such file or folder; did you mean 'parcels.yaml'?"),
    "a case that is shipped": ("retry-storm", "comes with CaseSim and is always there"),
    "a folder without cases": ("empty", "the folder holds no case; a case is a file that ends in .yaml"),
    "another kind of file": ("notes.txt", "a case is a file that ends in .yaml"),
    "a file that may not be read": ("secret.yaml", "CaseSim may not read it; change its permissions"),
}


@pytest.mark.parametrize(("name", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_served_is_told_in_a_sentence(name, says, casesim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for file in ("parcels.yaml", "notes.txt", "secret.yaml"):
        (tmp_path / file).write_text("id: x\n", encoding="utf-8")
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "secret.yaml")  # whoever runs the test may read anything
    ended = casesim("serve", name)
    assert ended.status == 2
    assert says in ended.err
    assert ended.err.count("\n") == 1


@pytest.fixture
def ran(monkeypatch):
    """What the server is run with, in place of running it."""
    monkeypatch.setenv("CASESIM_CASES", "")  # both are put back afterwards
    monkeypatch.setenv("CASESIM_UPLOADS", "")
    monkeypatch.delenv("CASESIM_TOKEN", raising=False)
    before, asked = signal.getsignal(signal.SIGTERM), []

    def run(listening, *more, **_):
        asked.append((listening.getsockname(), *more[:4]))
        listening.close()

    monkeypatch.setattr("simulator.serving.server.run", run)
    yield asked
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def port():
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_number_of_rooms_that_is_none_is_refused_before_the_server_starts(casesim, ran, port, monkeypatch):
    monkeypatch.setenv("CASESIM_ROOMS", "many")
    ended = casesim("serve", "--port", port)
    assert "CASESIM_ROOMS: expected a number of interviews from 1 to 10000, such as 8" in ended.err
    assert ended.status == 2


@pytest.mark.parametrize("name", ["own.yaml", "."])
def test_a_file_or_folder_is_handed_to_the_app_with_the_address_of_each_case(name, casesim, tmp_path, monkeypatch, ran, port):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("id: own\n", encoding="utf-8")
    ended = casesim("serve", name, "--port", port)
    assert ended.out.splitlines()[1:] == [f"own.yaml: http://localhost:{port}/practice?case=own"]
    assert scenario_ids()[0] == "own"
    assert "retry-storm" in scenario_ids()
    assert find("own") == tmp_path.resolve() / "own.yaml"


def test_it_serves_this_machine_only_unless_told_otherwise(casesim, ran, port):
    ended = casesim("serve", "--port", port)
    assert ran == [(("127.0.0.1", port), "localhost", [], f"http://localhost:{port}", None)]
    assert os.environ["CASESIM_UPLOADS"] == "mine"
    assert ended.out == f"CaseSim is at http://localhost:{port}; Ctrl+C ends it\n"


@pytest.mark.parametrize(("words", "trusted"), [((), False), (("--proxy",), True)])
def test_headers_of_a_proxy_count_only_if_that_is_said(words, trusted, casesim, ran, port, monkeypatch):
    options = []
    monkeypatch.setattr("simulator.serving.server.run", lambda listening, *_, **more: (listening.close(), options.append(more)))
    casesim("serve", "--port", port, *words)
    assert options == [{"proxy": trusted}]


def test_others_are_let_in_by_the_names_of_the_machine_and_those_allowed(casesim, ran, port):
    shared = ("--address", "0.0.0.0", "--allow-host", "class.example", "--allow-host", "b.example", "--uploads", "everyone")
    ended = casesim("serve", "--port", port, *shared)
    [(bound, address, names, url, token)] = ran
    assert (bound, address, url) == (("0.0.0.0", port), "0.0.0.0", f"http://localhost:{port}")
    assert names[-2:] == ["class.example", "b.example"]
    assert socket.gethostname().lower() in names
    assert os.environ["CASESIM_UPLOADS"] == "everyone"
    assert re.fullmatch(r"[\w-]{43}", token)
    assert ended.out.splitlines() == [
        f"CaseSim is at http://localhost:{port}/?token={token}; Ctrl+C ends it",
        *(f"Others reach it at http://{name}:{port}/?token={token}" for name in names[:-2]),
    ]
    assert ended.err == ""
    casesim("serve", "--port", port, *shared)
    assert ran[1][-1] != token  # each start draws another


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "0.0.0.0"])
def test_a_token_that_is_given_is_needed_at_every_address_and_is_not_printed(address, casesim, ran, port, monkeypatch):
    token = "sixteen letters!"
    for words, variable in ((("--token", token), None), ((), token)):
        if variable:
            monkeypatch.setenv("CASESIM_TOKEN", variable)
        ended = casesim("serve", "--port", port, "--address", address, *words)
        *_, url, passed = ran.pop()
        assert passed == token
        assert "CASESIM_TOKEN" not in os.environ  # no process of the server inherits it
        assert ended.out.endswith(f"Visitors need the token that you gave: {url}/?token=TOKEN\n")
        assert token not in ended.out + ended.err


def test_without_a_token_others_are_let_in_only_where_that_is_said_with_a_warning(casesim, ran, port):
    ended = casesim("serve", "--port", port, "--address", "0.0.0.0", "--no-token")
    assert ran.pop()[-1] is None
    assert "token" not in ended.out
    assert ended.err == "Every person who reaches this port comes in without a token and can use this machine's processors.\n"
    assert casesim("serve", "--port", port, "--no-token").err == ""  # the own machine needs none anyway


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--token", "fifteen letters"),
            "--token or CASESIM_TOKEN: the token has 15 characters; expected 16 to 512 characters",
        ),
        (("--token", ""), "the token has 0 characters"),
        (("--token", "x" * 513), "the token has 513 characters"),
        (("--token", "sixteen letters!", "--no-token"), "--no-token: there is a token too, by --token or CASESIM_TOKEN"),
        (("--allow-host", "*"), "--allow-host *: expected the one name that visitors use, such as casesim.example.org"),
        (("--allow-host", "*.example.org"), "--allow-host *.example.org: expected the one name"),
        (("--allow-host", "https://class.example"), "expected the one name"),
        (("--allow-host", "class.example:8501"), "expected the one name"),
        (("--allow-host", ""), "expected the one name"),
    ],
)
def test_what_would_leave_the_door_open_is_refused_in_a_sentence(words, said, casesim, ran, port):
    for address in ("localhost", "0.0.0.0"):
        ended = casesim("serve", "--port", port, "--address", address, *words)
        assert ended.status == 2
        assert said in ended.err
        assert ended.err.count("\n") == 1
        assert "fifteen letters" not in ended.err
    assert ran == []


@pytest.mark.parametrize("name", ["class.example", "class-7b", "192.0.2.7", "2001:db8::7", "a_b.example.org."])
def test_a_name_or_an_address_can_be_allowed(name, casesim, ran, port):
    casesim("serve", "--port", port, "--allow-host", name)
    assert ran[0][2] == [name]


def test_a_browser_on_this_machine_is_opened_by_a_ticket_and_not_by_the_token(monkeypatch, port):
    """Other users of a machine can list the command lines of its browsers."""
    from simulator.serving import server

    opened = []
    monkeypatch.setattr(server, "open_browser", opened.append)
    monkeypatch.setattr(server.bootstrap, "load_config_options", lambda _: None)
    monkeypatch.setattr(server.st, "get_option", lambda name: 64 if name == "server.maxMessageSize" else False)
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(server, "_end_within", lambda _: None)
    with socket.create_server(("127.0.0.1", port)) as listening:
        server.run(listening, "localhost", [], "http://localhost", "the token of this server")
        server.run(listening, "localhost", [], "http://localhost", None)
    assert re.fullmatch(r"http://localhost/\?token=[\w-]{43}", opened[0])
    assert opened[1] == "http://localhost"


def test_a_port_in_use_is_told_with_one_that_is_free(casesim, ran):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = casesim("serve", "--port", port)
    assert ended.status == 2
    said, free = re.fullmatch(r"(port \d+ is in use; (\d+) is free: casesim serve --port \2)\n", ended.err).groups()
    assert said.startswith(f"port {port} ")
    socket.create_server(("127.0.0.1", int(free))).close()
    assert ran == []


@pytest.mark.parametrize("address", ["203.0.113.7", "no such name", "1::2::3"])
def test_an_address_that_is_none_of_this_machine_is_told(address, casesim, ran):
    ended = casesim("serve", "--address", address)
    assert ended.status == 2
    assert ended.err.startswith(f"--address {address}: cannot serve there (")
    assert ended.err.count("\n") == 1


STUCK = """
import re, sys, time
from threading import Thread
from urllib.request import urlopen

def hold():
    while True:
        try:
            urlopen(f"http://127.0.0.1:{sys.argv[-1]}/_stcore/health")
            break
        except OSError:
            time.sleep(0.1)
    print("held", flush=True)
    re.match("(a+)+$", "a" * 60 + "b")

if __name__ == "__main__":
    from simulator.cli.main import main
    Thread(target=hold, daemon=True).start()
    main()
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal is sent")
def test_a_signal_ends_a_server_in_which_a_pattern_holds_the_interpreter(tmp_path, port):
    (tmp_path / "stuck.py").write_text(STUCK, encoding="utf-8")
    how = {"env": families.environment(tmp_path) | {"STREAMLIT_SERVER_HEADLESS": "true"}, "stdout": subprocess.PIPE}
    server = families.started([sys.executable, tmp_path / "stuck.py", "serve", "--no-prepare", "--port", port], **how)
    assert any(line == b"held\n" for line in server.stdout)
    everybody = families.family(server)
    families.spins(server)
    server.terminate()
    assert server.wait(timeout=PATIENCE_S) == -signal.SIGKILL
    assert families.left(everybody) == []


#: A terminal without colours, and with few letters.
BARE_TERMINAL = {"TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="elsewhere no signal is sent")
def test_several_serve_at_once_on_any_machine_and_a_signal_ends_each_at_once(tmp_path):
    bare = tmp_path / "read-only"
    bare.mkdir(mode=0o555)
    usual = {name: value for name, value in os.environ.items() if name not in {"CASESIM_DATABASE", "XDG_DATA_HOME", "HOME"}}
    usual |= {"STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": str(Path(__file__).parents[2])}
    homes = [{}, {"HOME": "/nonexistent"}, {"HOME": str(bare)}, {"HOME": str(tmp_path), **BARE_TERMINAL}]
    servers = [started(usual | home, tmp_path) for home in homes]
    for process, port in servers:
        until_healthy(process, port)
        with urlopen(f"http://localhost:{port}/") as page:
            assert page.status == 200
    for (process, _), sent in zip(servers, (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM), strict=True):
        process.send_signal(sent)
    for (process, port), status in zip(servers, (130, 143, 130, 143), strict=True):
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err.decode()) == (
            status,
            "stopped: the server has ended; designs and verdicts are stored\n",
        )
        assert out.decode() == f"CaseSim is at http://localhost:{port}; Ctrl+C ends it\n"
        assert not answers(port)


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_an_output_that_takes_nothing_is_told_in_a_sentence(port):
    command = [sys.executable, "-m", "simulator.cli", "serve", "--port", str(port)]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S, text=True)
    assert ended.returncode == 74
    assert ended.stderr.endswith("No space left on device\n")
    assert ended.stderr.count("\n") == 1


def started(environment, folder):
    """A server that is starting, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "simulator.cli", "serve", "--port", str(port)]
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE), port


def until_healthy(server, port):
    families.until(lambda: server.poll() is not None or healthy(port), "a server that answers")
    assert server.poll() is None, server.stderr.read().decode()


def healthy(port):
    try:
        with urlopen(f"http://localhost:{port}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
