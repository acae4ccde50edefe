"""What the app remembers: the attempts of each person, in a database of one file unless told otherwise. Never results."""

from simulator.store.attempts import Attempt, Attempts, Reached, StoreError

__all__ = ["Attempt", "Attempts", "Reached", "StoreError"]
