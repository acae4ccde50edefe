"""Closed forms: visits to stages, offered loads, and formulas that runs are tested against.

It may import the engine and what lies below.
"""
