"""Readers of what the surfaces show: an independent check that each sentence and table says what its record holds."""
