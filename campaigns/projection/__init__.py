"""Fits projections of latency to published points, and finds out what they are worth; the catalogue keeps both."""
