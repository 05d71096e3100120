"""Client: one channel to one server or many, every RPC of attentiond.v1 as a call on it."""
import json
import pathlib

import grpc
from attentiond.v1 import attention_service_pb2 as messages
from google.protobuf import message_factory, symbol_database

SERVICE = messages.DESCRIPTOR.services_by_name["AttentionService"]


class Error(Exception):
    """A call that failed. `code` is a grpc.StatusCode; the message says what to change."""

    def __init__(self, code, details):
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details


def _message_class(descriptor):
    if hasattr(message_factory, "GetMessageClass"):   # protobuf 4.22 and later
        return message_factory.GetMessageClass(descriptor)
    return symbol_database.Default().GetPrototype(descriptor)


def _service_config(attempts):
    config = {"loadBalancingConfig": [{"round_robin": {}}]}
    if attempts > 1:
        # The server promises that a request which it refuses with these has cost nothing.
        config["methodConfig"] = [{"name": [{}], "retryPolicy": {
            "maxAttempts": min(attempts, 5), "initialBackoff": "0.1s", "maxBackoff": "5s", "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]}}]
    return json.dumps(config)


def _read(path):
    return None if path is None else pathlib.Path(path).read_bytes()


class Client:
    """Connects with the first call; calls may be made from several threads.

    address   HOST:PORT, or a name that gRPC resolves to several servers ("dns:///attentiond.default.svc:8001",
              "ipv4:10.0.0.1:8001,10.0.0.2:8001"): calls go to them in turn.
    token     sent with each call, as `authorization: Bearer TOKEN`.
    tls       encrypt; implied by tls_ca (PEM file of who may sign the server), tls_cert and tls_key (this client's).
    timeout   seconds that a call may take, retries included.
    attempts  of a call that the server refuses because it is full, starting or draining; gRPC allows at most 5.
    """

    def __init__(self, address="localhost:8001", *, token=None, tls=False, tls_ca=None, tls_cert=None, tls_key=None,
                 timeout=30.0, attempts=5, max_message_bytes=1 << 30):
        options = [("grpc.service_config", _service_config(attempts)), ("grpc.enable_retries", 1),
                   ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 5000),
                   ("grpc.max_receive_message_length", max_message_bytes),
                   ("grpc.max_send_message_length", max_message_bytes)]
        if tls or tls_ca or tls_cert or tls_key:
            credentials = grpc.ssl_channel_credentials(_read(tls_ca), _read(tls_key), _read(tls_cert))
            self._channel = grpc.secure_channel(address, credentials, options)
        else:
            self._channel = grpc.insecure_channel(address, options)
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self._timeout = timeout
        self._methods = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._channel.close()

    def call(self, method, request, *, timeout=None, metadata=()):
        """Any RPC by its name in the .proto, with its request message: call("Explain", messages.ExplainRequest(...)).

        Raises Error.
        """
        if method not in self._methods:
            descriptor = SERVICE.methods_by_name[method]
            self._methods[method] = self._channel.unary_unary(
                f"/{SERVICE.full_name}/{method}",
                request_serializer=_message_class(descriptor.input_type).SerializeToString,
                response_deserializer=_message_class(descriptor.output_type).FromString)
        try:
            return self._methods[method](request, timeout=self._timeout if timeout is None else timeout,
                                         metadata=[*self._metadata, *metadata])
        except grpc.RpcError as error:
            raise Error(error.code(), error.details()) from None

    def classify(self, model, texts, *, pairs=None, top_k=0, truncate=False):
        """For each text its labels, best first: objects with .label and .score."""
        request = messages.ClassifyRequest(model=model, inputs=_inputs(texts, pairs), top_k=top_k, truncate=truncate)
        return [result.labels for result in self.call("Classify", request).results]

    def embed(self, model, texts, *, normalize=None, dimensions=0, prompt_name=None, truncate=False):
        """For each text its vector, a sequence of floats."""
        request = messages.EmbedRequest(model=model, inputs=_inputs(texts), dimensions=dimensions, truncate=truncate,
                                        normalize=normalize, prompt_name=prompt_name)
        return [result.values for result in self.call("Embed", request).results]

    def translate(self, model, texts, *, source_lang="", target_lang="", truncate=False, **generation):
        """For each text its translation: objects with .text and .score. `generation`: num_beams=, max_new_tokens= and the other
        fields of GenerationParameters."""
        request = messages.TranslateRequest(model=model, texts=_texts(texts), source_lang=source_lang, target_lang=target_lang,
                                            truncate=truncate, generation=messages.GenerationParameters(**generation))
        return [result.alternatives[0] for result in self.call("Translate", request).results]

    def caption(self, model, images, **generation):
        """For each picture (the bytes of a PNG or JPEG file) what is on it: objects with .text and .score."""
        request = messages.CaptionRequest(model=model, images=images, generation=messages.GenerationParameters(**generation))
        return [result.alternatives[0] for result in self.call("Caption", request).results]

    def tokenize(self, model, texts, *, truncate=False):
        """For each text its tokens: objects with .text, .id, .char_begin, .char_end and more."""
        request = messages.TokenizeRequest(model=model, inputs=_inputs(texts), truncate=truncate)
        return [result.tokens for result in self.call("Tokenize", request).results]

    def models(self, *, ready_only=False):
        """What the server has: objects with .name, .version, .state, .kind, .labels and more."""
        return list(self.call("ListModels", messages.ListModelsRequest(ready_only=ready_only)).models)


def _texts(texts):
    if isinstance(texts, str):
        raise TypeError("texts is a string; a list of strings is required")
    return texts


def _inputs(texts, pairs=None):
    texts = _texts(texts)
    if pairs is None:
        return [messages.TextInput(text=text) for text in texts]
    if len(pairs) != len(texts):
        raise ValueError(f"{len(texts)} texts and {len(pairs)} pairs; as many are required")
    return [messages.TextInput(text=text, text_pair=pair) for text, pair in zip(texts, pairs)]
