"""The command `casesim`: its root, its exit statuses, and the option groups that commands share.

It may import everything; commands of one feature stand in that feature's folder.
"""
