"""CaseSim: run an ML system design for computer vision."""
