"""Closed forms: visits to stages and offered loads, known before a run.

It may import the engine and what lies below.
"""
