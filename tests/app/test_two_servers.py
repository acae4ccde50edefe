"""Servers that write into one database at once lose nothing, and an incident's actions have one order."""

import pytest

from simulator.app.store.attempts import Attempts
from simulator.app.store.incident_log import Incidents
from tests.app.store_worker import crew

EACH = 12


@pytest.fixture(scope="module")
def two():
    with crew(2) as processes:
        yield processes


def test_two_servers_lose_no_attempt_and_no_action(url, two):
    incidents = Incidents(url)
    name = incidents.begin("production-drift", 1, "0123456789ab")
    overtaken = two.all_do(*(("written", url, "t" * 22, name, server, EACH) for server in ("first", "second")))
    assert all(isinstance(count, int) for count in overtaken), overtaken
    jobs = {f"{server}-{number}" for server in ("first", "second") for number in range(EACH)}
    attempts = Attempts(url).of("t" * 22, "some-case")
    assert sorted(one.job for one in attempts) == sorted(jobs)
    assert [one.at for one in attempts] == sorted(one.at for one in attempts)
    assert sum(one.starred for one in attempts) == 1
    taken = [action["by"] for action in incidents.get(name).actions]
    assert sorted(taken) == sorted(jobs)
    for server in ("first", "second"):  # each server's own actions keep their order
        own = [job for job in taken if job.startswith(server)]
        assert own == [f"{server}-{number}" for number in range(EACH)]
