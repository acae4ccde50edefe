"""The app that features stand on: the server, jobs and worker processes, links, widgets, uploads and the store.

It may import charts, explain and what lies below, and no feature: the entry script names pages by their files.
"""
