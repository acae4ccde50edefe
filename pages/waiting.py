"""The page of a visitor whose interview goes on, in the place of every other page: the way back to the room."""

from simulator.rooms.lobby import lobby

lobby(unknown=False)
