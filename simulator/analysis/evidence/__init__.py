"""What the measurements and published figures say, side by side."""
