"""A session of a person with a case: the events of its log, its state as a function of them, the scores of predictions.

Practice, incidents and rooms share the log. Nothing here stores or draws: `simulator.app.store` stores, features draw.
"""
