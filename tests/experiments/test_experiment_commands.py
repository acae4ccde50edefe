"""`casesim canary`: what it refuses."""

import pytest

from simulator.cli.exits import UsageError
from simulator.experiments.experiment_commands import CanaryCommand


@pytest.mark.parametrize(("picks", "against"), [(None, None), (["operating_point=0.95"], None)])
def test_a_canary_of_the_same_design_is_refused(picks, against):
    """The default operating point is 0.95, so that both arms are the default design."""
    with pytest.raises(UsageError, match="both arms have the same design; say what is new, as in --set data="):
        CanaryCommand("skin-cancer-triage", picks, against).run()
