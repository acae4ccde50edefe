"""What a score table says of a model."""
