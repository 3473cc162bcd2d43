"""The innermost layer: time, ids, outcomes, errors, deadlines. Pure; imports nothing of the project."""
