"""From a case and picks to a trace: the plan, the requests drawn before the run, the run itself, actions in time.

It may import case, evidence and records. Only the engine imports SimPy. `contract.py` names what stages, runs and plans owe
each other: stages import it, and a run imports stages through their registry.
"""
