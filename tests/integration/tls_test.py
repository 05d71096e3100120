"""TLS and mutual TLS with real certificates: wrong, expired, missing, broken, and renewed under load."""
import pathlib
import tempfile
import threading
import unittest

import grpc
from inference import grpc_service_pb2 as pb
from inference import grpc_service_pb2_grpc as rpc
from support.certificates import Authority, replace
from support.server import MODELS, Server, wait_until


def channel(server, roots, client=None):
    """A connection of its own that trusts `roots` (files) and shows `client` (certificate, key)."""
    texts = b"".join(pathlib.Path(root).read_bytes() for root in roots)
    certificate, key = (pathlib.Path(path).read_bytes() for path in client) if client else (None, None)
    return grpc.secure_channel(server.address, grpc.ssl_channel_credentials(texts, key, certificate),
                               options=[("grpc.use_local_subchannel_pool", 1)])


def is_answered(server, roots, client=None):
    with channel(server, roots, client) as connection:
        try:
            rpc.GRPCInferenceServiceStub(connection).ServerLive(pb.ServerLiveRequest(), timeout=20)
            return True
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            return False


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.ours, self.others = (Authority(self.directory, name) for name in ("ours", "others"))
        self.certificate, self.key = self.directory / "tls.crt", self.directory / "tls.key"
        self.install(*self.ours.sign("first"))

    def install(self, certificate, key):
        replace(certificate, self.certificate)
        replace(key, self.key)

    def serve(self, *flags):
        return self.enterContext(Server({"sentiment": MODELS / "demo-sentiment"},
                                        ["--tls-cert", str(self.certificate), "--tls-key", str(self.key), *map(str, flags)]))

    def test_who_is_trusted(self):
        server = self.serve()
        self.assertTrue(is_answered(server, [self.ours.certificate]))
        self.assertFalse(is_answered(server, [self.others.certificate]))
        with grpc.insecure_channel(server.address) as plaintext, self.assertRaises(grpc.RpcError):
            rpc.GRPCInferenceServiceStub(plaintext).ServerLive(pb.ServerLiveRequest(), timeout=5)

    def test_an_expired_server_is_refused_by_clients(self):
        self.install(*self.ours.sign_expired("expired"))
        self.assertFalse(is_answered(self.serve(), [self.ours.certificate]))

    def test_clients_must_show_a_good_certificate(self):
        server = self.serve("--tls-client-ca", self.ours.certificate, "--health-listen", "127.0.0.1:0")
        trusted = [self.ours.certificate]
        self.assertTrue(is_answered(server, trusted, self.ours.sign("client")))
        self.assertFalse(is_answered(server, trusted), "none")
        self.assertFalse(is_answered(server, trusted, self.others.sign("stranger")), "of another authority")
        self.assertFalse(is_answered(server, trusted, self.ours.sign_expired("old")), "expired")
        # Probes have neither.
        health = grpc.insecure_channel(server.health_address).unary_unary("/grpc.health.v1.Health/Check")
        self.assertEqual(health(b"", timeout=10), b"\x08\x01")

    def test_renewed_under_load_without_a_failed_request(self):
        server = self.serve()
        both = [self.ours.certificate, self.others.certificate]
        stop, failures, answered = threading.Event(), [], [0, 0]

        def load(which, new_connection):
            connection = channel(server, both)
            while not stop.is_set():
                try:
                    rpc.GRPCInferenceServiceStub(connection).ServerLive(pb.ServerLiveRequest(), timeout=20)
                    answered[which] += 1
                except grpc.RpcError as error:
                    failures.append(error)
                if new_connection:
                    connection.close()
                    connection = channel(server, both)
            connection.close()

        threads = [threading.Thread(target=load, args=arguments) for arguments in ((0, False), (1, True))]
        for thread in threads:
            thread.start()
        for authority in (self.others, self.ours, self.others):
            self.install(*authority.sign("renewed"))
            # New connections get the new one at once; the old connection lives on.
            wait_until(lambda: is_answered(server, [authority.certificate]), "the renewed certificate is shown")
            other = self.ours if authority is self.others else self.others
            self.assertFalse(is_answered(server, [other.certificate]))
            before = list(answered)
            wait_until(lambda: all(now > old + 5 for now, old in zip(answered, before)), "both kinds of client go on")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_what_cannot_be_used_leaves_the_old_one(self):
        server = self.serve()
        trusted = [self.ours.certificate]
        self.certificate.write_text("half a fi")
        self.assertTrue(is_answered(server, trusted))
        wait_until(lambda: any("is not PEM" in line for line in server.log), "the log says so")
        self.certificate.unlink()
        self.assertTrue(is_answered(server, trusted))
        certificate, key = self.ours.sign("next")
        replace(certificate, self.certificate)   # its key is still the old one
        self.assertTrue(is_answered(server, trusted))
        replace(key, self.key)
        self.assertTrue(is_answered(server, trusted))
        self.install(*self.others.sign("last"))
        self.assertTrue(is_answered(server, [self.others.certificate]))


if __name__ == "__main__":
    unittest.main()
