"""``make doctor``: asks a running installation how it is, and says in plain words what is wrong and what to do.

It only reads. ``gathering`` asks, ``checks`` judge what was answered, ``findings`` are what is said. A check never asks
and never raises: what could not be asked is missing in its evidence, and it says so.
"""
