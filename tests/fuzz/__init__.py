"""Hostile input by the thousand, made by structure and by Hypothesis, tried in processes with limits (`make fuzz`)."""
