"""Many designs of a case: those of a sweep, each run once with outcomes on disk, and single steps from one design."""
