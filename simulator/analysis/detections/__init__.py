"""What a detection table says of a detector."""
