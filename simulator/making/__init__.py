"""Makes evidence: measures, trains, runs real servers, fits projections. Most of it needs an extra."""
