"""What was measured: rows of figures, a value a round. Pure."""
import statistics


class Figures:
    """rows[row][figure] = values, in the order of the rounds."""

    def __init__(self):
        self.rows, self.skipped = {}, {}

    def note(self, row, **figures):
        for name, value in figures.items():
            self.rows.setdefault(row, {}).setdefault(name, []).append(value)

    def skip(self, what, why):
        self.skipped[what] = why

    def values(self, row, figure):
        return self.rows.get(row, {}).get(figure, [])

    def median(self, row, figure):
        """None when it was not measured."""
        values = self.values(row, figure)
        return statistics.median(values) if values else None

    def ratio(self, upper, lower):
        """Spread of (row, figure) over (row, figure): the medians' ratio, and the least and greatest of the rounds'; None if one is missing."""
        above, below = self.median(*upper), self.median(*lower)
        if above is None or not below:
            return None
        pairs = list(zip(self.values(*upper), self.values(*lower)))
        each = [a / b for a, b in pairs if b] or [above / below]
        return above / below, min(each), max(each)

    def spread(self, row, figure, scale=1):
        """Median, least and greatest; None if it was not measured."""
        values = self.values(row, figure)
        if not values:
            return None
        return statistics.median(values) * scale, min(values) * scale, max(values) * scale

    def as_json(self):
        return {row: {name: {"median": statistics.median(values), "min": min(values), "max": max(values), "values": values}
                      for name, values in figures.items()} for row, figures in self.rows.items()}
