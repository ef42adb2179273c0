#!/usr/bin/env python3
"""An argument that a script does not know ends it with exit code 2 and a line that names it, before anything is built,
installed or started: `scripts/nightly --nonsense` began a night's work."""
import os
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS_MAX = 60  # of a script that starts work instead, hours


def run(script, *arguments):
    return subprocess.run([os.path.join(ROOT, "scripts", script), *arguments], capture_output=True, text=True,
                          timeout=SECONDS_MAX)


class Arguments(unittest.TestCase):
    def test_unknown_ones_are_refused(self):
        for script in ("check", "install-packages", "instructions", "mutants", "nightly", "test"):
            with self.subTest(script=script):
                ended = run(script, "--nonsense")
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn("--nonsense", ended.stderr)
                self.assertEqual(ended.stdout, "")

    def test_packages_of_the_cluster_are_not_installed_beside_an_unknown_argument(self):
        ended = run("install-packages", "--cluster", "--nonsense")
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))

    def test_fuzz_takes_seconds(self):
        for seconds in ("soon", "0", "-1", "1.5"):
            with self.subTest(seconds=seconds):
                ended = run("fuzz", "all", seconds)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                self.assertIn("number of seconds", ended.stderr)
                ended = run("test", "--fuzz", seconds)
                self.assertEqual((ended.returncode, ended.stdout), (2, ""))
                self.assertIn("number of seconds", ended.stderr)

    def test_help_is_no_fault(self):
        for script in ("check", "demo", "fuzz", "install-packages", "instructions", "mutants", "nightly", "simulate", "test"):
            with self.subTest(script=script):
                ended = run(script, "--help")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertNotEqual(ended.stdout, "")


if __name__ == "__main__":
    unittest.main()
