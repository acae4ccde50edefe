"""What runs for each stage kind of a scenario: one class a kind."""

from simulator.serving.stages.base import Stage
from simulator.serving.stages.fork import ForkStage
from simulator.serving.stages.gate import GateStage
from simulator.serving.stages.join import JoinStage
from simulator.serving.stages.link import LinkStage
from simulator.serving.stages.people import PeopleStage
from simulator.serving.stages.pool import PoolStage
from simulator.serving.stages.retake import RetakeStage
from simulator.serving.stages.retry import RetryStage

STAGES: dict[str, type[Stage]] = {
    "link": LinkStage,
    "pool": PoolStage,
    "gate": GateStage,
    "retake": RetakeStage,
    "retry": RetryStage,
    "fork": ForkStage,
    "join": JoinStage,
    "people": PeopleStage,
}
