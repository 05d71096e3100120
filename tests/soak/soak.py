#!/usr/bin/env python3
"""Mixed work for a long time, at 80 % of what the server can do.

    tests/soak/soak.py --minutes 30

Callers send attention, classification, embedding, explanations and streams; some give up in the middle, some set deadlines that
are too short, all reconnect now and then, and a model is loaded and unloaded all the while. Every reply is compared with the one
that the same request got alone at the beginning. A line every tenth of the time says throughput, p99 and resident memory.

Fails when a reply is wrong or of an unexpected code; with 5 minutes or more also when resident memory still grows after the first
sixth of the time (by more than 8 MiB an hour and 4 MiB), or when the p99 of the last third is over twice that of the second.
"""
import random
import shutil
import sys
import tempfile
import threading
import time

import surroundings

EXPECTED_CODES = {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
CALLERS = 6


class Work:
    """One kind of request: `call(stub, timeout)` gives what is comparable of the reply."""

    def __init__(self, name, call):
        self.name, self.call, self.expected = name, call, None


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.good, self.failed, self.latencies = 0, [], []
        self.by_code = {}

    def add(self, work, took, code, right):
        with self.lock:
            self.by_code[code] = self.by_code.get(code, 0) + 1
            if code == "OK" and right:
                self.good += 1
                self.latencies.append((time.monotonic(), took))
            elif code == "OK" or code not in EXPECTED_CODES:
                self.failed.append(f"{work.name}: {code if code != 'OK' else 'a wrong reply'}")


def make_works(np, kserve, typed):
    generator = np.random.default_rng(1)
    texts = ["I love my cat.", "What a waste of two hours: the plot made no sense!", "My cat hates me. " * 12] * 3

    def attention(stubs, timeout):
        return kserve.outputs(stubs.kserve.ModelInfer(attention_request, timeout=timeout))["output"].tobytes()

    def classify(stubs, timeout):
        outputs = kserve.outputs(stubs.kserve.ModelInfer(classify_request, timeout=timeout))
        return outputs["label"], outputs["score"].tobytes()

    def embed(stubs, timeout):
        return kserve.outputs(stubs.kserve.ModelInfer(embed_request, timeout=timeout))["embedding"].tobytes()

    def explain(stubs, timeout):
        request = typed.ExplainRequest(model="sentiment", inputs=[typed.TextInput(text=texts[0])],
                                       reduction=typed.ATTENTION_REDUCTION_MEAN_ALL, attribute_words=True)
        return [result.SerializeToString(deterministic=True) for result in stubs.explain(request, timeout=timeout).results]

    def stream(stubs, timeout):
        replies = stubs.kserve.ModelStreamInfer(iter([classify_request] * 4), timeout=timeout)
        return [kserve.outputs(reply.infer_response)["label"] if not reply.error_message else reply.error_message
                for reply in replies]

    tensor = lambda: generator.standard_normal((1, 4, 96, 32), dtype=np.float32)
    attention_request = kserve.request("attention", {"query": tensor(), "key": tensor(), "value": tensor()})
    classify_request = kserve.request("sentiment", {"text": texts})
    embed_request = kserve.request("embed", {"text": texts[:4]})
    return [Work(call.__name__, call) for call in (attention, classify, embed, explain, stream)]


class Stubs:
    def __init__(self, server, kserve, typed):
        self.channel = server.channel()
        self.kserve = kserve.rpc.GRPCInferenceServiceStub(self.channel)
        self.explain = self.channel.unary_unary(
            "/attentiond.v1.AttentionService/Explain", request_serializer=typed.ExplainRequest.SerializeToString,
            response_deserializer=typed.ExplainResponse.FromString)


def caller(number, make_stubs, works, tally, pause, stop, grpc):
    """Sends until told to stop; `pause()` is how long between two requests."""
    chance, stubs = random.Random(number), make_stubs()
    while not stop.is_set():
        work = chance.choice(works)
        kind = chance.random()
        start = time.monotonic()
        try:
            if kind < 0.05:     # gives up in the middle
                future = stubs.kserve.ModelInfer.future(CANCELLED_REQUEST[0])
                future.add_done_callback(lambda _: None)
                stop.wait(chance.random() * 0.01)
                code, right = ("CANCELLED", True) if future.cancel() else ("OK", True)
            else:
                reply = work.call(stubs, 0.002 if kind < 0.1 else 60)
                code, right = "OK", reply == work.expected
                # A stream tells of a deadline in its replies.
                if kind < 0.1 and work.name == "stream" and not right:
                    code = "DEADLINE_EXCEEDED"
        except grpc.RpcError as error:
            code, right = error.code().name, False
        tally.add(work, time.monotonic() - start, code, right)
        if chance.random() < 0.01:
            stubs.channel.close()
            stubs = make_stubs()
        if pause():
            stop.wait(chance.expovariate(1 / pause()))
    stubs.channel.close()


CANCELLED_REQUEST = [None]   # set in main(): the generated modules are found only then


def run_callers(seconds, make_stubs, works, pause, grpc, look=None, looks=0):
    """Tally of that long; `look(tally)` is called so often."""
    tally, stop = Tally(), threading.Event()
    threads = [threading.Thread(target=caller, args=(number, make_stubs, works, tally, pause, stop, grpc))
               for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for _ in range(max(1, looks)):
        time.sleep(seconds / max(1, looks))
        if look:
            look(tally)
    stop.set()
    for thread in threads:
        thread.join()
    return tally


def load_and_unload(stub, pb, stop, problems):
    while not stop.wait(2):
        try:
            stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="spare"), timeout=60)
            stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="spare"), timeout=60)
        except Exception as error:   # any: the soak goes on, and fails at the end
            problems.append(f"load or unload: {error}")


