"""Metrics of runs with 95% intervals: counts of one replication, estimators, comparisons, verdicts.

It may import theory, the engine and what lies below.
"""
