"""Test orders and their states, from suspicion to a settled, overturned or unneeded result. Pure."""
