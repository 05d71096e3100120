"""A long-running program that answers a line of JSON to each line of JSON; peer_runner.cc describes what it is asked."""
import json
import os
import subprocess


class Unable(Exception):
    """The program cannot do what it was asked, and says why."""


class Program:
    def __init__(self, command):
        self.command = command
        # Overrides of a BLAS's choice of kernels would be measured instead of the BLAS.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.about = self._read()
        self.job = None

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Unable(f"{' '.join(map(str, self.command))[:80]}...: ended with code {self.process.wait()}")
        return json.loads(line)

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self._read()
        if "error" in answer:
            raise Unable(answer["error"])
        return answer

    def prepare(self, job):
        """What it compared with what, as a phrase. Nothing is done when the job is the one of before."""
        if job != self.job:
            self.job = None
            self.checked = self._ask({"prepare": job})["checked"]
            self.job = job
        return self.checked

    def time(self, seconds):
        """Seconds of one run: the median of those in a block of about `seconds`."""
        return self._ask({"time": seconds})["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)
