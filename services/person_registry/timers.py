"""What happens with assessments when time passes."""

from datetime import timedelta

from services.person_registry.assessing import review_due
from shared.service import Timer

TIMERS = (Timer("review_risk", timedelta(seconds=30), review_due),)
