"""Detections on recorded drives beside the labels: reading, matching, sums with intervals."""
