"""An incident that is played: the stream, its hidden cause, what is watched, looked at and done, and how it went."""
