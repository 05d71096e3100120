"""An idle server with models loaded uses under 1 % of a core."""
import time
import unittest

from support.kserve import Client
from support.server import GOLDEN, MODELS, Server


class IdleTest(unittest.TestCase):
    def test_idle(self):
        with Server({"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed"}) as server:
            Client(server.channel()).infer("sentiment", {"text": ["I love my cat."]})
            time.sleep(1)  # the threads that just worked go to sleep
            before, start = server.cpu_seconds(), time.monotonic()
            time.sleep(5)
            used = server.cpu_seconds() - before
            share = used / (time.monotonic() - start)
            print(f"idle: {100 * share:.2f} % of a core")
            self.assertLess(share, 0.01)


if __name__ == "__main__":
    unittest.main()
