"""What the app remembers, in a database of one file unless told otherwise: attempts and incidents. Never results."""

from simulator.store.attempts import Attempt, Attempts, Reached
from simulator.store.database import StoreError
from simulator.store.incidents import Hidden, Incidents, Kept, OvertakenError

__all__ = ["Attempt", "Attempts", "Hidden", "Incidents", "Kept", "OvertakenError", "Reached", "StoreError"]
