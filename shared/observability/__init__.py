"""Metrics and logs. Neither ever holds personal data."""
