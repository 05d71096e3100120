"""Alternates the programs of a cell, so that a machine whose speed drifts slows all of them alike."""
import dataclasses
import statistics
import time

from peers.program import Unable

BLOCK_SECONDS = 0.05
YARDSTICK_SECONDS = 0.02
# OpenMP's threads go on spinning for up to some 20 ms after their last loop, on processors that the next program needs.
SETTLE_SECONDS = 0.03
LEAST_ROUNDS = 3


@dataclasses.dataclass
class Row:
    cell: object
    ours: float                # seconds of a run
    peer: float
    yardstick: float = 0.0     # 0: the cell has none
    checked: str = ""

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


def measure(cell, programs, rounds, budget=20.0, block=BLOCK_SECONDS, settle=SETTLE_SECONDS):
    """`programs` maps "ours", "torch", "other" and "yardstick" to a function that returns the Program: "other" is for
    the peers of a cell that are ours. After `budget` seconds the rounds end, unless there were too few. Raises Unable."""
    ours, peer = programs["ours"](), programs["torch" if cell.peer_is == "torch" else "other"]()
    jobs = [(ours, cell.ours, block), (peer, cell.peer, block)]
    if cell.yardstick:
        jobs.append((programs["yardstick"](), cell.yardstick, min(block, YARDSTICK_SECONDS)))
    checked = [program.prepare(job) for program, job, _ in jobs]
    times = [[] for _ in jobs]
    end = time.monotonic() + budget
    for done in range(rounds):
        if done >= LEAST_ROUNDS and time.monotonic() > end:
            break
        for (program, _, seconds), into in zip(jobs, times):
            time.sleep(settle)
            into.append(program.time(seconds))
    return Row(cell, *[statistics.median(series) for series in times], checked=checked[0])


__all__ = ["Row", "Unable", "measure"]
