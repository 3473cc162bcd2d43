"""Handover tasks. Pure: every function gives the next version of a task or raises.

Invariants: a task has exactly one holder at every moment; an open task has exactly one next deadline; late is no state;
a task without an order is an offer of help and never becomes a duty; the newest version of the release decides.
"""
