"""How the committed evidence in assets/ was made. Each campaign runs by `python -m campaigns.NAME`; none is part of the wheel.

Campaigns import the package `simulator`, which never imports them.
"""
