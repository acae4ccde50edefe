"""What the 95% intervals cover, in worlds whose truth is known: `make coverage`."""
