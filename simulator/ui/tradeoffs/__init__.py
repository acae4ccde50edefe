"""The page Trade-offs: what else is possible around a design."""
