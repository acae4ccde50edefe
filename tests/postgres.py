"""A PostgreSQL server of the tests: a cluster in a temporary folder, reached through a socket in that folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

#: The user of the tests, the password, and a database that every cluster has.
USER, PASSWORD, DATABASE = "tester", "pass-of-tests", "postgres"

#: What costs time and saves data that these tests throw away.
_FAST = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c listen_addresses="


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest of Debian's first; None without a server."""
    numbered = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: -float(file.parts[4]))
    on_path = [Path(found) for found in [shutil.which("initdb")] if found]
    return next((file.parent for file in [*on_path, *numbered] if file.with_name("pg_ctl").exists()), None)


class Cluster:
    """A server that can be stopped and started again; each URL names a schema of its own, which is empty at first."""

    def __init__(self, programs: Path, folder: Path, account: dict[str, Any]) -> None:
        self._programs, self._folder, self._account = programs, folder, account
        self._data = folder / "data"
        secret = folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        self._run("initdb", "-D", self._data, "-U", USER, "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "-N")

    @property
    def data(self) -> Path:
        """The folder of the tables."""
        return self._data

    def _run(self, program: str, *words: object) -> None:
        command = [self._programs / program, *map(str, words)]
        plain = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        # Into a file: a server that has been started would hold a pipe open.
        with (self._folder / "log").open("ab") as log:
            subprocess.run(command, cwd=self._folder, env=plain, stdout=log, stderr=log, check=True, **self._account)

    def start(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-o", f"{_FAST} -k {self._folder}", "start")

    def stop(self) -> None:
        """End the server and every connection to it at once."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def url(self, user: str = USER, password: str = PASSWORD, database: str = DATABASE, scheme: str = "postgresql") -> str:
        return f"{scheme}://{user}:{password}@/{database}?host={self._folder}"

    def new_url(self) -> str:
        """Return the URL of an empty schema."""
        schema = f"t{uuid4().hex}"
        self.execute(f"create schema {schema}")
        return f"{self.url()}&options=-csearch_path%3D{schema}"

    def execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    """Run a server for a while. PostgreSQL refuses to run as root, so root runs it as another user."""
    folder = Path(tempfile.mkdtemp(prefix="casesim-pg-"))
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        import pwd

        name = next(name for name in ("postgres", "nobody") if any(one.pw_name == name for one in pwd.getpwall()))
        entry = pwd.getpwnam(name)
        account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    try:
        server = Cluster(programs, folder, account)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
