"""Many designs of a case, each run once: the designs, the order of their runs, and their outcomes on disk."""
