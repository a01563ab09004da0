"""The result as text. Pure."""
import statistics

BUSY_PERCENT = 10  # of all cores, used by others: from here on it is said
HIDDEN_WHEN_ZERO = ("refused", "missed")


def number(value):
    """Three digits that count at least, and no more behind the point."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:,.1f}" if size >= 10 else f"{value:.3g}"


def figures_line(figures):
    """The figures of one round."""
    return "  ".join(f"{name} {number(value)}" for name, value in figures.items() if value or name not in HIDDEN_WHEN_ZERO)


def spread(values):
    """The median, and where the rounds differ the least and the greatest."""
    middle, least, greatest = (number(v) for v in (statistics.median(values), min(values), max(values)))
    return middle if least == greatest else f"{middle} ({least} .. {greatest})"


def figures_table(figures):
    lines = [f"{'median (least .. greatest) of each figure':46}"]
    for row, columns in figures.rows.items():
        shown = "  ".join(f"{name} {spread(values)}" for name, values in columns.items() if any(values) or name not in HIDDEN_WHEN_ZERO)
        lines.append(f"{row:46}{shown}")
    return "\n".join(lines)


def targets_table(judged):
    lines = [f"{'':46}{'measured':>9} {'min':>8} {'max':>8}   {'target':9} {'aim':6}"]
    for t in judged:
        aim = f"{t['aim']:g}" if t["aim"] is not None else ""
        lines.append(f"{t['name']:46}{number(t['value']):>9} {number(t['min']):>8} {number(t['max']):>8}   {t['target']:9} {aim:6} {t['verdict']}")
    return "\n".join(lines)


def machine_line(values):
    """What others did to the machine meanwhile; None where that was nothing to speak of."""
    middle, greatest = (statistics.median(values), max(values)) if values else (0, 0)
    if greatest < BUSY_PERCENT:
        return None
    return (f"The machine was busy with other things: {middle:.0f} % of its CPU before a comparison (median), {greatest:.0f} % at most. "
            "Ratios and verdicts mean little while that is so.")


def skipped_list(skipped):
    return "\n".join(f"skipped: {what}: {why}" for what, why in skipped.items())
