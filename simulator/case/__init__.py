"""What an author writes, read and checked: the schema of a case, figures with their evidence, choices, and faults with lines.

It may import evidence and the modules at the top of the package. Kinds of stages and arrivals, and the sections of features,
are looked up in the registries of `kinds.py` when a case is first read.
"""
