"""What deploy/ ships for monitoring, on a real Prometheus that scrapes the real server: every query of the dashboard returns
data, every rule evaluates, every metric that one of them names exists."""
import json
import re
import threading
import unittest

import grpc
from support.kserve import Client
from support.prometheus import run_prometheus
from support.server import MODELS, SOURCE, Server, wait_until

DASHBOARD = SOURCE / "deploy" / "grafana" / "dashboards" / "attentiond.json"
RULES = SOURCE / "deploy" / "prometheus" / "rules.yml"
METRIC = re.compile(r"(?<![:\w])(?:attentiond|process)_[a-z_0-9]+")

# What Grafana puts in; the rate interval is short, so that a few seconds of load are enough.
VARIABLES = {"$model": ".*", "$__rate_interval": "5s", "${datasource}": "prometheus"}


def dashboard_queries():
    """(panel's title, expression) of each query."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server({"sentiment": MODELS / "demo-sentiment"}))
        cls.prometheus = cls.enterClassContext(run_prometheus(cls.server, [RULES]))
        cls.stop = threading.Event()
        load = threading.Thread(target=cls.send_load)
        load.start()
        cls.addClassCleanup(load.join)
        cls.addClassCleanup(cls.stop.set)

    @classmethod
    def send_load(cls):
        """Good requests, and some that are refused, so that both kinds of series have a rate."""
        client = Client(cls.server.channel())
        while not cls.stop.is_set():
            client.infer("sentiment", {"text": ["I love my cat."] * 3})
            try:
                client.infer("sentiment", {"text": ["I love my cat."]}, parameters={"nothing": 1})
            except grpc.RpcError:
                pass
            cls.stop.wait(0.02)

    def test_every_query_of_the_dashboard_returns_data(self):
        queries = list(dashboard_queries())
        self.assertGreaterEqual(len(queries), 20)
        for title, expression in queries:
            with self.subTest(panel=title, query=expression):
                wait_until(lambda: self.prometheus.series(expression), f"{title}: {expression} returns data", timeout=20)

    def test_every_rule_evaluates(self):
        def rules():
            groups = self.prometheus.get("rules")["groups"]
            return [rule for group in groups for rule in group["rules"]]
        wait_until(lambda: all(rule["health"] != "unknown" for rule in rules()), "every rule has been evaluated")
        found = rules()
        self.assertEqual(len(found), len(re.findall(r"^ +- (?:record|alert):", RULES.read_text(), re.MULTILINE)))
        for rule in found:
            with self.subTest(rule=rule["name"]):
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""))
                if rule["type"] == "recording":
                    wait_until(lambda: self.prometheus.series(rule["name"]), f"{rule['name']} has a value", timeout=20)

    def test_every_metric_that_is_named_exists(self):
        named = set(METRIC.findall(RULES.read_text().split("groups:")[1]))
        for _, expression in dashboard_queries():
            named.update(METRIC.findall(expression))
        self.assertGreaterEqual(len(named), 20)
        for name in sorted(named):
            with self.subTest(metric=name):
                wait_until(lambda: self.prometheus.series(name), f"{name} exists", timeout=20)


if __name__ == "__main__":
    unittest.main()
