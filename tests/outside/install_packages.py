#!/usr/bin/env python3
"""scripts/install-packages --cluster as somebody runs it on a machine without these packages: nothing listens afterwards, nothing
runs, no service is enabled, PostgreSQL has no cluster of its own, and a policy-rc.d that was there is as before. The packages are those of
this machine with their own scripts, put together again, so that nothing is fetched; they are removed and installed in an overlay over this
machine's root, in namespaces of processes and network of the test's own. Needs root, overlayfs and the packages (77 without)."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import overlay_root
import stack
from overlay_root import SKIPPED, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
import postgres_nodes  # noqa: E402

# Those that the list names bring it, and it has the service.
BROUGHT = ("postgresql-common",)
POLICY = "/usr/sbin/policy-rc.d"
REPOSITORY = "/tmp/repository"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "conffiles", "config", "templates", "triggers")
FAMILIES = ("tcp", "tcp6")
LISTENS = "0A"  # of /proc/net/tcp


def wanted(source):
    with open(os.path.join(source, "scripts", "packages-cluster.txt"), encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


# A repository of what is installed here

def packed(name, folder):
    """The package again, as dpkg has it on this machine: its files, its scripts."""
    tree = os.path.join(folder, name)
    os.makedirs(os.path.join(tree, "DEBIAN"))
    listed = run("dpkg-query", "-L", name).stdout.splitlines()
    folders = {os.path.dirname(path) for path in listed}  # /lib, too, which is a link
    for path in listed:
        target = tree + path
        if path in folders or (os.path.isdir(path) and not os.path.islink(path)):
            os.makedirs(target, exist_ok=True)
        elif os.path.lexists(path):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)
    for script in SCRIPTS:
        for stem in (name, f"{name}:amd64"):
            path = f"/var/lib/dpkg/info/{stem}.{script}"
            if os.path.exists(path):
                shutil.copy2(path, os.path.join(tree, "DEBIAN", script))
    control = re.sub(r"^(Status: .*|Conffiles:(\n .*)*)\n", "", run("dpkg-query", "-s", name).stdout, flags=re.M)
    with open(os.path.join(tree, "DEBIAN", "control"), "w", encoding="utf-8") as f:
        f.write(control)
    file = f"{name}.deb"
    subprocess.run(["dpkg-deb", "-Znone", "-b", tree, os.path.join(folder, file)], check=True, capture_output=True)
    shutil.rmtree(tree)
    with open(os.path.join(folder, file), "rb") as f:
        content = f.read()
    return control.rstrip() + (f"\nFilename: ./{file}\nSize: {len(content)}\n"
                               f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n")


class Machine:
    """The overlay: a machine whose only source of packages is a folder."""

    def __init__(self, checks, names):
        self.checks, self.names = checks, names
        os.mkdir(REPOSITORY)
        self.index = {name: packed(name, REPOSITORY) for name in self.names}
        self.write_index(self.names)
        shutil.rmtree("/var/lib/apt/lists", ignore_errors=True)
        shutil.rmtree("/etc/apt/sources.list.d", ignore_errors=True)
        self.write("/etc/apt/sources.list", f"deb [trusted=yes] copy:{REPOSITORY} ./\n")
        pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)  # its index of manuals takes longer than all else
        self.write("/etc/apt/apt.conf.d/99-test", 'APT::Sandbox::User "root";\n')

    def write(self, path, text, mode=0o644):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def write_index(self, names):
        self.write(REPOSITORY + "/Packages", "".join(self.index[name] for name in names))

    def there(self, *command):
        """On a machine that is up: without systemd, whose runlevel is asked for before a service is started."""
        return run("/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=2", "PREVLEVEL=N", *command)

    def apt(self, *words):
        done = self.there("apt-get", "-y", "-q", *words)
        if done.returncode != 0:
            raise RuntimeError(f"apt-get {' '.join(words)}: {done.stdout}{done.stderr}")

    def install_packages(self):
        return self.there("/tmp/scripts/install-packages", "--cluster")

    def installed(self):
        said = self.there("dpkg-query", "-W", "-f=${db:Status-Status} ${Package}\n", *self.names).stdout
        return {line.split()[1] for line in said.splitlines() if line.startswith("installed ")}

    def enabled(self):
        """What would be started with the machine, by systemd or by the scripts of System V."""
        out = set()
        for folder, folders, files in os.walk("/etc/systemd/system"):
            if folder.endswith((".wants", ".requires")):
                out |= {os.path.join(folder, name) for name in files + folders}
        for level in "2345":
            folder = f"/etc/rc{level}.d"
            out |= {f"{folder}/{name}" for name in os.listdir(folder) if name.startswith("S")}
        return out


# What runs

def processes():
    """In this namespace, but for ours."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                out[int(pid)] = f.read().replace(b"\0", b" ").decode().strip()
        except OSError:
            pass
    return {pid: words for pid, words in out.items() if words and pid != os.getpid()}


