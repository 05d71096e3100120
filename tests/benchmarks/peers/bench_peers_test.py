"""scripts/bench-peers with programs that answer made-up times: who is asked for what, and what becomes of the answers."""
import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from peers import report  # noqa: E402
from peers.cells import QUICK, Cell, cells  # noqa: E402
from peers.measure import Bench  # noqa: E402
from peers.program import Program  # noqa: E402

# Answers the times of its argument, one after the other and round again; cannot do "impossible".
FAKE = """
import itertools, json, sys
times = itertools.cycle(json.loads(sys.argv[1]))
print(json.dumps({"name": "fake", "threads": 2}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if "prepare" in request:
        impossible = request["prepare"]["work"] == "impossible"
        answer = {"error": "no"} if impossible else {"checked": "it"}
    else:
        answer = {"seconds": next(times), "runs": 1}
    print(json.dumps(answer), flush=True)
"""


class BenchPeersTest(unittest.TestCase):
    def bench(self, **times):
        started = {}
        for role, series in {"ours": [1, 10, 1], "torch": [2, 2, 20], "other": [3], "yardstick": [0.5], **times}.items():
            started[role] = Program([sys.executable, "-c", FAKE, json.dumps(series)])
            self.addCleanup(started[role].close)
        return Bench({role: (lambda program=program: program) for role, program in started.items()}, rounds=3, block=0, settle=0)

    def cell(self, **fields):
        return Cell(**{"name": "group cell", "ours": {"work": "a"}, "peer": {"work": "b"}, **fields})

    def measure(self, **fields):
        return self.bench().measure(self.cell(**fields))

    def test_medians_and_their_ratio(self):
        row = self.measure()
        self.assertEqual((row.ours, row.peer, row.ratio, row.share), (1, 2, 2, None))

    def test_a_peer_of_our_own(self):
        self.assertEqual(self.measure(peer_is="ours").peer, 3)

    def test_share_of_the_yardstick(self):
        row = self.measure(yardstick={"work": "c"}, amount=10, yardstick_amount=20)
        self.assertEqual(row.rate, 10)
        self.assertEqual(row.share, 0.25)

    def test_rounds_of_a_slow_yardstick_are_taken_again(self):
        bench = self.bench(ours=[1, 5, 1, 5, 1, 5], yardstick=[0.5, 1, 0.5, 1, 0.6, 1])
        row = bench.measure(self.cell(yardstick={"work": "c"}))
        self.assertEqual((row.ours, row.disturbed), (1, False))

    def test_disturbed_cells_are_measured_once_more(self):
        cells = [self.cell(name="group first", yardstick={"work": "c"}), self.cell(yardstick={"work": "c"})]
        # All of the first cell was slow, which is known only when the second is measured.
        bench = self.bench(yardstick=[2] * 3 + [1] * 100, ours=[8] * 3 + [1] * 100)
        rows = [(row.cell.name, row.ours) for row in bench.measure_all(cells, unable=None)]
        self.assertEqual(rows, [("group first", 8), ("group cell", 1), ("group first", 1)])
        # No round of the second cell is quiet, however often it is tried.
        bench = self.bench(yardstick=[1] * 3 + [2] * 9 + [1] * 100, ours=[1] * 3 + [8] * 9 + [1] * 100)
        rows = [(row.cell.name, row.ours, row.disturbed) for row in bench.measure_all(cells, unable=None)]
        self.assertEqual(rows, [("group first", 1, False), ("group cell", 8, True), ("group cell", 1, False)])
        # It is even worse at the second try: the first stands.
        bench = self.bench(yardstick=[1] * 3 + [2] * 9 + [3] * 100, ours=[1] * 3 + [8] * 9 + [9] * 100)
        rows = [(row.cell.name, row.ours) for row in bench.measure_all(cells, unable=None)]
        self.assertEqual(rows, [("group first", 1), ("group cell", 8)])

    def test_what_a_program_cannot_do_is_no_row(self):
        told = []
        cells = [self.cell(peer={"work": "impossible"}), self.cell(name="group other")]
        rows = list(self.bench().measure_all(cells, lambda cell, reason: told.append((cell.name, str(reason)))))
        self.assertEqual([row.cell.name for row in rows], ["group other"])
        self.assertEqual(told, [("group cell", "no")])

    def test_report(self):
        rows = [self.measure(), self.measure(name="group other", peer_is="ours")]
        text = "\n".join(report.table(rows)) + "\n" + "\n".join(report.summary(rows))
        self.assertIn("| group cell | 1.00 s | 2.00 s | 2.00 |", text)
        self.assertIn("group: 2 cells, geometric mean 2.45, least 2.00 (group cell)", text)
        written = json.loads(json.dumps(report.as_json(rows)))
        self.assertEqual([(row["work"], row["ratio"]) for row in written], [("group cell", 2), ("group other", 3)])

    def test_cells(self):
        every = list(cells("model"))
        names = [cell.name for cell in every]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(QUICK, set(names))
        groups = {cell.group for cell in every}
        self.assertLessEqual({"sdpa-bf16", "sdpa-f32", "ragged", "decode-bf16", "linear-bf16", "bert-base-int8"}, groups)
        causal, full = (next(cell for cell in every if cell.name == f"sdpa-bf16 B8 H12 S512 D64 {mode}")
                        for mode in ("causal", "full"))
        self.assertEqual(full.amount, 4 * 8 * 12 * 512 * 512 * 64)
        self.assertAlmostEqual(causal.amount / full.amount, 0.5, places=2)
        ragged, dense = (next(cell for cell in every if cell.group == group).peer for group in ("ragged", "ragged-dense"))
        self.assertGreater(len(set(ragged["lengths"])), 20)
        self.assertAlmostEqual(dense["B"] * dense["Sq"] / sum(ragged["lengths"]), 1, places=1)
        self.assertAlmostEqual(dense["B"] * dense["Sq"] ** 2 / sum(n * n for n in ragged["lengths"]), 1, places=1)
        json.dumps([cell.ours for cell in every])


if __name__ == "__main__":
    unittest.main()
