"""Many people at the practice page of one server, and what they meet."""
