#!/usr/bin/python3
"""Plants a fault of each kind in the manifests: tests/lint/kubernetes.py must find it."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# File, what stands there, and what is planted in its place.
PLANTS = [
    ("keyserver.yaml", "kind: Service\n", "kind: Sevrice\n"),
    ("keyserver.yaml", "apiVersion: apps/v1\n", "apiVersion: apps/v1beta1\n"),
    ("keyserver.yaml", "  serviceName: nae-keyserver\n", ""),
    ("keyserver.yaml", "      labels: {app: nae-keyserver}\n", "      labels: {app: other}\n"),
    ("keyserver.yaml", "            readOnlyRootFilesystem: true\n", ""),
    ("keyserver.yaml", "capabilities: {drop: [ALL]}", "capabilities: {}"),
    ("keyserver.yaml", "            allowPrivilegeEscalation: false\n", ""),
    ("keyserver.yaml", "        - name: tmp\n", "        - name: temporary\n"),
    ("keyserver.yaml", "image: nae/keyserver:0", "image: nae/keyserver:9"),
    ("keyserver.yaml", "runAsUser: 7443", "runAsUser: 7449"),
    ("cloudnative-pg.yaml", "  instances: 3\n", ""),
    ("cloudnative-pg.yaml", "nae/extension:18-0", "nae/extension:18-9"),
    ("cloudnative-pg.yaml", "    sha256 = [", "    # sha256 = ["),
    ("cloudnative-pg.yaml", "            }\n          }\n", "            }\n"),
    ("cloudnative-pg.yaml", 'Object.spec.volumes{name: "nae-device"', 'Object.spec.volumes{name: "nae-key"'),
    ("cloudnative-pg.yaml", 'image: "nae/agent:0', 'image: "nae/agent:9'),
    ("cloudnative-pg.yaml", "runAsUser: 7444", "runAsUser: 26"),
    ("cloudnative-pg.yaml", "defaultMode: 288", "defaultMode: 292"),
    ("cloudnative-pg.yaml", "  policyName: nae-agent-sidecar\n", ""),
]


def main():
    missed = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, stands, planted in PLANTS:
            text = (ROOT / "packaging/kubernetes" / name).read_text()
            assert stands in text, f"{name} has no {stands!r}: this plant needs another place"
            file = pathlib.Path(directory) / name
            file.write_text(text.replace(stands, planted, 1))
            done = subprocess.run([ROOT / "tests/lint/kubernetes.py", file], capture_output=True, text=True)
            if done.returncode != 1 or name not in done.stdout:
                print(f"{name}: not found: {planted.strip() or 'without ' + stands.strip()}\n{done.stdout}{done.stderr}")
                missed += 1
    print(f"kubernetes: {len(PLANTS)} planted, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
