"""For authors of cases: tests and claims, cautions, look-ups, new cases, packs."""
