"""The house measured: lines, files on the way of a run, imports, names and tests, each beside its bar."""
