"""The space around a design: what other designs come to, which lever matters, and where an answer stops being true."""
