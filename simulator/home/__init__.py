"""The first page: one design that has been run, and a card for every case.

It may import every feature.
"""
