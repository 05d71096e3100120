"""Pages of keys and values through the real server: a spent budget makes texts wait, then refuses, then recovers; none is lost."""
import concurrent.futures
import random
import unittest

import grpc
from attentiond.v1 import attention_service_pb2 as pb
from attentiond.v1 import attention_service_pb2_grpc as pb_grpc
from support.server import MODELS, SANITIZE, Server, wait_until

DEMO = "demo-translate-en-fr"
QUEUE = 24


class CachePagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # So small a cache holds what one text of the greatest length and most beams takes, no more.
        cls.server = Server({DEMO: MODELS / DEMO}, ["--kv-cache-bytes", "1KiB", "--max-queue-requests", str(QUEUE)]).__enter__()
        cls.typed = pb_grpc.AttentionServiceStub(cls.server.channel())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def pages(self, state):
        return self.server.metric("attentiond_kv_cache_pages", model=DEMO, state=state)

    def sequences(self, state):
        return self.server.metric("attentiond_generation_sequences", model=DEMO, state=state)

    def request(self, rows, **generation):
        return pb.TranslateRequest(model=DEMO, texts=["We eat the bread."] * rows, generation=pb.GenerationParameters(**generation))

    def check_waiting_then_refusal_then_recovery(self):
        largest = {"num_beams": 16, "min_new_tokens": 85, "max_new_tokens": 90}
        filling = self.typed.Translate.future(self.request(QUEUE, **largest))
        wait_until(lambda: self.sequences("running") > 0 and self.pages("reserved") > self.pages("total") / 2, "pages are held")
        self.assertGreater(self.sequences("waiting"), 0)
        self.assertLessEqual(self.pages("reserved"), self.pages("total"))
        refused = self.server.metric("attentiond_rejected_total", model=DEMO, reason="queue_full")
        with self.assertRaises(grpc.RpcError) as raised:
            self.typed.Translate(self.request(QUEUE, **largest))
        self.assertEqual(raised.exception.code().name, "RESOURCE_EXHAUSTED")
        self.assertIn(f"of {QUEUE} rows wait", raised.exception.details())
        self.assertEqual(self.server.metric("attentiond_rejected_total", model=DEMO, reason="queue_full"), refused + QUEUE)

        # What was accepted is not failed by what was refused, and then there is room again.
        self.assertEqual(len(filling.result(timeout=300).results), QUEUE)
        self.assertEqual(len(self.typed.Translate(self.request(QUEUE, num_beams=4)).results), QUEUE)
        self.assertEqual((self.pages("used"), self.pages("reserved")), (0, 0))

    def test_waiting_then_refusal_then_recovery(self):
        self.check_waiting_then_refusal_then_recovery()

    def test_no_page_is_lost(self):
        requests = 1000 if SANITIZE else 10000
        outcomes = {}

        def one(seed):
            r = random.Random(seed)
            request = self.request(1, num_beams=r.choice([1, 1, 4]), max_new_tokens=r.randint(1, 12))
            deadline = r.choice([60, 60, 60, r.uniform(0.001, 0.05)])
            call = self.typed.TranslateStream(request, timeout=deadline)
            leave_after = r.choice([0, 1, 2, 3, 1000])
            try:
                for _ in range(leave_after):
                    if next(call, None) is None:
                        return "OK"
                call.cancel()
                return "CANCELLED"
            except grpc.RpcError as error:
                return error.code().name

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for outcome in pool.map(one, range(requests)):
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
        # A text that its client left waits until the server hears of it: now and then there are more than the queue takes.
        self.assertLessEqual(set(outcomes), {"OK", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}, outcomes)
        self.assertLess(outcomes.get("RESOURCE_EXHAUSTED", 0), requests / 20, outcomes)
        self.assertGreater(outcomes["OK"], requests / 20, outcomes)
        self.assertGreater(outcomes["CANCELLED"], requests / 20, outcomes)
        wait_until(lambda: self.sequences("running") == self.sequences("waiting") == 0, "all have left")
        self.assertEqual((self.pages("used"), self.pages("reserved")), (0, 0))
        self.check_waiting_then_refusal_then_recovery()


if __name__ == "__main__":
    unittest.main()
