"""The command `casesim`: a module a group of commands."""
