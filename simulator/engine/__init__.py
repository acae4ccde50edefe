"""From a case and picks to a trace: the plan, the requests drawn before the run, the run itself, random streams, actions in time.

It may import stages, arrivals, case and evidence. Only engine and stages import SimPy.
"""
