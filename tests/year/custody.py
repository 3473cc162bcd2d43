"""What centres do every day: count who is there, nearly always rightly and in time; and what the city says to that.

Rates are choices, not findings.
"""

from datetime import timedelta

from shared.kernel.clock import china_day
from tests.year.city import CENTRES, CITY
from tests.year.telling import Story, Teller


class Custody(Teller):
    """Centres and the city, day by day."""

    def headcounts(self) -> Story:
        """Every night each centre states how many it counted at the end of the day: who is in its cells."""
        while True:
            yield 0.9  # before anything happens on the next day
            yesterday = china_day(self._city.now) - timedelta(days=1)
            for centre in CENTRES:
                if self._happens(0.01):
                    continue  # forgotten
                cells = self._pages("detention_intake", "/stays", centre=centre, state="in_custody")
                slip = self._chance.choice((-1, 1)) if cells and self._happens(0.005) else 0
                path = f"/centres/{centre}/headcounts/{yesterday}"
                self._city.put("detention_intake", path, {"counted": len(cells) + slip}, by=self._clerk(centre))

    def explanations(self) -> Story:
        """Every day the city looks at what does not agree, and explains some of what can be explained."""
        while True:
            yield 1
            for one in self._pages("oversight", "/discrepancies", state="open"):
                if one["explainable"] and self._happens(0.3):
                    self._post("oversight", f"/discrepancies/{one['id']}/explanation", CITY, reason="counted again")
