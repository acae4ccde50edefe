"""Measurements of a user's own models, detectors, scores, and of a real server on this machine. Most of them need an extra.

This folder may import evidence, case, engine and cli.
"""
