"""The page You, and the command `practice`: a visitor's sessions, incidents, predictions and signals, the case to come back to,
and all of it as a file. It may import every feature.
"""
