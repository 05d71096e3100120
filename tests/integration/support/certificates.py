"""Certificates made by openssl: an authority and what it signs."""
import os
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = own
[own]
database = {directory}/index.txt
serial = {directory}/serial
new_certs_dir = {directory}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory, name)
        self.directory.mkdir()
        (self.directory / "index.txt").touch()
        (self.directory / "serial").write_text("01\n")
        (self.directory / "ca.cnf").write_text(CONFIG.format(directory=self.directory))
        self.certificate, self.key = self.directory / "ca.pem", self.directory / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def sign(self, name, first="20200101000000Z", last="20990101000000Z"):
        """(certificate, key): files for localhost, valid from `first` to `last`."""
        key, request, certificate = (self.directory / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", request)
        openssl("ca", "-batch", "-notext", "-config", self.directory / "ca.cnf", "-cert", self.certificate, "-keyfile", self.key,
                "-startdate", first, "-enddate", last, "-in", request, "-out", certificate)
        return certificate, key

    def sign_expired(self, name):
        return self.sign(name, last="20210101000000Z")


def replace(source, target):
    """As a deployment does it: the new file takes the old one's place at once."""
    fresh = pathlib.Path(f"{target}.new")
    fresh.write_bytes(pathlib.Path(source).read_bytes())
    os.replace(fresh, target)
