"""Releases, from plan to gate, the notices around them, and what silence means. Pure."""
