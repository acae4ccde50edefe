"""Readers of what was measured or published: profiles, score tables, drives, the catalogue, and projections from them.

It imports only the modules at the top of the package.
"""
