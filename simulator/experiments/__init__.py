"""Experiments in the field: an audit of the cleared, and a canary or A/B test that is looked at every day."""
