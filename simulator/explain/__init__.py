"""Explanations of a run: verdicts with causes, bottlenecks, trust, and changes of a design that are tried by runs.

It may import metrics and what lies below.
"""
