"""What every measurement has."""

import competitors


class Measurement:
    # What it is called by --only.
    name = ""
    # Measured in each round, or in the last one only.
    in_each_round = True
    in_quick = True

    def __init__(self, setting, results, only_competitor=None):
        self.setting = setting
        self.results = results
        self.only_competitor = only_competitor

    def missing(self):
        """Why it cannot be measured here, if so."""
        return None

    def cells(self):
        """Pairs of a Key and a function that gives the Outcome of one run."""
        raise NotImplementedError

    def close(self):
        """Takes down what was put up."""

    def taking_part(self, classes=None):
        """The competitors that can run here; the others are noted."""
        for competitor in (each(self.setting) for each in classes or competitors.ALL):
            why = competitor.missing()
            if why:
                self.results.skip(competitor.name, why)
            elif self.only_competitor is None or self.only_competitor in competitor.name:
                yield competitor
