"""What oversight does by itself: it compares. Run twice it does the same as once."""

from datetime import timedelta

from services.oversight.reconciling import reconcile
from shared.service import Timer

TIMERS = (Timer("reconcile", timedelta(seconds=30), reconcile),)
