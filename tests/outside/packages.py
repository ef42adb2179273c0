#!/usr/bin/env python3
"""The Debian packages as their user has them: made of the build's programs, installed into an overlay over this
machine's root, run there as the package's own user, removed and purged; afterwards every file and directory is as
before. The units are judged by systemd-analyze. Needs root, overlayfs and the build's manual pages (77 without)."""
import json
import os
import re
import shutil
import stat
import sys
import tempfile

import overlay_root
import stack
from overlay_root import SKIPPED, run, skip

EXPOSURE_MAX = 2.0  # systemd-analyze security; docs/security.md says what it is
UNITS = ("switch/packaging/refund-switch.service", "hsm_sim/packaging/hsm-sim.service")
PACKAGES = ("refund-switch", "refund-switch-tools")
PROGRAMS = {"refund-switch": ("refund-switch", "refundctl"),
            "refund-switch-tools": ("hsm-sim", "issuer-sim", "iso8583", "switch-bench")}
# Where dpkg itself, its loader's cache and the clock write; nothing of ours.
NOT_COMPARED = re.compile(r"^/(proc|sys|dev|run|tmp|var/lib/dpkg|var/log|var/cache|etc/ld\.so\.cache|"
                          r"etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc/\.pwd\.lock)")


def units(checks, source):
    if not shutil.which("systemd-analyze"):
        print("SKIPPED: the units: no systemd-analyze here", flush=True)
        return
    for unit in UNITS:
        judged = run("systemd-analyze", "security", "--offline=yes", "--no-pager", os.path.join(source, unit))
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
        if checks.that(level is not None, f"{unit} is judged: {judged.stderr}"):
            print(f"{os.path.basename(unit)}: exposure {level.group(1)}", flush=True)
            checks.that(float(level.group(1)) <= EXPOSURE_MAX, f"{unit}: exposure {level.group(1)}")
        with open(os.path.join(source, unit), encoding="utf-8") as f:
            text = f.read()
        checks.that(re.search(r"^User=(?!root)\S+$", text, re.M) is not None, f"{unit} has a user of its own")


def bill_of_materials(checks, path, package):
    with open(path, encoding="utf-8") as f:
        bom = json.load(f)
    names = {c["name"]: c for c in bom["components"]}
    checks.equal((bom["bomFormat"], bom["metadata"]["component"]["name"]), ("CycloneDX", package), "what the list is of")
    loaded = {name for name, c in names.items() if {"name": "use", "value": "loaded"} in c["properties"]}
    checks.that({"libc6", "libssl3"} <= loaded, f"{package}: the C library and OpenSSL are in the list")
    if package == "refund-switch":
        checks.that({"librocksdb7.8", "libpq5", "libseccomp2"} <= loaded, f"what the switch loads is in the list: {loaded}")
        checks.that("libtomlplusplus-dev" in names, "and what was compiled in")
    for c in bom["components"]:
        checks.that(re.match(r"pkg:deb/debian/[^@]+@[^?]+\?arch=", c["purl"]) is not None and c["version"], f"{c}")


def written(overlay):
    """What differs from this machine's root: {path: kind}, by the overlay's upper side; `new`, `gone` or `changed`."""
    out, upper = {}, os.path.join(overlay, "upper")
    for folder, folders, files in os.walk(upper):
        inner = folder[len(upper):] or "/"
        folders[:] = [f for f in folders if not NOT_COMPARED.match(os.path.join(inner, f))]
        for name in folders + files:
            path = os.path.join(inner, name)
            if NOT_COMPARED.match(path):
                continue
            there = os.lstat(upper + path)
            if stat.S_ISCHR(there.st_mode) and there.st_rdev == 0:  # a whiteout
                out[path] = "gone"
            elif not os.path.lexists(path):
                out[path] = "new"
            elif not stat.S_ISDIR(there.st_mode) or same_owner(there) != same_owner(os.lstat(path)):
                out[path] = "changed"
    return out


def same_owner(status):
    return status.st_mode, status.st_uid, status.st_gid


