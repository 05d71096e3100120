"""Rows as text: tables, geometric means, JSON."""
import math


def duration(seconds):
    if seconds < 1e-4:
        return f"{seconds * 1e6:.1f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def rate(row):
    if not row.cell.amount:
        return ""
    if row.cell.group.startswith("decode"):
        return f"{row.rate / 1e9:.1f} GB/s"
    return f"{row.rate / 1e9:.0f} GFLOP/s"


def share(row):
    return "" if row.share is None else f"{row.share:.0%}"


def progress(row):
    text = f"{row.cell.name}: ours {duration(row.ours)}, peer {duration(row.peer)}, ratio {row.ratio:.2f}"
    if row.cell.amount:
        text += f", {rate(row)}"
    if row.share is not None:
        text += f", {share(row)} of the yardstick"
    return text + (" (disturbed)" if row.disturbed else "")


def groups(rows):
    result = {}
    for row in rows:
        result.setdefault(row.cell.group, []).append(row)
    return result


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def table(rows):
    yield "| work | ours | peer | ratio | rate | of the yardstick |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        yield (f"| {row.cell.name} | {duration(row.ours)} | {duration(row.peer)} | {row.ratio:.2f} | {rate(row)} | "
               f"{share(row)} |")


def disturbed(rows):
    count = sum(row.disturbed for row in rows)
    return f"; {count} disturbed by something else on the machine" if count else ""


def summary(rows):
    """One line a group."""
    for name, members in groups(rows).items():
        least = min(members, key=lambda row: row.ratio)
        yield (f"{name}: {len(members)} cells, geometric mean {geometric_mean(row.ratio for row in members):.2f}, "
               f"least {least.ratio:.2f} ({least.cell.name})" + disturbed(members))


def as_json(rows):
    return [{"work": row.cell.name, "ours": row.ours, "peer": row.peer, "ratio": row.ratio, "share": row.share,
             "checked": row.checked, "disturbed": row.disturbed} for row in rows]
