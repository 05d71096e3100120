"""Builds the package; the messages are generated from ../../proto on the way, by protoc (Debian: protobuf-compiler)."""
import pathlib
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
FILE = "attentiond/v1/attention_service.proto"


class BuildWithMessages(build_py):
    def run(self):
        super().run()
        out = pathlib.Path(self.build_lib)
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={out}", f"--pyi_out={out}", FILE], check=True)
        (out / "attentiond" / "v1" / "__init__.py").touch()


setup(cmdclass={"build_py": BuildWithMessages})
