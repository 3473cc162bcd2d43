"""Decisions until they are executed or fall, and stays in custody until their end. Pure."""
