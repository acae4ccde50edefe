"""Monitors: does production differ from a reference? Also where rows follow each other."""
