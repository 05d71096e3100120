"""The rest of deploy/: KServe's objects, compose, Envoy. Each is YAML, and names only what exists."""
import os
import pathlib
import re
import subprocess
import unittest

import kubernetes_schema
import yaml

SOURCE = pathlib.Path(os.environ["ATTENTIOND_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["ATTENTIOND_BINARY_DIR"]) / "bin" / "attentiond"
DEPLOY = SOURCE / "deploy"


def load(path):
    return yaml.safe_load((DEPLOY / path).read_text())


def known_flags():
    text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^ +(?:-h,)?(--[a-z-]+)", text, re.MULTILINE))


class ManifestsTest(unittest.TestCase):
    def test_kserve_container_is_of_kubernetes_type_and_its_flags_exist(self):
        runtime = load("kserve/serving-runtime.yaml")
        for container in runtime["spec"]["containers"]:
            self.assertEqual(list(kubernetes_schema.problems(container, "V1Container", "container")), [])
            for argument in container["args"]:
                self.assertIn(argument.split("=")[0], known_flags())

    def test_kserve_service_names_the_runtime_and_a_format_of_it(self):
        runtime, service = load("kserve/serving-runtime.yaml"), load("kserve/inference-service.yaml")
        model = service["spec"]["predictor"]["model"]
        self.assertEqual(model["runtime"], runtime["metadata"]["name"])
        self.assertIn(model["modelFormat"]["name"], [f["name"] for f in runtime["spec"]["supportedModelFormats"]])
        self.assertIn(model["protocolVersion"], runtime["spec"]["protocolVersions"])

    def test_compose(self):
        compose = load("compose.yaml")
        server = compose["services"]["attentiond"]
        self.assertTrue(server["read_only"])
        for argument in server["command"]:
            if argument.startswith("--"):
                self.assertIn(argument, known_flags())
        for service in compose["services"].values():
            for volume in service.get("volumes", []):
                source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DEPLOY / source).is_dir(), volume)
                else:
                    self.assertIn(source, compose["volumes"])

    def test_names_that_must_agree(self):
        compose = load("compose.yaml")
        scraped = load("prometheus/prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"][0]
        self.assertIn(scraped.split(":")[0], compose["services"])
        source = load("grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
        self.assertIn(source["url"].split("/")[2].split(":")[0], compose["services"])
        dashboards = load("grafana/provisioning/dashboards/attentiond.yml")["providers"][0]["options"]["path"]
        self.assertIn(f"./grafana/dashboards:{dashboards}:ro", compose["services"]["grafana"]["volumes"])
        adapter = {rule["name"]["as"] for rule in load("kubernetes/prometheus-adapter.yaml")["rules"]["custom"]}
        scaler = (DEPLOY / "helm/attentiond/templates/horizontalpodautoscaler.yaml").read_text()
        self.assertEqual(set(re.findall(r"metric: \{name: (\w+)\}", scaler)), adapter)

    def test_envoy(self):
        envoy = load("envoy/envoy.yaml")["static_resources"]
        manager = envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        routed = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["cluster"]
        self.assertEqual([cluster["name"] for cluster in envoy["clusters"]], [routed])
        transcoder = manager["http_filters"][0]["typed_config"]
        protos = "\n".join(path.read_text() for path in (SOURCE / "proto").rglob("*.proto"))
        for service in transcoder["services"]:
            package, name = service.rsplit(".", 1)
            self.assertIn(f"package {package};", protos)
            self.assertIn(f"service {name} {{", protos)
        # The router must be the last filter, and the only one that ends the chain.
        self.assertEqual(manager["http_filters"][-1]["name"], "envoy.filters.http.router")


if __name__ == "__main__":
    unittest.main()
