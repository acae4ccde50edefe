"""A short version of `make kills`: each a few times, and no time is asserted."""

import pytest

from tests.kills.stops import STOPS, stopped
from tests.kills.subjects import SUBJECTS
from tests.kills.trial import tried

pytestmark = [pytest.mark.zoo, pytest.mark.long]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_nothing_is_mixed_left_behind_or_still_running(subject, tmp_path):
    found = tried(subject, 2, tmp_path)
    assert found.holds, found


@pytest.mark.parametrize("stop", [stop for stop in STOPS if stop.can_run], ids=lambda stop: stop.name)
def test_a_long_command_that_is_stopped_says_what_it_keeps(stop):
    assert [found.fault for found in stopped(stop, (6.0, 12.0)) if found.fault not in ("", "late")] == []
