"""Records that a run reads and writes: random streams, timetables, marks of the requests, visits to stages.

They do not depend on cases, stages or arrivals, so that all of these can use them. They may import the modules at the top of
the package only.
"""
