"""Clients that misbehave below gRPC: raw sockets."""
import socket

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"   # and empty SETTINGS
DATA, HEADERS = 0, 1
END_HEADERS = 4


def connect(server):
    host, port = server.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def is_closed(connection, timeout):
    """Whether the server closes the socket within `timeout`; what it sends before is read."""
    connection.settimeout(timeout)
    try:
        while True:
            if connection.recv(4096) == b"":
                return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def frame(kind, flags, payload, stream=1):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def headers(path):
    """The frame that begins a gRPC call: literal fields, not indexed and not compressed."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost", "te": "trailers",
              "content-type": "application/grpc"}
    block = b"".join(b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
                     for name, value in fields.items())
    return frame(HEADERS, END_HEADERS, block)
