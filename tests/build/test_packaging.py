#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Dockerfile and the Kubernetes manifests: they are well-formed, know no member that pods do not
have, and ask for what caisson-helper needs, no less and no more. TAP. Environment: SOURCE."""
import os
import re
import shutil
import subprocess
import sys

TOP = os.environ.get("SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
try:
    import yaml
except ImportError:
    print("1..0 # SKIP there is no python3-yaml")
    sys.exit(77)

# The members of core/v1 that the manifests may use, and their types. A misspelt one is ignored or
# refused by a server, and then the pod has less than it seems to.
STRING, BOOLEAN, NUMBER = str, bool, int
CAPABILITIES = {"add": [STRING], "drop": [STRING]}
PROFILE = {"type": STRING, "localhostProfile": STRING}
MOUNT = {"name": STRING, "mountPath": STRING, "readOnly": BOOLEAN}
CONTAINER = {
    "name": STRING, "image": STRING, "command": [STRING], "args": [STRING], "volumeMounts": [MOUNT],
    "resources": {"requests": {"cpu": STRING, "memory": STRING}, "limits": {"cpu": STRING, "memory": STRING}},
    "securityContext": {"allowPrivilegeEscalation": BOOLEAN, "readOnlyRootFilesystem": BOOLEAN,
                        "privileged": BOOLEAN, "procMount": STRING, "capabilities": CAPABILITIES}}
POD = {
    "apiVersion": STRING, "kind": STRING, "metadata": {"name": STRING, "labels": {"app": STRING}},
    "spec": {"hostUsers": BOOLEAN, "automountServiceAccountToken": BOOLEAN, "restartPolicy": STRING,
             "securityContext": {"runAsNonRoot": BOOLEAN, "runAsUser": NUMBER, "runAsGroup": NUMBER,
                                 "seccompProfile": PROFILE, "appArmorProfile": PROFILE},
             "containers": [CONTAINER],
             "volumes": [{"name": STRING, "emptyDir": {"medium": STRING, "sizeLimit": STRING}}]}}
count = failures = 0


def point(name, right, why=""):
    global count, failures
    count += 1
    failures += not right
    print("%sok %d - %s" % ("" if right else "not ", count, name))
    if not right and why:
        print("# %s" % why)


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why))


def wrong(value, schema, path="pod"):
    """What in value is not as schema has it."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return ["%s is no mapping" % path]
        return [w for key, inner in value.items() for w in (
            wrong(inner, schema[key], path + "." + key) if key in schema else ["%s.%s is unknown" % (path, key)])]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return ["%s is no list" % path]
        return [w for i, inner in enumerate(value) for w in wrong(inner, schema[0], "%s[%d]" % (path, i))]
    return [] if type(value) is schema else ["%s is %r" % (path, value)]


def helper_caps():
    with open(os.path.join(TOP, "helper/caisson-helper.caps"), encoding="utf-8") as caps:
        return {name.upper() for name in re.findall(r"^cap_(\w+)", caps.read(), re.M)}


def check_manifest(path):
    name = os.path.basename(path)
    with open(path, encoding="utf-8") as text:
        pods = list(yaml.safe_load_all(text))
    for pod in pods:
        errors = wrong(pod, POD)
        point("%s: every member is one of a pod's" % name, not errors, "; ".join(errors))
        point("%s: a Pod of v1" % name, (pod.get("apiVersion"), pod.get("kind")) == ("v1", "Pod"))
        spec = pod["spec"]
        point("%s: an ordinary user" % name, spec["securityContext"]["runAsNonRoot"] is True
              and spec["securityContext"]["runAsUser"] > 0)
        for container in spec["containers"]:
            context = container["securityContext"]
            point("%s: setuid works" % name, context["allowPrivilegeEscalation"] is True)
            point("%s: the capabilities of caisson-helper.caps, and no other" % name,
                  set(context["capabilities"]["add"]) == helper_caps()
                  and context["capabilities"]["drop"] == ["ALL"], str(context["capabilities"]))
            mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
            volumes = {v["name"] for v in spec["volumes"]}
            point("%s: a folder to count in, since its root is read-only" % name,
                  context["readOnlyRootFilesystem"] is True and mounts.get("/run/caisson") in volumes)
    point("%s: one document" % name, len(pods) == 1)


def check_dockerfile(path):
    with open(path, encoding="utf-8") as text:
        lines = re.sub(r"\\\n", " ", text.read()).splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    known = {"FROM", "RUN", "COPY", "USER", "CMD", "ENV", "WORKDIR", "ARG"}
    point("Dockerfile: known instructions, FROM first", words[0][0] == "FROM"
          and all(w[0] in known for w in words))
    point("Dockerfile: it ends as an ordinary user", [w[1] for w in words if w[0] == "USER"][-1] != "root")
    stages = {w[3] for w in words if w[0] == "FROM" and len(w) == 4}
    used = {w[1].split("=")[1] for w in words if w[0] == "COPY" and w[1].startswith("--from=")}
    point("Dockerfile: it copies from a stage that it has", used and used <= stages)
    options = [o for w in words if w[0] == "RUN" for o in w if o.startswith("-D")]
    with open(os.path.join(TOP, "cmake/CaissonOptions.cmake"), encoding="utf-8") as text:
        ours = set(re.findall(r"CAISSON_\w+", text.read()))
    point("Dockerfile: options that this build has", options and all(
        o[2:].split("=")[0] in ours or o.startswith(("-DCMAKE_", "-DBUILD_TESTING=")) for o in options))
    shells = [line[4:] for line in lines if line.startswith("RUN ")]
    broken = [s for s in shells if subprocess.run(["sh", "-n", "-c", s], check=False).returncode]
    point("Dockerfile: every RUN is a shell's", shells and not broken, "; ".join(broken))


def main():
    manifests = os.path.join(TOP, "packaging/kubernetes")
    for name in sorted(os.listdir(manifests)):
        check_manifest(os.path.join(manifests, name))
    check_dockerfile(os.path.join(TOP, "packaging/docker/Dockerfile"))
    if shutil.which("yamllint"):
        rules = "{extends: default, rules: {line-length: {max: 110}}}"
        lint = subprocess.run(["yamllint", "-s", "-d", rules, manifests], check=False,
                              stdout=subprocess.PIPE, text=True)
        point("yamllint", lint.returncode == 0, lint.stdout.replace("\n", "\n# "))
    else:
        skip("yamllint", "there is no yamllint")
    print("1..%d" % count)
    return 1 if failures else 0


sys.exit(main())
