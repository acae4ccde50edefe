"""Encounters of a vehicle: its section of a case, braking, sight, what its machines cost, with panels and charts.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
