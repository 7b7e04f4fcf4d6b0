#!/usr/bin/python3
"""The manifests of packaging/kubernetes parse, have the fields that Kubernetes demands, and agree with the images.

No cluster is asked. What is held: required fields of each kind; that every mounted volume exists; that containers are
confined; that users, programs and versions are those of docker/Dockerfile and VERSION."""
import pathlib
import re
import sys
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = (ROOT / "VERSION").read_text().strip()
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
# Each kind: its version, and the paths that must be there.
REQUIRED = {
    "Service": ("v1", ["metadata.name", "spec.selector", "spec.ports"]),
    "ConfigMap": ("v1", ["metadata.name", "data"]),
    "StatefulSet": ("apps/v1", ["metadata.name", "spec.serviceName", "spec.selector.matchLabels", "spec.template.metadata.labels",
                                "spec.template.spec.containers"]),
    "Cluster": ("postgresql.cnpg.io/v1", ["metadata.name", "spec.instances", "spec.storage.size", "spec.postgresql.extensions"]),
    "Database": ("postgresql.cnpg.io/v1", ["metadata.name", "spec.name", "spec.owner", "spec.cluster.name"]),
    "MutatingAdmissionPolicy": ("admissionregistration.k8s.io/v1beta1", ["metadata.name", "spec.matchConstraints.resourceRules", "spec.mutations",
                                                                       "spec.reinvocationPolicy"]),
    "MutatingAdmissionPolicyBinding": ("admissionregistration.k8s.io/v1beta1", ["metadata.name", "spec.policyName"]),
}


def at(value, path):
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def container_faults(pod, container):
    context = container.get("securityContext", {})
    if context.get("readOnlyRootFilesystem") is not True:
        yield "root file system can be written"
    if at(context, "capabilities.drop") != ["ALL"]:
        yield "keeps capabilities that it does not name"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])} | {claim["metadata"]["name"] for claim in pod.get("claims", [])}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"mounts {mount['name']}, which is no volume"
    if not re.fullmatch(r"nae/\w+:" + re.escape(VERSION), container["image"]):
        yield f"{container['image']} is not of version {VERSION}"
    user = context.get("runAsUser", at(pod, "spec.securityContext.runAsUser"))
    if user != 0 and f"--uid {user} " not in DOCKERFILE:
        yield f"no image has a user {user}"


def stateful_set_faults(spec):
    pod = {**spec["template"], "claims": spec.get("volumeClaimTemplates", [])}
    if not spec["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items():
        yield "the selector does not select the pods"
    for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
        for fault in container_faults(pod, container):
            yield f"{container['name']}: {fault}"


def sidecar_faults(expression):
    """CEL that makes objects; what it names in quotes."""
    if any(expression.count(a) != expression.count(b) for a, b in ("{}", "[]", "()")) or expression.count('"') % 2:
        yield "brackets or quotes do not match"
    volumes = set(re.findall(r'spec\.volumes\{name: "([\w-]+)"', expression))
    for name in re.findall(r'volumeMounts\{name: "([\w-]+)"', expression):
        if name not in volumes:
            yield f"mounts {name}, which is no volume"
    for image in re.findall(r'image: "([^"]+)"', expression):
        if not image.endswith(":" + VERSION):
            yield f"{image} is not of version {VERSION}"
    if not (user := re.search(r"runAsUser: (\d+)", expression)) or f"--uid {user[1]} " not in DOCKERFILE:
        yield "the agent's user is not that of its image"
    if "defaultMode: 288" not in expression:  # 0440; CEL has no octal
        yield "the Secret's files can be read by others"


def program_faults(text):
    for program in tomllib.loads(text)["program"]:
        if not program.get("sha256"):
            yield "the agent cannot know a program in another container without sha256"


def faults_of(document):
    kind = document.get("kind")
    if kind not in REQUIRED:
        yield f"{kind} is no kind that this test knows"
        return
    version, paths = REQUIRED[kind]
    if document.get("apiVersion") != version:
        yield f"{document.get('apiVersion')} is not {version}"
    missing = [path for path in paths if at(document, path) in (None, "", [], {})]
    yield from (f"{path} is missing" for path in missing)
    if missing:
        return
    if kind == "StatefulSet":
        yield from stateful_set_faults(document["spec"])
    elif kind == "MutatingAdmissionPolicy":
        for mutation in document["spec"]["mutations"]:
            yield from sidecar_faults(mutation["applyConfiguration"]["expression"])
    elif kind == "ConfigMap":
        yield from program_faults(document["data"]["agent.toml"])
    elif kind == "Cluster" and not all(VERSION in extension["image"]["reference"] for extension in document["spec"]["postgresql"]["extensions"]):
        yield f"the extension's image is not of version {VERSION}"


def main():
    files = [pathlib.Path(name) for name in sys.argv[1:]] or sorted((ROOT / "packaging/kubernetes").glob("*.yaml"))
    assert files, "packaging/kubernetes is empty"
    found = []
    for file in files:
        for document in yaml.safe_load_all(file.read_text()):
            found += [f"{file.name}: {document.get('kind')} {at(document, 'metadata.name')}: {fault}" for fault in faults_of(document)]
    for line in found:
        print(line)
    print(f"kubernetes: {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
