"""``make year``: a year of the whole city in minutes, with every exception at a realistic rate."""
