"""A person and a case: the page Explore, and sessions of practice with predictions, a debrief and a timeline.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
