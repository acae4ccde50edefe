"""The page Evidence: what was measured, how good it is, and where every number comes from.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
