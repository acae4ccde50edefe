"""Speed, measured on the machine at hand. Times are shown, never asserted."""
