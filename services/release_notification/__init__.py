"""Planned and executed releases. Each causes exactly one handover task, or rightly none (出所必接)."""
