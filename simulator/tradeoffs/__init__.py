"""Many designs of one case: sweeps, fronts, the best design, capacity, break-evens and sensitivity, with page and commands.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
