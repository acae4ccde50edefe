"""Commands and servers killed at random moments: what is mixed, left behind or still running afterwards."""
