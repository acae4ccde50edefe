"""Monitors of production data: tests of columns against a reference, by slice and over time, with page and command.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
