"""Makes evidence: builds architectures, exports and quantizes them, and measures them on this machine."""
