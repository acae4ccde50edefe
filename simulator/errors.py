"""The error that a person can mend, as opposed to a fault of CaseSim's own; every part raises kinds of it."""


class InputError(ValueError):
    """What was given, or the machine it is to run on, cannot do this: the message says what, where, and what would be right."""
