"""Measures what a person brings or has: models, detectors, scores, a real server on this machine. Most of it needs an extra.

It imports what reads evidence, the case and the engine; only the command imports it.
"""
