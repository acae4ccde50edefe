"""What was measured or published: latency profiles, score tables, the catalogue."""
