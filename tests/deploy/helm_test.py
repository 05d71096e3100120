"""The chart: helm lint and template accept it with all kinds of values, and what comes out is of Kubernetes' own types."""
import os
import pathlib
import subprocess
import unittest

import kubernetes_schema
import yaml

SOURCE = pathlib.Path(os.environ["ATTENTIOND_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["ATTENTIOND_BINARY_DIR"]) / "bin" / "attentiond"
CHART = SOURCE / "deploy" / "helm" / "attentiond"

EVERYTHING = ["tls.secret=t", "tls.clientCertificates=true", "auth.secret=a", "models.from=claim", "models.claim=m",
              "models.poll=30s", "autoscaling.enabled=true", "serviceMonitor.enabled=true", "enableAdmin=true",
              "env[0].name=ATTENTIOND_MAX_QUEUE_DELAY", "env[0].value=2ms", "podAnnotations.a=b",
              "networkPolicy.clients[0].podSelector.matchLabels.app=web", "imagePullSecrets[0].name=s"]


def helm(*arguments):
    """helm's result; it must be on the PATH, and scripts/setup --test puts it there."""
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def render(*values):
    flags = [part for value in values for part in ("--set", value)]
    done = helm("template", "r", str(CHART), "--kube-version", "1.30.0", *flags)
    assert done.returncode == 0, done.stderr
    return {document["kind"]: document for document in yaml.safe_load_all(done.stdout) if document}


class HelmTest(unittest.TestCase):
    def test_lint_finds_nothing(self):
        done = helm("lint", "--strict", str(CHART))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_objects_are_of_kubernetes_types(self):
        for values in ((), EVERYTHING, ("models.from=volume", "models.volume.hostPath.path=/models")):
            for kind, document in render(*values).items():
                if kind == "ServiceMonitor":
                    continue  # of the Prometheus operator, whose schema is not at hand
                with self.subTest(values=values, kind=kind):
                    self.assertEqual(kubernetes_schema.check(document), [])

    def test_the_checker_sees_mistakes(self):
        deployment = render()["Deployment"]
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["readOnlyRootFileSystem"] = True
        container["readinessProbe"]["periodSeconds"] = "5"
        del deployment["spec"]["selector"]
        found = "\n".join(kubernetes_schema.check(deployment))
        for part in ("readOnlyRootFileSystem: V1Container has no such field", "periodSeconds: '5' is not a int", "selector"):
            self.assertIn(part, found)

    def test_which_objects_there_are(self):
        always = {"Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"}
        self.assertEqual(set(render()), always)
        self.assertEqual(set(render(*EVERYTHING)), always | {"HorizontalPodAutoscaler", "ServiceMonitor"})

    def test_the_server_knows_every_flag(self):
        for values in ((), EVERYTHING):
            pod = render(*values)["Deployment"]["spec"]["template"]["spec"]
            arguments = pod["containers"][0]["args"]
            help_text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
            for argument in arguments:
                self.assertIn(argument.split("=")[0] + " ", help_text)
            mounted = [mount["mountPath"] for mount in pod["containers"][0].get("volumeMounts", [])]
            for argument in arguments:
                if "/etc/attentiond" in argument:
                    self.assertIn(str(pathlib.PurePosixPath(argument.split("=")[1]).parent), mounted)

    def test_a_drain_ends_before_the_pod_is_killed(self):
        pod = render("drainSeconds=100")["Deployment"]["spec"]["template"]["spec"]
        self.assertIn("--drain-timeout=100s", pod["containers"][0]["args"])
        self.assertGreater(pod["terminationGracePeriodSeconds"], 100)

    def test_the_schema_refuses_what_cannot_work(self):
        for value, words in {"tls.clientCertificates=true": "tls.secret", "models.from=claim": "models.claim",
                             "models.from=nowhere": "models.from", "replica=3": "replica", "replicas=0": "replicas",
                             "env[0].name=MAX_QUEUE": "env.0.name", "resources.limits.cpu=two": "resources.limits.cpu"}.items():
            done = helm("template", "r", str(CHART), "--kube-version", "1.30.0", "--set", value)
            with self.subTest(value=value):
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
