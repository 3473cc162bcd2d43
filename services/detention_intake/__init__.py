"""Decisions after a settled result, orders until admission (应收尽收), stays until their end."""
