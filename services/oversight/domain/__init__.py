"""What events mean for the read models, what must agree with what, and discrepancies until they are resolved. Pure."""
