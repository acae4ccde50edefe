"""The board: a drawing of a case's stages that is changed by small operations and compiles like a case from a file."""
