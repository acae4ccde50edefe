"""The simulation against real servers on this machine: what it predicts before a run, and what the run then shows."""
