"""The whiteboard of a room: a component that draws a board, whose changes go through the socket of news.

A feature: it may import the app, charts, explain and what lies below, and no other feature.
"""
