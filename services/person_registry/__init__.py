"""Persons: identity, contact, one file per person. The only place with personal data in clear."""
