"""What a kind of stage lacks is named."""

import numpy as np
import pytest

from simulator.engine.contract import Stage
from simulator.engine.stages.stage import OrderedStage, ServiceStage


@pytest.mark.parametrize(
    ("base", "method", "arguments"),
    [
        (Stage, "accept", ([0], 0.0)),
        (ServiceStage, "step", (0.0,)),
        (OrderedStage, "pass_on", (np.zeros(1, np.int32), np.zeros(1))),
        (ServiceStage, "hand_over", ([0], 0.0)),
        (ServiceStage, "hand_over_block", (np.zeros(1, np.int32), np.zeros(1))),
    ],
)
def test_a_kind_that_lacks_a_method_is_named_together_with_it(base, method, arguments):
    half_done = type("HalfDone", (base,), {})
    with pytest.raises(NotImplementedError, match=rf"^HalfDone does not define {method}\(\);"):
        getattr(half_done, method)(object.__new__(half_done), *arguments)
