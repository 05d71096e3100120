"""Our server beside our engine and beside llama.cpp's server, on texts of the same lengths.

An engine's rate is that of one ragged batch of all sequences, with nothing around it: what is left of it through gRPC,
tokenising, queue and replies, while the clients take their part of the same processors, is the server's share.
"""
import http.client
import json
import math
import pathlib
import random
import statistics
import tempfile
import threading
import time

from peers.cells import Cell
from peers.measure import Row
from peers.program import Unable
from server_load import Server

CLIENTS = 64
TEXTS = 512  # of the large requests
MEDIAN_TOKENS, SIGMA, MOST_TOKENS = 40, 0.8, 512
ONE_TOKENS = 40
# Each is one token of the bundled demo tokenizer.
WORDS = ("the", "a", "my", "her", "this", "one", "old", "new", "good", "bad", "cat", "dog", "film", "book", "house", "story")
SECONDS = 3


def mixed_lengths(count=CLIENTS):
    """Log-normal, as lengths of real texts are."""
    rng = random.Random(1)
    return [min(MOST_TOKENS, max(3, round(rng.lognormvariate(math.log(MEDIAN_TOKENS), SIGMA)))) for _ in range(count)]


def text(tokens, rng):
    """One that becomes so many tokens, [CLS] and [SEP] among them. Its words are drawn: the server computes texts that are
    the same only once."""
    return " ".join(rng.choice(WORDS) for _ in range(tokens - 2))


def texts_file(directory, name, lengths, times=32):
    """The lengths over and over, each time with other words."""
    path, rng = pathlib.Path(directory) / name, random.Random(2)
    path.write_text("".join(text(n, rng) + "\n" for n in lengths * times))
    return str(path)


def check_tokens(report, lengths, texts=1):
    sent, expected = report["tokens"] / report["succeeded"] / texts, sum(lengths) / len(lengths)
    if report["failed"] or abs(sent / expected - 1) > 0.1:  # the last texts of a load are not all of them
        raise Unable(f"{report['failed']} requests failed, {sent:.0f} tokens a request instead of {expected:.0f}")


class LlamaClients:
    """A closed loop of clients on llama.cpp's server, each with a text of its own."""

    def __init__(self, port, lengths):
        self.port, self.lengths = port, lengths

    def _client(self, tokens, until, done):
        connection, rng = http.client.HTTPConnection("127.0.0.1", self.port), random.Random(tokens)
        while time.monotonic() < until:
            body = json.dumps({"input": text(tokens, rng)})
            connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            reply = json.loads(answer.read())
            if answer.status != 200 or reply["usage"]["prompt_tokens"] != tokens:
                return  # what is missing shows in the count
            done.append((tokens, time.monotonic()))

    def tokens_per_second(self, seconds):
        done, start = [], time.monotonic()
        clients = [threading.Thread(target=self._client, args=(n, start + seconds, done)) for n in self.lengths]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        if not done:
            raise Unable("llama-server does not answer with an embedding of the tokens that were sent")
        return sum(tokens for tokens, _ in done) / (max(at for _, at in done) - start)


def measure_llama(build, model, dtype, llama, rounds=3, seconds=SECONDS):
    """A row whose "ours" is our server and whose "peer" is llama.cpp's: seconds a token of the mix."""
    lengths = mixed_lengths()
    clients = LlamaClients(llama.about["port"], lengths)
    server = Server(build, "bert", model, "--dtype", dtype)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            file = texts_file(scratch, "texts.txt", lengths)
            clients.tokens_per_second(1)  # warm
            ours, peer = [], []
            for _ in range(rounds):
                report = server.load("embed", "bert", CLIENTS, seconds, "--file", file)
                check_tokens(report, lengths)
                ours.append(1 / report["tokens_per_second"])
                peer.append(1 / clients.tokens_per_second(seconds))
    finally:
        server.stop()
    work = {"work": "encoder", "dtype": dtype, "lengths": lengths}
    yield Row(Cell(f"serving-llama {CLIENTS} clients, a token, {dtype} against Q8_0", work, work, peer_is="llama"),
              statistics.median(ours), statistics.median(peer))


def measure_serving(build, model, dtype, engine, rounds=3, seconds=SECONDS):
    """Rows whose "ours" is the server and whose "peer" is the engine: seconds a token of the mix, seconds of one text."""
    lengths, many = mixed_lengths(), mixed_lengths(TEXTS)

    def a_token(report):
        return 1 / report["tokens_per_second"]

    kinds = (("64 clients, a token", lengths, CLIENTS, 1, a_token, sum(lengths)),
             (f"{TEXTS} texts a request, a token", many, 2, TEXTS, a_token, sum(many)),
             (f"1 client, {ONE_TOKENS} tokens", [ONE_TOKENS], 1, 1, lambda report: report["latency_seconds"]["p50"], 1))
    server = Server(build, "bert", model, "--dtype", dtype)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for index, (name, rows, clients, texts, figure, units) in enumerate(kinds):
                # In f32 a large request takes longer than the client waits by default.
                flags = ("--timeout", "120", "--texts", str(texts), "--file", texts_file(scratch, f"{index}.txt", rows))
                job = {"work": "encoder", "dtype": dtype, "lengths": rows, "model": model}
                checked = engine.prepare(job)
                # A large request takes seconds: several must end.
                load_seconds = seconds if texts == 1 else 5 * seconds
                server.load("embed", "bert", clients, load_seconds / 3, *flags)  # warm
                ours, peer = [], []
                for _ in range(rounds):
                    peer.append(engine.time(seconds / 3) / units)
                    report = server.load("embed", "bert", clients, load_seconds, *flags)
                    check_tokens(report, rows, texts)
                    ours.append(figure(report))
                yield Row(Cell(f"serving-{dtype} {name}", job, job, peer_is="ours"), statistics.median(ours),
                          statistics.median(peer), checked=checked)
    finally:
        server.stop()
