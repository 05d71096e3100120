#!/usr/bin/env python3
"""Four times what the server can do: what it still does, and how fast it says no.

    tests/soak/overload.py --seconds 10

First the peak is measured (closed loop), then requests arrive at four times that rate (open loop). Every reply must be right,
or RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED; the row that waits longest is younger than what the queue's limit allows. With 10
seconds or more, goodput must be at least 0.9 of the peak, and the median refusal take less than 10 ms; with less it is printed.
Client and server have half of the processors each.
"""
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import surroundings

WORDS = "cat dog film food waiter plot love hates was not good terrible delight waste the a and my me of".split()
LAYERS = 2  # of BERT-base's width: computing a request takes far longer than reading it
ROWS = 8
QUEUE = 4    # requests that may wait
TEXTS = 512  # different ones: the server computes rows once that are the same and in flight together
REFUSALS = ("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED")


class Requests:
    """Requests of different texts, and what each must be answered, computed alone."""

    def __init__(self, kserve, channel):
        chance = random.Random(1)
        texts = [" ".join(chance.choices(WORDS, k=100)) for _ in range(TEXTS)]
        parts = [texts[i:i + ROWS] for i in range(0, TEXTS, ROWS)]
        client = kserve.Client(channel)
        self._all = [(kserve.request("bert", {"text": part}), client.infer("bert", {"text": part})["embedding"].tobytes())
                     for part in parts]
        self._next = itertools.count()

    def take(self):
        return self._all[next(self._next) % len(self._all)]


class Sender:
    """Sends requests and sorts what comes back."""

    def __init__(self, kserve, grpc, channel, requests):
        self._kserve, self._grpc, self._requests = kserve, grpc, requests
        self._stub = kserve.rpc.GRPCInferenceServiceStub(channel)
        self._lock = threading.Lock()
        self.good, self.refused, self.wrong = [], [], []

    def send(self, done=lambda: None):
        request, expected = self._requests.take()
        start = time.monotonic()
        future = self._stub.ModelInfer.future(request, timeout=30)

        def sort(result):
            took = time.monotonic() - start
            try:
                right = self._kserve.outputs(result.result())["embedding"].tobytes() == expected
                with self._lock:
                    (self.good if right else self.wrong).append(took)
            except self._grpc.RpcError as error:
                with self._lock:
                    (self.refused if error.code().name in REFUSALS else self.wrong).append(took)
                    if error.code().name not in REFUSALS:
                        print(f"not expected: {error.code().name}: {error.details()}")
            done()
        future.add_done_callback(sort)


def measure_peak(sender, seconds):
    """Right answers a second, with always enough in flight."""
    end, slots = time.monotonic() + seconds, threading.Semaphore(QUEUE)
    start = time.monotonic()
    while time.monotonic() < end:
        slots.acquire()
        sender.send(slots.release)
    for _ in range(QUEUE):
        slots.acquire()
    return len(sender.good) / (time.monotonic() - start)


def overload(sender, rate, seconds, look):
    """Right answers a second while `rate` requests a second arrive; look() is called ten times a second. The first tenth of the
    time, in which the queue fills, does not count."""
    start, sent, next_look, at_first = time.monotonic(), 0, 0.0, None
    finished = threading.Semaphore(0)
    while (now := time.monotonic() - start) < seconds:
        if sent < now * rate:
            sender.send(finished.release)
            sent += 1
        else:
            time.sleep(max(0, sent / rate - now))
        if now >= seconds / 10 and at_first is None:
            at_first = len(sender.good)
        if now >= next_look:
            look()
            next_look = now + 0.1
    in_time = len(sender.good)
    for _ in range(sent):
        finished.acquire()
    return (in_time - at_first) / (0.9 * seconds), sent / seconds


def main():
    parser = surroundings.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each part")
    arguments = parser.parse_args()
    surroundings.use(arguments.build)
    import grpc
    from support import kserve
    from support.server import Server

    # The load must not take from the server what it is measured by: half of the processors for each.
    cores = sorted(os.sched_getaffinity(0))
    ours, servers = cores[:len(cores) // 2] or cores, cores[len(cores) // 2:]
    os.sched_setaffinity(0, ours)
    with tempfile.TemporaryDirectory() as model:
        subprocess.run([sys.executable, surroundings.SOURCE / "tests" / "benchmarks" / "random_bert.py", model, "--layers",
                        str(LAYERS)], check=True)
        with Server({"bert": model}, ["--max-queue-requests", str(QUEUE * ROWS)],
                    preexec=lambda: os.sched_setaffinity(0, servers)) as server:
            requests = Requests(kserve, server.channel())
            peak_sender = Sender(kserve, grpc, server.channel(), requests)
            peak = measure_peak(peak_sender, arguments.seconds)
            ages = []
            sender = Sender(kserve, grpc, server.channel(), requests)
            goodput, rate = overload(sender, 4 * peak, arguments.seconds,
                                     lambda: ages.append(server.metric("attentiond_queue_oldest_seconds", model="bert")))
    refusal = statistics.median(sender.refused) if sender.refused else float("nan")
    # What may wait, at the rate at which it is worked off, and the batch that runs.
    oldest = 2 * (QUEUE + 1) / peak
    print(f"peak {peak:.0f} requests/s; offered {rate:.0f}/s: goodput {goodput:.0f}/s, {goodput / peak:.2f} of the peak")
    print(f"{len(sender.refused)} refused, {1000 * refusal:.1f} ms at the median; {len(sender.wrong) + len(peak_sender.wrong)} wrong; "
          f"oldest row {1000 * max(ages):.0f} ms, the queue's limit makes {1000 * oldest:.0f} ms")
    failures = [text for bad, text in ((sender.wrong or peak_sender.wrong, "wrong replies"), (not sender.refused, "nothing refused"),
                                       (not sender.good, "nothing answered")) if bad]
    if arguments.seconds >= 10:
        failures += [text for bad, text in ((goodput < 0.9 * peak, "goodput below 0.9 of the peak"),
                                            (refusal >= 0.010, "refusals take 10 ms or more"),
                                            (max(ages) > oldest, "rows wait too long")) if bad]
    print("FAILED: " + ", ".join(failures) if failures else "passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
