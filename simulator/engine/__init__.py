"""From a case and picks to a trace: the plan, the requests drawn before the run, the run itself, actions in time.

It may import stages, arrivals, case, evidence and records. Only engine and stages import SimPy.
"""
