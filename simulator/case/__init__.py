"""Everything that an author writes, read and checked: fields, figures with their evidence, choices, kinds, faults with lines.

It may import evidence, records and the modules at the top of the package. `case_contract.py` holds protocols: a case as its
parts see it, and plans and runs as a case sees them. `kinds.py` holds the registries that stages, arrivals
and the sections of features fill when a case is first read.
"""
