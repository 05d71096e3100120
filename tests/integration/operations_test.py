"""docs/OPERATIONS.md beside what it describes: the flags of --help, the metrics of /metrics, the alerts of the rules, and
docs/SECURITY.md beside the tests that it names."""
import re
import subprocess
import unittest

from support.kserve import Client
from support.server import BINARY, MODELS, SOURCE, Server

PAGE = (SOURCE / "docs" / "OPERATIONS.md").read_text()


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(text):
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


class OperationsTest(unittest.TestCase):
    def test_every_flag_is_there_once_and_in_order(self):
        text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
        flags = [flag for flag in re.findall(r"^  (?:-h,)?(--[a-z-]+)", text, re.MULTILINE) if flag not in ("--help", "--version")]
        self.assertGreater(len(flags), 30)
        self.assertEqual(sorted(first_column(section("Flags"))), sorted(flags))

    def test_every_alert_is_there_with_its_severity(self):
        rules = (SOURCE / "deploy" / "prometheus" / "rules.yml").read_text()
        alerts = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", rules, re.DOTALL)
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", section("Alerts"), re.MULTILINE)
        self.assertEqual(rows, alerts)

    def test_every_metric_of_ours_is_there_and_exported(self):
        with Server({"sentiment": MODELS / "demo-sentiment"}) as server:
            Client(server.channel()).infer("sentiment", {"text": ["I love my cat."]})
            exported = set(re.findall(r"^# TYPE (\S+)", server.http("/metrics")[1], re.MULTILINE))
        documented = set(re.findall(r"`((?:attentiond|process)_[a-z_]+)`", section("Metrics that answer questions")))
        self.assertEqual(documented - exported, set())
        self.assertEqual({name for name in exported if name.startswith("attentiond_")} - documented, set())

    def test_every_test_that_security_names_exists(self):
        page = (SOURCE / "docs" / "SECURITY.md").read_text()
        names = set(re.findall(r"`((?:soak/)?[a-z_/]+(?:_test)?(?:\.py)?)`", page.split("## Threats")[1].split("## What")[0]))
        tests = {path.stem for path in (SOURCE / "tests").rglob("*.*")}
        for name in names:
            if name.endswith("_test") or name.endswith(".py"):
                self.assertIn(name.removeprefix("soak/").removesuffix(".py"), tests)


if __name__ == "__main__":
    unittest.main()
