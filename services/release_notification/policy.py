"""What the law leaves open about releases."""

from datetime import time, timedelta

GATE_OPENS = time(9, 0)  # OURS: the law names the day, not the hour
CLOCK_TOLERANCE = timedelta(minutes=5)  # OURS: a centre's clock may be this far ahead
