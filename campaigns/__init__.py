"""Campaigns that made the committed evidence in assets/.

Each campaign runs by `python -m campaigns.NAME`; none is part of the wheel.

Campaigns import the package `simulator`, which never imports them.
"""
