"""Handover tasks: who is responsible for meeting a released person, until that is done (出所必接)."""
