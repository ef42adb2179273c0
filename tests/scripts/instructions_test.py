"""Self-test of scripts/instructions: what is too much, and what is compared loosely."""
import importlib.machinery
import importlib.util
import os
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
loader = importlib.machinery.SourceFileLoader("instructions_script", os.path.join(ROOT, "scripts", "instructions"))
script = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
loader.exec_module(script)

BOUND = {"why": "the first count", "sale": 1000, "refund_online": 2000, "refund_advice": 3000, "built_with": {"compiler": "12.2"}}


def counted(sale, compiler="12.2"):
    return {"instructions": {"sale": sale, "refund_online": 2000, "refund_advice": 3000}, "built_with": {"compiler": compiler}}


class InstructionsTest(unittest.TestCase):
    def test_five_percent_more_is_let_pass_and_a_little_more_is_not(self):
        self.assertFalse(script.compare(BOUND, counted(1050))[1])
        lines, too_much = script.compare(BOUND, counted(1051))
        self.assertTrue(too_much)
        self.assertTrue(any("sale" in line and "TOO MUCH" in line for line in lines), lines)

    def test_another_compiler_is_said_and_compared_loosely(self):
        lines, too_much = script.compare(BOUND, counted(1200, "13.1"))
        self.assertFalse(too_much)
        self.assertIn("compiler is 13.1, the bound was counted with 12.2", lines)
        self.assertTrue(script.compare(BOUND, counted(1251, "13.1"))[1])

    def test_an_echo_may_cost_half_as_much_again_in_a_crowd(self):
        crowd = lambda n: {"echo": {"alone": 1000, "in_crowd": n, "crowd": 900}}
        self.assertFalse(script.compare_echo(crowd(1500))[1])
        lines, too_much = script.compare_echo(crowd(1501))
        self.assertTrue(too_much)
        self.assertIn("TOO MUCH", lines[0])

    def test_an_entry_holds_what_was_counted_and_why(self):
        self.assertEqual(script.entry_of(counted(1000), "the first count"), BOUND)


if __name__ == "__main__":
    unittest.main()
