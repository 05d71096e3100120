"""Several servers behind the clients' own balancing: each gets its share, one is killed and one drained without a failed
request."""
import json
import subprocess
import threading
import time
import unittest

import grpc
from support.kserve import Client
from support.prometheus import free_port
from support.server import CLIENT, MODELS, Server, wait_until

DEMO = {"sentiment": MODELS / "demo-sentiment"}
# gRPC's own balancing and retries, as client/python sets them.
CONFIG = json.dumps({
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{"name": [{}], "retryPolicy": {
        "maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]}}]})


class ReplicasTest(unittest.TestCase):
    def setUp(self):
        self.ports = [free_port() for _ in range(3)]
        self.servers = [Server(DEMO, port=port) for port in self.ports]
        for server in self.servers:
            server.__enter__()
            self.addCleanup(server.stop)
        self.address = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def answered(self):
        return [server.metric("attentiond_requests_total", code="OK", model="sentiment") for server in self.servers]

    def test_the_cpp_client_spreads_calls_evenly(self):
        subprocess.run([CLIENT, "bench", "--address", self.address, "--model", "sentiment", "--concurrency", "6", "--requests",
                        "600", "--timeout", "60"], check=True, capture_output=True, timeout=120)
        answered = self.answered()
        self.assertGreaterEqual(sum(answered), 600)
        self.assertGreater(min(answered), 150, answered)

    def test_python_loses_nothing_when_one_is_killed_and_one_drained(self):
        failures, done, stop, lock = [], [0], threading.Event(), threading.Lock()

        def call():
            channel = grpc.insecure_channel(self.address, options=[
                ("grpc.service_config", CONFIG), ("grpc.enable_retries", 1), ("grpc.use_local_subchannel_pool", 1),
                ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)])
            client = Client(channel)
            while not stop.is_set():
                try:
                    labels = client.infer("sentiment", {"text": ["I love my cat."]})["label"]
                    assert labels == [b"POSITIVE"], labels
                    with lock:
                        done[0] += 1
                except (grpc.RpcError, AssertionError) as error:
                    with lock:
                        failures.append(error)
                    time.sleep(0.05)

        def wait_for(more):
            goal = done[0] + more
            wait_until(lambda: done[0] >= goal, f"{more} more answers; failures: {failures[:3]}")

        threads = [threading.Thread(target=call) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: min(self.answered()) > 20, "all three answer")
            self.servers[0].process.kill()
            wait_for(100)
            self.servers[1].terminate()
            self.assertEqual(self.servers[1].process.wait(60), 0)
            wait_for(100)
            with Server(DEMO, port=self.ports[0]) as back:
                wait_until(lambda: back.metric("attentiond_requests_total", code="OK") > 20, "the one that is back gets its share")
                # Stopped while the others still serve.
                back.terminate()
                back.process.wait(60)
                wait_for(50)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