def inside(args):
    """In a mount namespace of its own: the overlay, and what is done there."""
    checks, root = stack.Checks(), overlay_root.mounted(args.overlay)
    debs = []
    for package in PACKAGES:
        name = next(n for n in os.listdir(args.debs) if n.startswith(package + "_"))
        debs.append(shutil.copy(os.path.join(args.debs, name), os.path.join(root, "tmp", name))[len(root):])

    def there(*command, **more):
        return run("chroot", root, *command, **more)

    checks.that(not os.path.lexists("/usr/bin/refund-switch"), "nothing is installed before")
    installed = there("dpkg", "-i", *debs)
    if not checks.equal(installed.returncode, 0, f"dpkg -i: {installed.stdout}{installed.stderr}"):
        return checks.report()
    after = written(args.overlay)
    wanted = {f"/usr/bin/{p}" for names in PROGRAMS.values() for p in names} | {
        "/usr/lib/systemd/system/refund-switch.service", "/usr/lib/systemd/system/hsm-sim.service",
        "/etc/default/refund-switch", "/etc/default/hsm-sim", "/usr/share/man/man8/refund-switch.8",
        "/usr/share/man/man1/refundctl.1", "/usr/share/bash-completion/completions/refundctl",
        "/usr/share/doc/refund-switch/sbom.cdx.json", "/usr/share/doc/refund-switch/example.toml",
        "/usr/share/doc/refund-switch/refund-switch-cluster.conf", "/var/lib/refund-switch",
        "/var/lib/hsm-sim", "/etc/refund-switch"}
    new = {path for path, what in after.items() if what == "new"}
    checks.equal(wanted - new, set(), "what is installed")
    owned = [p for p in new if not re.match(r"/(usr|etc|var/lib)(/|$)", p)]
    checks.equal(owned, [], "nothing lies elsewhere")
    checks.equal({p: what for p, what in after.items() if what != "new"}, {}, "what was there is as it was")
    ids = {name: there("id", "-u", name).stdout.strip() for name in ("refund-switch", "hsm-sim")}
    checks.that(all(v.isdigit() and v != "0" for v in ids.values()), f"users of their own: {ids}")
    data = os.lstat(os.path.join(root, "var/lib/refund-switch"))
    checks.equal((oct(data.st_mode), str(data.st_uid)), (oct(0o40700), ids["refund-switch"]), "the data directory is the user's")
    for package in PACKAGES:
        bill_of_materials(checks, os.path.join(root, f"usr/share/doc/{package}/sbom.cdx.json"), package)
        for program in PROGRAMS[package]:
            said = there(program, "--version")
            checks.that(said.returncode == 0 and said.stdout.startswith(program), f"{program} --version: {said.stderr}")
    it_runs(checks, args, root, there)
    removed = there("dpkg", "-r", *PACKAGES)
    checks.equal(removed.returncode, 0, f"dpkg -r: {removed.stderr}")
    checks.that(os.path.exists(os.path.join(root, "etc/default/refund-switch")), "removing keeps what people set")
    purged = there("dpkg", "-P", *PACKAGES)
    checks.equal(purged.returncode, 0, f"dpkg -P: {purged.stderr}")
    checks.equal(written(args.overlay), {}, "what a purge leaves different")
    checks.equal(there("id", "-u", "refund-switch").returncode, 1, "the user is gone")
    return checks.report()


def it_runs(checks, args, root, there):
    """The installed switch as its user, with the demonstration's configuration; its data lies beside, not in /var/lib."""
    data = os.path.join(root, "tmp", "run")
    os.mkdir(data)
    with open(os.path.join(args.source, "switch", "config", "demo.toml"), encoding="utf-8") as f:
        text = re.sub(r'"127\.0\.0\.1:(8583|8584|9583)"', '"127.0.0.1:0"', f.read())
    with open(os.path.join(data, "switch.toml"), "w", encoding="utf-8") as f:
        f.write(text)
    uid = int(there("id", "-u", "refund-switch").stdout)
    os.chown(data, uid, uid)
    as_user = ("chroot", f"--userspec={uid}:{uid}", root)
    switch = stack.Program("refund-switch", [*as_user, "refund-switch", "--config", "/tmp/run/switch.toml", "--data",
                                             "/tmp/run/data"], os.path.join(args.overlay, "switch.log"))
    try:
        with open(f"/proc/{switch.process.pid}/status", encoding="ascii") as f:
            status = dict(line.split(":", 1) for line in f.read().splitlines() if ":" in line)
        checks.equal(status["Uid"].split(), [str(uid)] * 4, "it runs as its user")
        checks.equal((status["Seccomp"].strip(), status["NoNewPrivs"].strip()), ("2", "1"), "with calls denied")
        asked = run(*as_user, "refundctl", "--socket", "/tmp/run/data/control.sock", "--as", "admin1", "status")
        checks.that(asked.returncode == 0 and "issuer-a" in asked.stdout, f"refundctl status: {asked.stdout}{asked.stderr}")
    finally:
        switch.terminate()
    checks.equal(switch.process.returncode, 0, "it ends as it should")
    refused = run(*as_user, "hsm-sim", "--listen", "127.0.0.1:0", "--require-memory-lock", "--lmk", "/nonexistent")
    checks.equal(refused.returncode, 1, "hsm-sim without an LMK does not start")


def main():
    args = stack.arguments(__doc__, lambda parser: (parser.add_argument("--overlay", help=argparse_hidden),
                                                    parser.add_argument("--debs", help=argparse_hidden)))
    if args.overlay:
        return inside(args)
    checks = stack.Checks()
    units(checks, args.source)
    build = os.path.dirname(args.bin)
    overlay_root.need_root()
    if not os.path.exists(os.path.join(build, "share", "man", "man8", "refund-switch.8")):
        skip("installing: this build has made no documents")
    made = run("cmake", "--build", build, "--target", "packages")
    if not checks.equal(made.returncode, 0, f"the packages are made: {made.stdout[-2000:]}{made.stderr[-2000:]}"):
        return checks.report()
    with tempfile.TemporaryDirectory(prefix="refund-switch-packages-") as folder:
        again = run("unshare", "-m", sys.executable, "-B", os.path.abspath(__file__), "--source", args.source, "--bin",
                    args.bin, "--overlay", folder, "--debs", os.path.join(build, "packages"))
    print(again.stdout + again.stderr, end="", flush=True)
    if again.returncode == SKIPPED:
        return SKIPPED
    checks.equal(again.returncode, 0, "installed, run and purged in an overlay")
    return checks.report()


argparse_hidden = "of the test itself, in its own mount namespace"

if __name__ == "__main__":
    sys.exit(main())