def listeners():
    out = []
    for family in FAMILIES:
        with open(f"/proc/net/{family}", encoding="ascii") as f:
            out += [line.split()[1] for line in f if line.split()[3] == LISTENS]
    return out


def end_all():
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    stack.wait_until("what was started has ended", lambda: reaped() and not processes())


def reaped():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    return True


def inside(args):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    checks, root = stack.Checks(), overlay_root.mounted(args.overlay)
    subprocess.run(["mount", "-t", "proc", "proc", root + "/proc"], check=True)  # of this namespace of processes
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root + "/run"], check=True)
    shutil.copytree(os.path.join(args.source, "scripts"), root + "/tmp/scripts")
    names = wanted(args.source) + list(BROUGHT)
    os.chroot(root)  # process 1, that is: to systemctl this is no chroot
    os.chdir("/")
    machine = Machine(checks, names)
    machine.apt("purge", *names)
    pathlib.Path(POLICY).unlink(missing_ok=True)
    reaped()
    checks.equal((machine.installed(), processes(), listeners()), (set(), {}, []), "a machine without the packages")
    before = machine.enabled()
    as_usual(checks, machine)
    by_the_script(checks, machine, before)
    with_a_policy_of_its_own(checks, machine)
    without_a_package(checks, machine)
    return checks.report()


def as_usual(checks, machine):
    """So that the rest shows something: apt alone starts a service and enables it."""
    before = machine.enabled()
    machine.apt("update")
    machine.apt("install", "--no-install-recommends", "etcd-server")
    stack.wait_until("etcd listens where apt installs it alone", listeners)
    checks.that(any("etcd" in words for words in processes().values()), f"and runs: {processes()}")
    checks.that(any("etcd" in link for link in machine.enabled() - before), "and is enabled")
    end_all()
    machine.apt("purge", "etcd-server")


def by_the_script(checks, machine, before):
    done = machine.install_packages()
    if not checks.equal(done.returncode, 0, f"install-packages --cluster: {done.stdout}{done.stderr}"):
        return
    reaped()
    checks.equal(machine.installed(), set(machine.names), "what is installed")
    checks.equal(listeners(), [], "who listens afterwards")
    checks.equal(processes(), {}, "what runs afterwards")
    checks.equal(machine.enabled() - before, set(), "what would be started with the machine")
    checks.equal(os.listdir("/etc/postgresql"), [], "PostgreSQL's clusters")
    checks.that(not os.path.lexists(POLICY), "the policy was for the time of the installation alone")
    again = machine.install_packages()
    checks.equal((again.returncode, again.stdout + again.stderr), (0, ""), "a second time there is nothing to do")


def with_a_policy_of_its_own(checks, machine):
    machine.apt("purge", "haproxy")
    text = "#!/bin/sh\n# The machine's own.\nexit 101\n"
    machine.write(POLICY, text, 0o700)
    before = machine.enabled()
    done = machine.install_packages()
    checks.equal(done.returncode, 0, f"with a policy of its own: {done.stderr}")
    with open(POLICY, encoding="utf-8") as f:
        checks.equal((f.read(), os.stat(POLICY).st_mode & 0o777), (text, 0o700), "the machine's own policy")
    checks.equal(machine.enabled() - before, set(), "what is enabled then")
    os.unlink(POLICY)
    before = machine.enabled()
    machine.there("systemctl", "enable", "haproxy.service")
    enabled = machine.enabled()
    checks.that(enabled > before, "a person enables haproxy")
    machine.apt("purge", "etcd-client")
    checks.equal(machine.install_packages().returncode, 0, "one package is missing")
    checks.equal(machine.enabled(), enabled, "what was there before stays enabled")


def without_a_package(checks, machine):
    machine.apt("purge", "haproxy", "etcd-client")
    machine.write_index([name for name in machine.names if name != "haproxy"])
    machine.apt("clean")
    machine.apt("update")
    done = machine.install_packages()
    checks.that(done.returncode == 1 and "apt-get could not install" in done.stderr and "haproxy" in done.stderr,
                f"a package that cannot be had: {done.returncode} {done.stderr}")
    checks.that(not os.path.lexists(POLICY), "the policy is gone though the installation failed")


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument("--overlay", help="of the test itself, in its own namespaces"))
    if args.overlay:
        return inside(args)
    lacks = run("dpkg-query", "-W", *wanted(args.source), *BROUGHT)
    if lacks.returncode != 0:
        postgres_nodes.skip_or_fail()
        overlay_root.skip(f"not installed here: {lacks.stderr.strip()}")
    overlay_root.need_root()
    with tempfile.TemporaryDirectory(prefix="refund-switch-install-") as folder:
        again = run("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", sys.executable, "-B",
                    os.path.abspath(__file__), "--source", args.source, "--overlay", folder)
    print(again.stdout + again.stderr, end="", flush=True)
    return again.returncode if again.returncode in (0, SKIPPED) else 1


if __name__ == "__main__":
    sys.exit(main())
