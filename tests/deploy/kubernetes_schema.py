"""Kubernetes objects against the types of its own API, as Debian's python3-kubernetes carries them."""
import kubernetes.client as types

# An object's type, where its group's version is part of the name; the first that the installed package knows.
MODELS = {
    ("v1", "Service"): ["V1Service"],
    ("v1", "ServiceAccount"): ["V1ServiceAccount"],
    ("v1", "Container"): ["V1Container"],
    ("apps/v1", "Deployment"): ["V1Deployment"],
    ("policy/v1", "PodDisruptionBudget"): ["V1PodDisruptionBudget"],
    ("networking.k8s.io/v1", "NetworkPolicy"): ["V1NetworkPolicy"],
    # v2beta2 has the fields of v2; Debian 12's package is older than v2.
    ("autoscaling/v2", "HorizontalPodAutoscaler"): ["V2HorizontalPodAutoscaler", "V2beta2HorizontalPodAutoscaler"],
}
# Fields that Debian 12's package (Kubernetes 1.22) is too old for: the type, the field, what it holds.
NEWER = {("V1Probe", "grpc"): {"port": int, "service": str}}


def scalar_problems(value, kind, where):
    wanted = {"str": str, "int": int, "float": (int, float), "bool": bool, "object": object}.get(kind)
    if wanted is None or (isinstance(value, bool) and kind != "bool" and kind != "object") or not isinstance(value, wanted):
        yield f"{where}: {value!r} is not a {kind}"


def problems(value, kind, where):
    """What of `value` is not as the type named `kind` has it: "V1Pod", "list[V1Container]", "dict(str, str)", "str"."""
    if kind.startswith("list["):
        if not isinstance(value, list):
            yield f"{where}: not a list"
            return
        for i, element in enumerate(value):
            yield from problems(element, kind[5:-1], f"{where}[{i}]")
    elif kind.startswith("dict("):
        if not isinstance(value, dict):
            yield f"{where}: not an object"
            return
        for key, element in value.items():
            yield from problems(element, kind.split(", ", 1)[1][:-1], f"{where}.{key}")
    elif hasattr(types, kind):
        yield from object_problems(value, getattr(types, kind), where)
    elif kind != "datetime":
        yield from scalar_problems(value, kind, where)


def object_problems(value, model, where):
    if not isinstance(value, dict):
        yield f"{where}: not an object"
        return
    attributes = {name: attribute for attribute, name in model.attribute_map.items()}
    for name, element in value.items():
        if name in attributes:
            yield from problems(element, model.openapi_types[attributes[name]], f"{where}.{name}")
        elif (model.__name__, name) in NEWER:
            fields = NEWER[model.__name__, name]
            for key, inner in element.items():
                if key not in fields or not isinstance(inner, fields[key]):
                    yield f"{where}.{name}.{key}: unknown, or of a wrong type"
        else:
            yield f"{where}.{name}: {model.__name__} has no such field"
    try:
        # Required fields are checked by the constructor; what they hold was checked above.
        model(**{attribute: value.get(name) for attribute, name in model.attribute_map.items()})
    except ValueError as error:
        yield f"{where}: {error}"


def check(document):
    """Problems of a whole object; KeyError: the type is not one of Kubernetes itself."""
    names = MODELS[document["apiVersion"], document["kind"]]
    model = next(name for name in names if hasattr(types, name))
    return list(problems(document, model, document["kind"]))
