"""Live interviews: rooms with their links and log, an interviewer and a candidate at one board, scorecards, replays.

Each part is given the visitor's role, and computes nothing that this role may not see.
"""
