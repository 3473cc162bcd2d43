"""Event contracts: the envelope, one schema for every event type and version, the catalogue of all.

Schemas only grow. A breaking change is a new version, said beside the old one until every hearer has moved.
"""
