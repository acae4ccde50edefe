"""Databases of the store's tests: a new SQLite file, and a new schema on a PostgreSQL server where one is installed."""

import os

import pytest

from tests.postgres import binaries, cluster


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server; CASESIM_REQUIRE_POSTGRES=1 makes its absence a failure."""
    programs = binaries()
    if programs is None:
        missing = "no PostgreSQL server is installed (Debian's package postgresql)"
        (pytest.fail if os.environ.get("CASESIM_REQUIRE_POSTGRES") == "1" else pytest.skip)(missing)
    with cluster(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of a database without tables, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kept.db'}"
    return request.getfixturevalue("postgres").new_url()
