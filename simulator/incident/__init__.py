"""A production incident that is played: its section of a case, the stream of frames, looks, fixes, scores, with page and command.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
