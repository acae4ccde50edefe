"""The command `casesim`: one module per group of commands."""
