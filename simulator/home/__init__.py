"""The first page: a session to start or to continue, and a card for every case."""
