#!/usr/bin/env python3
"""Three servers of one compute thread each behind the clients' round-robin: does throughput add up?

    tests/soak/scale_out.py --seconds 10

Loads one server, then all three, closed loop, first with the C++ client's `bench` and then with Python's gRPC, in turns. Each
request is work of many milliseconds, so that clients take little from the servers. What can be gained is as many processors as
there are, three at the most; of that, 0.8 is required with 10 seconds or more; with less the ratio is printed. No request may fail.
"""
import concurrent.futures
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import surroundings

SERVERS = 3
CALLERS = 4 * SERVERS
LAYERS = 4  # of BERT-base's width
ROUNDS = 3
TEXT = "the waiter hates the cat of my dog and a good film was not terrible delight " * 6


def bench(client, address, seconds):
    """Requests a second of the C++ client."""
    made = subprocess.run([client, "bench", "--address", address, "--task", "embed", "--model", "bert", "--lengths", "64:64",
                           "--concurrency", str(CALLERS), "--connections", str(CALLERS), "--duration", str(seconds), "--json", "-"],
                          check=True, capture_output=True, text=True)
    result = json.loads(made.stdout[made.stdout.index("{"):])
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} requests failed")
    return result["requests_per_second"]


def python(address, seconds):
    """The same of Python's gRPC, with its own round-robin."""
    import grpc
    from support import kserve
    config = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
    with grpc.insecure_channel(address, options=[("grpc.service_config", config), ("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = kserve.rpc.GRPCInferenceServiceStub(channel)
        requests = [kserve.request("bert", {"text": [f"{caller} {TEXT}"]}) for caller in range(CALLERS)]
        start = time.monotonic()

        def call(request):
            done = 0
            while time.monotonic() - start < seconds:
                stub.ModelInfer(request, timeout=60)
                done += 1
            return done

        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            done = sum(pool.map(call, requests))
        return done / (time.monotonic() - start)


def main():
    parser = surroundings.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each part")
    arguments = parser.parse_args()
    surroundings.use(arguments.build)
    from support.prometheus import free_port
    from support.server import CLIENT, Server

    with contextlib.ExitStack() as stack:
        model = stack.enter_context(tempfile.TemporaryDirectory())
        subprocess.run([sys.executable, surroundings.SOURCE / "tests" / "benchmarks" / "random_bert.py", model, "--layers",
                        str(LAYERS)], check=True)
        ports = [free_port() for _ in range(SERVERS)]
        for port in ports:
            stack.enter_context(Server({"bert": model}, ["--threads", "1", "--dtype", "f32"], port=port))
        one = f"ipv4:127.0.0.1:{ports[0]}"
        all_of_them = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)
        least = 0.8 * min(SERVERS, len(os.sched_getaffinity(0)))
        failed = False
        for name, load in (("C++", lambda address: bench(CLIENT, address, arguments.seconds / ROUNDS)),
                           ("Python", lambda address: python(address, arguments.seconds / ROUNDS))):
            alone, together = zip(*((load(one), load(all_of_them)) for _ in range(ROUNDS)))
            ratio = statistics.median(together) / statistics.median(alone)
            print(f"{name}: one server {statistics.median(alone):.1f} requests/s, {SERVERS} servers "
                  f"{statistics.median(together):.1f}: {ratio:.2f} times (at least {least:.1f} with {len(os.sched_getaffinity(0))} "
                  "processors)", flush=True)
            failed = failed or ratio < least
    if arguments.seconds < 10:
        return 0
    print("FAILED: throughput does not add up" if failed else "passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
