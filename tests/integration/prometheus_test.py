"""A real Prometheus scrapes the server; its query API returns the load that was sent."""
import subprocess
import time
import unittest

from support.kserve import Client
from support.prometheus import run_prometheus
from support.server import MODELS, Server, wait_until


class PrometheusTest(unittest.TestCase):
    def test_scrape_and_query(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}) as server, run_prometheus(server) as prometheus:
            self.query_load(server, prometheus.value)

    def query_load(self, server, query):
        client = Client(server.channel())
        calls, rows = 200, 5
        labels = '{model="sentiment",task="sequence_classification",method="ModelInfer",code="OK"}'
        client.infer("sentiment", {"text": ["I love my cat."] * rows})  # the series must exist before it can have a rate
        wait_until(lambda: query(f"attentiond_requests_total{labels}") == 1, "the first call is scraped")
        start = time.monotonic()
        for _ in range(calls):
            client.infer("sentiment", {"text": ["I love my cat."] * rows})
        elapsed = time.monotonic() - start
        wait_until(lambda: query(f"attentiond_requests_total{labels}") == calls + 1, "all calls are counted")
        seconds = int(elapsed) + 30
        window = f"[{seconds}s]"
        # increase() extrapolates to the window's ends by at most half a scrape interval a side, or to the whole window
        # when the samples cover most of it: the load itself is the least, and the window's length the divisor.
        rate = query(f"rate(attentiond_requests_total{labels}{window})")
        self.assertGreaterEqual(rate, 0.99 * calls / seconds)
        self.assertLess(rate, 2 * calls / elapsed)
        quantile = query("histogram_quantile(0.99, sum by (le) "
                         f"(rate(attentiond_request_duration_seconds_bucket{labels}{window})))")
        self.assertGreater(quantile, 1e-4)
        self.assertLess(quantile, elapsed)
        batch = query('attentiond_batch_requests_sum{model="sentiment"} / attentiond_batch_requests_count{model="sentiment"}')
        self.assertAlmostEqual(batch, rows, delta=0.01)
        tokens = query('sum(attentiond_tokens_total{model="sentiment"})')
        ids = client.infer("sentiment", {"text": ["I love my cat."]}, ("input_ids",))["input_ids"].shape[1]
        self.assertEqual(tokens, (calls + 1) * rows * ids)

    def test_exposition_is_clean(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}) as server:
            Client(server.channel()).infer("sentiment", {"text": ["I love my cat."]})
            status, text = server.http("/metrics")
            self.assertEqual(status, 200)
            check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
            self.assertEqual((check.returncode, check.stdout + check.stderr), (0, ""))
            self.assertEqual(server.http("/livez")[0], 200)
            self.assertEqual(server.http("/readyz")[0], 200)
            self.assertEqual(server.http("/nothing")[0], 404)


if __name__ == "__main__":
    unittest.main()
