"""Detectors on labelled images, under every condition: tables, features, scenes and scales that assets/ keeps."""
