"""The kinds of looks that a case may name: importing this module fills their registry."""

from simulator.case.kinds import registry
from simulator.incident.any_look import LOOKS
from simulator.incident.asked_looks import AskLook, EvaluationLook, QueryLook
from simulator.incident.frame_looks import AuditLook, LabelsLook, PicturesLook, SlicesLook
from simulator.incident.server_looks import (
    CanaryLook,
    ChangesLook,
    CountersLook,
    PreprocessingLook,
    ReplayLook,
    ReplicasLook,
    ShadowLook,
)

LOOKS |= registry(
    CountersLook,
    ChangesLook,
    ReplicasLook,
    PreprocessingLook,
    ReplayLook,
    SlicesLook,
    LabelsLook,
    AuditLook,
    PicturesLook,
    QueryLook,
    AskLook,
    EvaluationLook,
    ShadowLook,
    CanaryLook,
)
