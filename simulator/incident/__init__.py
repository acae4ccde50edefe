"""A production incident that a person plays: its section of a case, the stream of frames, looks, fixes, scores, page, command.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
