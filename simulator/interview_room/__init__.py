"""The interview room: an interviewer and a candidate at one board, on one log.

Each part is given the visitor's role, and computes nothing that this role may not see.
"""
