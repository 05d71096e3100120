"""The rules of deploy/prometheus are valid, and each alert fires on what it is for and on nothing less."""
import os
import pathlib
import re
import subprocess
import unittest

PROMETHEUS = pathlib.Path(os.environ["ATTENTIOND_SOURCE_DIR"]) / "deploy" / "prometheus"


def promtool(*arguments):
    """(exit code, output); needs promtool on the PATH, which scripts/setup --test provides."""
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class PrometheusRulesTest(unittest.TestCase):
    def test_configuration_and_rules_are_valid(self):
        for arguments in (("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml")):
            code, output = promtool(*arguments)
            self.assertEqual(code, 0, output)

    def test_unit_tests_pass(self):
        code, output = promtool("test", "rules", "rules_test.yml")
        self.assertEqual(code, 0, output)

    def test_every_alert_is_shown_to_fire_and_not_to_fire(self):
        alerts = set(re.findall(r"- alert: (\w+)", (PROMETHEUS / "rules.yml").read_text()))
        fires, silent = set(), set()
        for case in re.split(r"\n      - ", (PROMETHEUS / "rules_test.yml").read_text()):
            name = re.search(r"alertname: (\w+)", case)
            if name:
                (fires if "exp_alerts" in case else silent).add(name[1])
        self.assertGreaterEqual(len(alerts), 10)
        self.assertEqual(fires, alerts)
        self.assertEqual(silent, alerts)


if __name__ == "__main__":
    unittest.main()
