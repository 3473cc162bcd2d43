"""Contracts: what was said once must be understood for ever."""
