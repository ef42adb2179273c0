"""This machine's root with an overlay over it, in a mount namespace of the test's own: what is installed there is seen by nobody else
and gone with the process."""
import os
import subprocess
import sys

SKIPPED = 77


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def mounted(overlay):
    """Lays it over `/` in this empty folder: changes lie in `upper`, the whole in `root`, which it gives. Ends with 77 where that
    cannot be."""
    root = os.path.join(overlay, "root")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", overlay], check=True)
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(overlay, name))
    made = run("mount", "-t", "overlay", "overlay", "-o",
               f"lowerdir=/,upperdir={overlay}/upper,workdir={overlay}/work", root)
    if made.returncode != 0:
        skip(f"no overlay over this root: {made.stderr.strip()}")
    for name in ("proc", "dev"):
        subprocess.run(["mount", "--rbind", f"/{name}", os.path.join(root, name)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", os.path.join(root, "tmp")], check=True)
    return root


def need_root():
    if os.geteuid() != 0 or run("unshare", "--mount", "true").returncode != 0:
        skip("needs root and namespaces")
