#!/usr/bin/env python3
"""failovers.py adds runs up, and does not call good what was lost, done twice, missing or never compared."""
import json
import os
import subprocess
import sys
import tempfile
import time
import types
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "tests", "outside", "failovers.py")
sys.path.insert(0, os.path.dirname(PROGRAM))
import failovers  # noqa: E402


class FailoversTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "results.jsonl")

    def run_of(self, silences, counts=None, pipeline=4, ends_by=None, broken=()):
        try:
            with failovers.Results(self.path, "a.py", pipeline, types.SimpleNamespace(broken=list(broken))) as results:
                for silence in silences:
                    results.event("kill", silence, 3.0, 1)
                if ends_by:
                    raise ends_by
                results.compared(100, {"lost": 0, "twice": 0, "holes": 0, **(counts or {})})
        except type(ends_by) if ends_by else ():
            pass

    def program(self, *words):
        done = subprocess.run([sys.executable, "-B", PROGRAM, *words], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_runs_add_up(self):
        self.run_of([1.0, 2.0, 4.0])
        self.run_of([3.0])
        self.run_of([0.5], pipeline=1)
        code, said = self.program("--json", self.path)
        self.assertEqual(code, 0, said)
        total = json.loads(said)
        self.assertEqual((total["failures"], total["runs"], total["approvals"], total["lost"]), (5, 3, 300, 0))
        self.assertEqual([(r["pipeline"], r["n"], r["median_s"], r["max_s"], r["within"]) for r in total["rows"]],
                         [(1, 1, 0.5, 0.5, 1), (4, 4, 2.5, 4.0, 3)])
        code, said = self.program(self.path)
        self.assertEqual(code, 0, said)
        self.assertIn("| kill | 4 | 4 | 2.5, 4.0 | 3 | 3 |", said)

    def test_each_kind_of_harm_fails(self):
        for harm in failovers.COUNTS:
            with self.subTest(harm=harm):
                if os.path.exists(self.path):
                    os.remove(self.path)
                self.run_of([1.0], {harm: 1})
                code, said = self.program(self.path)
                self.assertEqual(code, 1)
                self.assertIn(f"{harm} 1", said)

    def test_a_run_whose_books_were_not_compared_does_not_count(self):
        self.run_of([1.0])
        self.run_of([9.0, 9.0], ends_by=RuntimeError("it fell over"))
        code, said = self.program("--json", self.path)
        self.assertEqual(code, 1)
        total = json.loads(said)
        self.assertEqual((total["failures"], total["runs_not_compared"]), (1, 1))

    def test_what_else_did_not_hold_is_said(self):
        self.run_of([1.0], broken=["a former owner said yes"])
        code, said = self.program(self.path)
        self.assertEqual(code, 1)
        self.assertIn("BROKEN: a former owner said yes", said)

    def test_wrong_input_is_named(self):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("{}\n")
        code, said = self.program(self.path)
        self.assertNotEqual(code, 0)
        self.assertIn(f"{self.path}:1 is no result", said)
        code, said = self.program(self.path + ".gone")
        self.assertNotEqual(code, 0)
        self.assertIn("No such file", said)

    def test_a_heart_that_stood_still_says_so_for_what_it_overlaps(self):
        heart = failovers.Heartbeat()
        heart.stopped.set()
        now = time.monotonic()
        heart.gaps = [(now - 30, now - 20)]
        self.assertAlmostEqual(heart.stood_still_s(now - 60), 10, places=3)
        self.assertAlmostEqual(heart.stood_still_s(now - 25), 5, places=3)
        self.assertEqual(heart.stood_still_s(now - 20), 0)


if __name__ == "__main__":
    unittest.main()
