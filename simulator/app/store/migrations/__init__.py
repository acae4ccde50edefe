"""Migrations: one file a layout. Each is fixed once it has been released, and says how to get from the layout before it.

To add one: a file in `versions/`, its number at the end of `LAYOUTS` in `simulator/app/store/layout.py`, and the tables.
"""
