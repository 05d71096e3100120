"""peer_runner, small: every kind of work is prepared, agrees with the reference, and is timed."""
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from peers.program import Program, Unable  # noqa: E402

MODEL = str(HERE.parents[1] / "golden" / "bert-embed")
SDPA = {"work": "sdpa", "dtype": "f32", "B": 2, "H": 2, "Sq": 33, "Sk": 33, "D": 24}
JOBS = {
    "full": SDPA,
    "causal": {**SDPA, "causal": True},
    "padding": {**SDPA, "valid": [16, 33]},
    "grouped decode": {**SDPA, "Hk": 1, "Sq": 1, "copies": 3},
    "ragged": {"work": "sdpa", "dtype": "f32", "H": 2, "D": 24, "lengths": [5, 1, 40]},
    "linear": {"work": "linear", "dtype": "f32", "M": 9, "K": 64, "N": 48},
    "matmul": {"work": "matmul", "dtype": "f32", "M": 9, "K": 64, "N": 48},
    "encoder": {"work": "encoder", "dtype": "f32", "model": MODEL, "lengths": [3, 7, 1]},
    "memory": {"work": "memory", "bytes": 1 << 20},
}


class PeerRunnerTest(unittest.TestCase):
    def setUp(self):
        self.runner = Program([os.environ["PEER_RUNNER"], "2"])
        self.addCleanup(self.runner.close)

    def test_every_kind_of_work(self):
        self.assertEqual(self.runner.about["threads"], 2)
        for name, job in JOBS.items():
            with self.subTest(name):
                self.assertTrue(self.runner.prepare(job))
                self.assertGreater(self.runner.time(0), 0)

    def test_bf16(self):
        for name, job in JOBS.items():
            if job.get("dtype") == "f32":
                with self.subTest(name):
                    try:
                        self.runner.prepare({**job, "dtype": "bf16"})
                    except Unable as reason:  # a processor that does not multiply bf16
                        self.assertNotIn("reference says", str(reason))

    def test_what_cannot_be_done(self):
        for job in ({"work": "nothing"}, {**SDPA, "dtype": "f7"}, {"work": "sdpa", "dtype": "f32"}, {}):
            with self.subTest(job), self.assertRaises(Unable):
                self.runner.prepare(job)
            with self.assertRaises(Unable):
                self.runner.time(0)


if __name__ == "__main__":
    unittest.main()
