"""A short version of `make kills`: each a few times."""

import pytest

from tests.kills.subjects import SUBJECTS
from tests.kills.trial import tried

pytestmark = [pytest.mark.zoo, pytest.mark.long]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_nothing_is_mixed_left_behind_or_still_running(subject, tmp_path):
    found = tried(subject, 2, tmp_path)
    assert found.holds, found
