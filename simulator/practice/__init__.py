"""The page Explore: choices at the side, verdicts in view, the history of runs, curveballs and levers.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
