"""A production incident: a stream of frames, what may go wrong with it, what can be watched, looked at and done."""

from simulator.scenario.incident.schema import Incident

__all__ = ["Incident"]
