"""A practised interview: begun with a clock, led from phase to phase, ended by a debrief. Each thing that the person does is an
event in the log of `simulator.session`, and each page is drawn from the state that the log gives.
"""
