"""A copy of the tree in build/mutants/tree, with its own build, into which a fault of tests/mutants is put and taken out
again. scripts/mutants plays each fault's test there, scripts/simulate --mutants the simulator."""
import contextlib
import os
import shutil
import subprocess

from . import mutants
from .tree import Tree


def mutant_name(mutant):
    return os.path.basename(mutant.path)[:-len(".patch")]


def chosen_mutants(parser, tree, names, takes=lambda name: True):
    """By name: those that were named, or all that `takes` accepts; a name that is none ends the program."""
    all_of_them = {mutant_name(m): m for m in mutants.of_tree(tree)}
    unknown = [n for n in names if n not in all_of_them]
    if unknown:
        parser.error(f"tests/mutants has no {', '.join(unknown)}")
    return {n: m for n, m in all_of_them.items() if (n in names if names else takes(n))}


class MutantCopy:
    """`log` is an open file that takes what the commands print."""

    def __init__(self, root):
        self.tree = Tree(root)
        self.folder = os.path.join(root, "build", "mutants")
        self.path = os.path.join(self.folder, "tree")
        self.bin = os.path.join(self.path, "build", "dev", "bin")
        self.log_path = os.path.join(self.folder, "log")
        self.log_name = os.path.relpath(self.log_path, root)
        # The copy lies below a repository, and is none.
        self.environment = {**os.environ, "GIT_CEILING_DIRECTORIES": self.folder}

    def refresh(self):
        """Only what differs is written, so that the copy's build is kept."""
        wanted = set(self.tree.paths)
        for folder, names, files in os.walk(self.path):
            names[:] = [n for n in names if os.path.join(folder, n) != os.path.join(self.path, "build")]
            for name in files:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.path) not in wanted:
                    os.remove(path)
        for path in self.tree.paths:
            source, target = os.path.join(self.tree.root, path), os.path.join(self.path, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(source, "rb") as f:
                content = f.read()
            if os.path.isfile(target):
                with open(target, "rb") as f:
                    if f.read() == content:
                        continue
            shutil.copyfile(source, target)
            shutil.copymode(source, target)

    def run(self, words, log, seconds=None):
        """Its exit code; -1 when its time was over."""
        log.write(f"== {' '.join(words)}\n")
        log.flush()
        try:
            return subprocess.run(words, cwd=self.path, env=self.environment, stdout=log, stderr=log, timeout=seconds,
                                  check=False).returncode
        except subprocess.TimeoutExpired:
            return -1

    def configure(self, log):
        return self.run(["cmake", "--preset", "dev"], log) == 0

    def build(self, targets, log):
        return self.run(["cmake", "--build", "--preset", "dev", "-j", str(os.cpu_count() or 1), "--target", *targets],
                        log) == 0

    @contextlib.contextmanager
    def with_fault(self, mutant, log):
        """Whether the patch applies; it is taken out again at the end."""
        patch = os.path.join(self.path, mutant.path)
        applies = self.run(["git", "apply", patch], log) == 0
        try:
            yield applies
        finally:
            if applies:
                subprocess.run(["git", "apply", "-R", patch], cwd=self.path, env=self.environment, check=True)
