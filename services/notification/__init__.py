"""Notifications: who is told what, by which channel, whether it arrived, and whether it was read."""