def percentile(latencies, share):
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def slope(points):
    """Of a least-squares line through (seconds, bytes), in bytes a second."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def main():
    parser = surroundings.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    arguments = parser.parse_args()
    surroundings.use(arguments.build)
    import grpc
    import numpy as np
    from attentiond.v1 import attention_service_pb2 as typed
    from support import kserve
    from support.server import GOLDEN, MODELS, SANITIZE, Server

    seconds = 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as repository:
        shutil.copytree(MODELS / "demo-sentiment", f"{repository}/spare")
        models = {"sentiment": MODELS / "demo-sentiment", "embed": GOLDEN / "bert-embed"}
        with Server(models, ["--model-repository", repository, "--enable-admin"]) as server:
            works = make_works(np, kserve, typed)
            CANCELLED_REQUEST[0] = kserve.request("sentiment", {"text": ["I love my cat."] * 64})
            make_stubs = lambda: Stubs(server, kserve, typed)
            first = make_stubs()
            for work in works:
                work.expected = work.call(first, 60)

            # What it can do with all callers busy, and how long each must then pause for four fifths of that.
            warm = run_callers(min(30, seconds / 10), make_stubs, works, lambda: 0, grpc)
            capacity = sum(warm.by_code.values()) / min(30, seconds / 10)
            busy = CALLERS / capacity
            pause = busy / 0.8 - busy
            print(f"capacity {capacity:.0f} requests/s with {CALLERS} callers; each pauses {1000 * pause:.2f} ms")

            stop, problems = threading.Event(), list(warm.failed)
            loader = threading.Thread(target=load_and_unload, args=(first.kserve, kserve.pb, stop, problems))
            loader.start()
            start, resident, seen = time.monotonic(), [], [0, 0]
            looks = max(10, int(seconds // 10))

            def look(tally):
                resident.append((time.monotonic() - start, server.resident_bytes()))
                seen[0] += 1
                if seen[0] % (looks // 10) == 0:
                    with tally.lock:
                        latencies = [took for _, took in tally.latencies[seen[1]:]]
                        seen[1] = len(tally.latencies)
                    print(f"{resident[-1][0]:6.0f} s  {len(latencies):7d} answers  p99 {1000 * percentile(latencies, 0.99):7.1f} ms  "
                          f"resident {resident[-1][1] / 2**20:6.1f} MiB", flush=True)
            tally = run_callers(seconds, make_stubs, works, lambda: pause, grpc, look, looks)
            stop.set()
            loader.join()

    settled = [point for point in resident if point[0] > seconds / 6]
    growth = slope(settled)
    thirds = [[took for at, took in tally.latencies if third <= 3 * (at - start) / seconds < third + 1] for third in range(3)]
    p99s = [percentile(third, 0.99) for third in thirds]
    print(f"{tally.good} right; by code: {tally.by_code}")
    print(f"resident memory after the first sixth: {growth * 3600 / 2**20:+.1f} MiB an hour; p99 by thirds: "
          + ", ".join(f"{1000 * p99:.1f} ms" for p99 in p99s))
    problems += tally.failed
    if not tally.good:
        problems.append("nothing was answered")
    if arguments.minutes >= 5 and not SANITIZE:
        if growth * 3600 > 8 * 2**20 and growth * seconds > 4 * 2**20:
            problems.append("resident memory grows")
        if p99s[2] > 2 * p99s[1]:
            problems.append("the p99 grows")
    for problem in problems[:20]:
        print("FAILED:", problem)
    print("passed" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
