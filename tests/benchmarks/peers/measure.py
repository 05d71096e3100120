"""Alternates the programs of a cell, so that a machine whose speed drifts slows all of them alike.

Something else may use the machine for a while; two threads on one processor take twice as long, and not every program suffers
as much. The yardstick, whose work never changes, tells: a round in which it took much longer than at its best is taken again.
"""
import dataclasses
import statistics
import time

from peers.program import Unable

BLOCK_SECONDS = 0.05
YARDSTICK_SECONDS = 0.02
# OpenMP's threads go on spinning for up to some 20 ms after their last loop, on processors that the next program needs.
SETTLE_SECONDS = 0.03
LEAST_ROUNDS = 3
# Undisturbed blocks of the yardstick are within 10 % of each other.
DISTURBED = 1.25


@dataclasses.dataclass
class Row:
    cell: object
    ours: float                # seconds of a run
    peer: float
    yardstick: float = 0.0     # 0: the cell has none
    checked: str = ""
    disturbed: bool = False    # too few rounds were quiet: all of them count

    @property
    def ratio(self):
        return self.peer / self.ours

    @property
    def rate(self):
        """Flop or bytes a second."""
        return self.cell.amount / self.ours

    @property
    def share(self):
        """Of what the yardstick reaches; None without one."""
        return self.rate / (self.cell.yardstick_amount / self.yardstick) if self.yardstick else None


class Bench:
    """`programs` maps "ours", "torch", "other" and "yardstick" to a function that returns the Program: "other" is for the
    peers of a cell that are ours. `budget` is about how many seconds a cell may take."""

    def __init__(self, programs, rounds=7, budget=20.0, block=BLOCK_SECONDS, settle=SETTLE_SECONDS):
        self.programs, self.rounds, self.budget, self.block, self.settle = programs, rounds, budget, block, settle
        self.best = {}  # seconds of a yardstick's job

    def _quiet(self, cell, times):
        if not cell.yardstick:
            return True
        job = repr(cell.yardstick)
        self.best[job] = min(self.best.get(job, times[-1]), times[-1])
        return times[-1] <= DISTURBED * self.best[job]

    def measure(self, cell):
        """A Row. Raises Unable."""
        jobs = [("ours", cell.ours, self.block), ("torch" if cell.peer_is == "torch" else "other", cell.peer, self.block)]
        if cell.yardstick:
            jobs.append(("yardstick", cell.yardstick, min(self.block, YARDSTICK_SECONDS)))
        programs = [self.programs[role]() for role, _, _ in jobs]
        checked = [program.prepare(job) for program, (_, job, _) in zip(programs, jobs)]
        rounds, quiet = [], []
        end = time.monotonic() + self.budget
        while len(quiet) < self.rounds and len(rounds) < 3 * self.rounds:
            if len(rounds) >= LEAST_ROUNDS and time.monotonic() > end:
                break
            times = []
            for program, (_, _, seconds) in zip(programs, jobs):
                time.sleep(self.settle)
                times.append(program.time(seconds))
            rounds.append(times)
            # The best may have become better since a round was taken.
            quiet = [times for times in rounds if self._quiet(cell, times)]
        disturbed = len(quiet) < LEAST_ROUNDS
        medians = [statistics.median(series) for series in zip(*(rounds if disturbed else quiet))]
        return Row(cell, *medians, checked=checked[0], disturbed=disturbed)

    def measure_all(self, cells, unable):
        """Yields the rows of `cells`; then those that were disturbed and are less so now, which replace what came before.
        `unable(cell, reason)` is told of cells that cannot be measured."""
        rows = []
        for cell in cells:
            try:
                rows.append(self.measure(cell))
            except Unable as reason:
                unable(cell, reason)
                continue
            yield rows[-1]
        for row in rows:  # by now the yardstick's best is known
            if row.disturbed or not self._quiet(row.cell, [row.yardstick]):
                again = self.measure(row.cell)
                if again.yardstick < row.yardstick:
                    yield again
