"""Score tables: networks fitted on labelled photos, each photo scored by one that never saw its patient."""
