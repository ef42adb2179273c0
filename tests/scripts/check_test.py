"""Self-tests of scripts/check: every check has at least one tree that it must refuse and one that it must let pass.

Each row writes a small tree into a temporary folder and runs one check on it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECK = os.path.join(ROOT, "scripts", "check")
sys.path.insert(0, os.path.join(ROOT, "scripts"))
from checks import instructions  # noqa: E402

# Forbidden words are put together here, so that this file is not found by the checks that it tests.
LATER = "TO" + "DO"
STAND_IN = "place" + "holder"
CORO = "switch/io/a.cpp"
FORMAT_FILE = (".clang-format", open(os.path.join(ROOT, ".clang-format"), encoding="utf-8").read())


CONFIGURATION = ("switch/core/configuration.hpp", "struct Limits {\n    std::uint32_t pending_max = 20'000;\n};\n")
REFUSALS = ("switch/core/refusal.hpp", "enum class Refusal : std::uint8_t {\n    none = 0,\n    mac_wrong = 15,\n};\n")
RULES = ("switch/views/rule_words.cpp", 'constexpr std::array rows = {Row{"R1", "a sale"}};\n')
MUTATED = ("switch/core/a.cpp", "int a = 1;\n")
FLOW = ("tests/flow/a.flow", "# a\nrules R1\n")
FAULTS = ("docs/testing.md", "| R1 | `a`: a |\n")
PATCH = ("Fault: two (R1)\nTest: play_flow tests/flow/a.flow\n\n--- a/switch/core/a.cpp\n+++ b/switch/core/a.cpp\n"
         "@@ -1 +1 @@\n-int a = 1;\n+int a = 2;\n")


def counts(*entries):
    full = [{"sale": 10, "refund_online": 20, "refund_advice": 30, "built_with": {}, **e} for e in entries]
    return ("bench/instructions.json", json.dumps(full))


def run_check(name, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        run = subprocess.run([sys.executable, CHECK, "--only", name, "--root", root], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr


def body(lines):
    return "namespace acquirer {\nvoid f() {\n" + "    g();\n" * lines + "}\n}\n"


# check, files, a part of what it must say
REFUSED = [
    ("direction", [("iso8583/values/a.hpp", '#include "routing/b.hpp"\n'), ("routing/b.hpp", "")],
     'iso8583/values/ may not include "routing/b.hpp"'),
    ("direction", [("switch/core/a.cpp", '#include "switch/io/b.hpp"\n'), ("switch/io/b.hpp", "")],
     'switch/core/ may not include "switch/io/b.hpp"'),
    ("direction", [("switch/core/a.cpp", '#include "hsm_sim/engine.hpp"\n'), ("hsm_sim/engine.hpp", "")],
     'switch/core/ may not include "hsm_sim/engine.hpp"'),
    ("direction", [("switch/core/a.cpp", '#include "ledger/rocks_store.hpp"\n'), ("ledger/rocks_store.hpp", "")],
     "the core sees the store's port"),
    ("direction", [("routing/a.cpp", '#include "routing/issuer_sim/b.hpp"\n'), ("routing/issuer_sim/b.hpp", "")],
     "the router does not know the simulated issuer"),
    ("direction", [("ledger/a.cpp", '#include "iso8583/codec.hpp"\n'), ("iso8583/codec.hpp", "")],
     'ledger/ may not include "iso8583/codec.hpp"'),
    ("direction", [("iso8583/codec.cpp", '#include "iso8583/specs/toml.hpp"\n'), ("iso8583/specs/toml.hpp", "")],
     "the codec does not know how tables are loaded"),
    ("direction", [("switch/main.cpp", '#include "tests/peers/x.hpp"\n'), ("tests/peers/x.hpp", "")],
     'the product may not include "tests/peers/x.hpp"'),
    ("direction", [("switch/core/a.cpp", '#include "b.hpp"\n'), ("switch/core/b.hpp", "")], "no path from the project"),
    ("direction", [("elsewhere/a.cpp", "int a;\n")], "has no row for"),
    ("world", [("switch/core/a.cpp", "#include <boost/asio.hpp>\n")], "<boost/asio.hpp>"),
    ("world", [("switch/core/a.hpp", "#include <chrono>\n")], "<chrono>"),
    ("world", [("iso8583/a.hpp", "#include <thread>\n")], "<thread>"),
    ("world", [("routing/a.cpp", "#include <random>\n")], "<random>"),
    ("world", [("ledger/overlay.cpp", "#include <rocksdb/db.h>\n")], "<rocksdb/db.h>"),
    ("world", [("ledger/overlay.cpp", "#include <fstream>\n")], "<fstream>"),
    ("world", [("switch/core/a.cpp", 'auto x = getenv("HOME");\n')], "getenv"),
    ("world", [("switch/io/a.cpp", "#include <openssl/evp.h>\n")], "belongs to hsm_sim"),
    ("world", [("switch/io/a.cpp", "#include <rocksdb/db.h>\n")], "rocks_*.cpp alone"),
    ("pattern", [("switch/io/a.cpp", f"// {LATER}: later\n")], "unfinished word"),
    ("pattern", [("scripts/a", f"# a {STAND_IN}\n")], "unfinished word"),
    ("pattern", [("switch/io/a.cpp", "void f() { std::this_thread::sleep" + "_for(x); }\n")], "no synchronisation"),
    ("pattern", [("switch/io/a.cpp", "void f() { u" + "sleep(1); }\n")], "no synchronisation"),
    ("pattern", [("switch/io/a.cpp", "co_spawn(ex, f, asio::det" + "ached);\n")], "without an owner"),
    ("pattern", [("scripts/a", "start &\nsleep 1\n")], "read a ready line"),
    ("pattern", [("scripts/a", "pk" + "ill -f switch\n")], "by its id"),
    ("pattern", [("scripts/a", "curl htt" + "ps://example.org\n")], "nothing is fetched"),
    ("pattern", [("ledger/a.cpp", "void f() { assert(x); }\n")], "ENSURE"),
    ("co_await", [(CORO, "void f() { if (co_await g()) h(); }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { while (co_await g()) h(); }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { auto r = c ? co_await g() : 0; }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { h(co_await g()); }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { if (auto r = co_await g(); r) h(); }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { x = co_await g(); }\n")], "whole statement"),
    ("co_await", [(CORO, "void f() { auto r = co_await g([] { return 1; }); }\n")], "no lambda"),
    ("co_await", [(CORO, "void f() { auto r = co_await g(Value{1}); }\n")], "no lambda, braces"),
    ("co_await", [(CORO, "void f() { auto r = co_await g(co_await h()); }\n")], "whole statement"),
    ("reveal", [("routing/a.cpp", "auto x = pan.reveal();\n")], "1 calls of .reveal()"),
    ("reveal", [("routing/a.cpp", "auto x = pan.reveal(), y = pan.reveal();\n"),
                ("tests/scripts/reveal_callers.txt", "routing/a.cpp 1 because\n")], "2 calls of .reveal()"),
    ("reveal", [("tests/scripts/reveal_callers.txt", "routing/gone.cpp 1 because\n")], "0 calls of .reveal()"),
    ("ensures", [("routing/a.cpp", "void f() { ENSURE(x); }\n")], "1 ENSUREs"),
    ("ensures", [("routing/a.cpp", "void f() { ENSURE(x); ENSURE(y); }\n"),
                 ("tests/scripts/ensures.txt", "routing/a.cpp 1: x was checked\n")], "2 ENSUREs"),
    ("ensures", [("tests/scripts/ensures.txt", "routing/gone.cpp 1: x was checked\n")], "0 ENSUREs"),
    ("ensures", [("routing/a.cpp", "void f() { ENSURE(x); }\n"), ("tests/scripts/ensures.txt", "routing/a.cpp 1\n")],
     "a line is `path count: reason`"),
    ("rules", [("tests/scripts/rules.txt", "R1 R20a\n"), ("tests/flow/a.cpp", 'TEST_CASE("sale", "[R1][R20]") {}\n')],
     "[R20a]"),
    ("rules", [("tests/scripts/rules.txt", "R5\n"), ("tests/flow/a.cpp", '// R5\nTEST_CASE("R50 silent") {}\n')], "[R5]"),
    ("failure-modes", [("docs/failure_modes.md", "| what | test |\n|---|---|\n| power | `gone_test` |\n")],
     "there is no ctest 'gone_test'"),
    ("failure-modes", [("docs/failure_modes.md", "| power | none |\n")], "names no test"),
    ("failure-modes", [("docs/failure_modes.md", "| power | `a_test: lights out` |\n"),
                       ("tests/a/CMakeLists.txt", "switch_test(a_test SOURCES a.cpp)\n"),
                       ("tests/a/a.cpp", 'TEST_CASE("lights on") {}\n')], "'lights out'"),
    ("failure-modes", [("docs/cluster.md", "| a | b |\n|---|---|\n| power | nothing |\n\n| what | test |\n|---|---|\n| power | none |\n")],
     "docs/cluster.md:7: failure modes: the row names no test"),
    ("failure-modes", [("docs/cluster.md", "| what | test |\n|---|---|\n| power | `gone.py` |\n")], "there is no tests/outside/gone.py"),
    ("failure-modes", [("docs/cluster.md", "| what | test |\n|---|---|\n| power | `a.py` |\n"), ("tests/outside/a.py", "")],
     "nobody runs tests/outside/a.py"),
    ("failure-modes", [("docs/cluster.md", "| what | test |\n|---|---|\n| power | `a.py: off` |\n"),
                       ("tests/outside/a.py", 'EVENTS = {"on": 1}\n'), ("scripts/nightly", "run a.py\n")], "no event or function 'off'"),
    ("documents", [("switch/core/a.hpp", "// docs/gone.md\n")], "there is no docs/gone.md"),
    ("documents", [("switch/core/a.hpp", "// docs/decisions/0007\n")], "there is no decision 0007"),
    ("documents", [("docs/a.md", "[b](b.md)\n")], "there is no docs/b.md"),
    ("heavy", [(f"switch/config/{n}.cpp", "#include <toml++/toml.h>\n") for n in "ab"], "toml++ is seen by 2 files"),
    ("heavy", [("switch/config/a.cpp", '#include "switch/config/a.hpp"\n'), ("switch/config/b.cpp", '#include "switch/config/a.hpp"\n'),
               ("switch/config/a.hpp", "#include <nlohmann/json.hpp>\n")], "nlohmann/json is seen by 2 files"),
    ("heavy", [(f"switch/io/{n}.cpp", "#include <boost/asio.hpp>\n") for n in "abcdefghijk"], "11 files see Asio"),
    ("heavy", [(f"switch/config/{n}.cpp", "#include <toml++/toml.h>\n") for n in "abc"]
     + [("switch/CMakeLists.txt", "switch_library(one\n  SOURCES config/a.cpp config/b.cpp\n  LINKS c)\nswitch_program(two SOURCES config/c.cpp)\n")],
     "toml++ is seen by 2 files of one, 1 is enough: switch/config/a.cpp switch/config/b.cpp"),
    ("size", [("scripts/checks/long_allowed.txt", "switch/core/gone.cpp because\n")], "not too long (any more)"),
    ("readers", [CONFIGURATION], "Limits::pending_max is read by nobody"),
    ("readers", [CONFIGURATION, ("routing/a.cpp", "void f(C& c) { c.pending_max = 3; between(c.pending_max, 1, 2); }\n")],
     "Limits::pending_max is read by nobody"),
    ("readers", [CONFIGURATION, ("switch/config/config_check.cpp", "bool f(C& c) { return c.pending_max > 3; }\n")],
     "Limits::pending_max is read by nobody"),
    ("readers", [("switch/config/config_schema.cpp", "auto k = integer<Limits>(1, CONFIG_AT(deep.gone_max));\n")],
     "the key that fills gone_max is read by nobody"),
    ("readers", [REFUSALS, ("switch/core/refusal.cpp", "int f() { return Refusal::mac_wrong; }\n")], "Refusal::mac_wrong is given by nobody"),
    ("readers", [REFUSALS, ("switch/core/a.cpp", "int f() { switch (r) { case Refusal::mac_wrong: return 1; } }\n")],
     "Refusal::mac_wrong is given by nobody"),
    ("readers", [REFUSALS, ("switch/core/a.cpp", "int f() { return Refusal::mac_wrong; }\n"),
                 ("scripts/checks/unread_allowed.txt", "Refusal::mac_wrong because\n")], "is used (or gone): remove its line"),
    ("rule-words", [RULES, ("switch/core/a.cpp", 'move(r, sent, "R64", at);\n')], '"R64" is no rule'),
    ("rule-words", [RULES, ("switch/core/a.hpp", 'Row{sale, sent, "R1 R2a"};\n')], '"R2a" is no rule'),
    ("rulers", [("switch/core/a.cpp", "// ---- Requests\n// --------------------\n")], "the second half of a ruler"),
    ("instructions", [("bench/instructions.json", "[]")], "is no list of entries"),
    ("instructions", [("bench/instructions.json", "[{")], "is no JSON"),
    ("instructions", [counts({"why": "the first count"}, {"why": " "})], "entry 2 does not say why"),
    ("instructions", [counts({"why": "the first count", "sale": 0})], "entry 1 needs sale"),
    ("mutants", [("tests/mutants/a.patch", PATCH), MUTATED, FLOW, ("switch/core/b.cpp", "// for the mutants\n")], "knows nothing of mutants"),
    ("mutants", [("tests/mutants/a.patch", PATCH), ("switch/core/a.cpp", "int b = 1;\n"), FLOW], "does not apply any more"),
    ("mutants", [("tests/mutants/a.patch", PATCH), MUTATED], "there is no flow tests/flow/a.flow"),
    ("mutants", [("tests/mutants/a.patch", PATCH.replace("play_flow", "gone_test")), MUTATED, FLOW], "no test program gone_test"),
    ("mutants", [("tests/mutants/a.patch", PATCH.replace("Fault:", "Why:")), MUTATED, FLOW], "needs a line `Fault: "),
    ("mutants", [("tests/mutants/a.patch", PATCH.replace("switch/core", "tests/core")), ("tests/core/a.cpp", "int a = 1;\n"), FLOW],
     "a fault is put into the product"),
    ("mutants", [("tests/mutants/a.patch", PATCH.replace(" (R1)", "")), MUTATED, FLOW, FAULTS], "has to end with the rule"),
    ("mutants", [("tests/mutants/a.patch", PATCH), MUTATED, FLOW], "the table of faults does not name a"),
    ("mutants", [("tests/mutants/a.patch", PATCH), MUTATED, FLOW, FAULTS, ("tests/scripts/rules.txt", "R1 R2\n")],
     "no fault of tests/mutants/ breaks R2"),
    ("format", [FORMAT_FILE, ("switch/core/a.cpp", "int   a ;\n")], "clang-format-14 -i switch/core/a.cpp"),
]

# check, files that it must let pass
PASSED = [
    ("direction", [("switch/core/a.cpp", '#include "hsm_sim/port.hpp"\n#include "ledger/store.hpp"\n#include "routing/r.hpp"\n'),
                   ("hsm_sim/port.hpp", ""), ("ledger/store.hpp", ""), ("routing/r.hpp", "")]),
    ("direction", [("tests/x/a.cpp", '#include "switch/core/a.hpp"\n'), ("switch/core/a.hpp", "")]),
    ("direction", [("iso8583/tools/a.cpp", '#include "iso8583/codec.hpp"\n#include "iso8583/tools/b.hpp"\n'),
                   ("iso8583/codec.hpp", ""), ("iso8583/tools/b.hpp", "")]),
    ("world", [("ledger/rocks_store.cpp", "#include <rocksdb/db.h>\n#include <mutex>\n")]),
    ("world", [("switch/core/a.cpp", "// <chrono> and getenv stay outside\n#include <string>\n")]),
    ("pattern", [("switch/core/a.cpp", 'auto text = "the link is de" "tached";\nint stubborn = 0;\n')]),
    ("co_await", [(CORO, "Task f() {\n    auto r = co_await g(a, b);\n    const auto [ec, n] = co_await h(x);\n"
                         "    co_await k();\n    co_return co_await g(a);\n}\n")]),
    ("co_await", [(CORO, 'Task f() {\n    // if (co_await g()) is miscompiled\n    auto s = "x = co_await y";\n'
                         "    switch (c) {\n        case Kind::a:\n            co_await k();\n    }\n}\n")]),
    ("reveal", [("routing/a.cpp", "auto x = pan.reveal();\n"), ("tests/scripts/reveal_callers.txt", "routing/a.cpp 1 because\n")]),
    ("ensures", [("routing/a.cpp", "// ENSURE(z)\n#define ENSURE(c) f(c)\nvoid f() { ENSURE(x); ENSURE(y); }\n"),
                 ("tests/b.cpp", "void g() { ENSURE(x); }\n"),
                 ("tests/scripts/ensures.txt", "# why\nrouting/a.cpp 1: x was checked\nrouting/a.cpp 1: y too\n")]),
    ("rules", [("tests/scripts/rules.txt", "R1 R20a\n"),
               ("tests/flow/a.cpp", 'TEST_CASE("sale", "[R1]") {}\nTEST_CASE("R20a: a retry "\n          "of a doubt") {}\n')]),
    ("failure-modes", [("docs/failure_modes.md", "| what | test |\n|---|---|\n| power | `a_test: lights out` |\n"),
                       ("tests/a/CMakeLists.txt", "switch_test(a_test SOURCES a.cpp)\n"),
                       ("tests/a/a.cpp", 'TEST_CASE("lights out: all of them") {}\n')]),
    ("failure-modes", [("docs/cluster.md", "| a | b |\n|---|---|\n| power | nothing |\n\n| what | test |\n|---|---|\n"
                        "| power | `a.py: off`, `a.py: goes_on`, `a.py` |\n"),
                       ("tests/outside/a.py", 'EVENTS = {"off": 1}\ndef goes_on():\n    pass\n'),
                       ("tests/outside/CMakeLists.txt", "python_test(outside_a a.py)\n")]),
    ("documents", [("docs/a.md", "[b](b.md#part) [c](decisions/) [d](../x.hpp)\n"), ("docs/b.md", ""), ("x.hpp", "// docs/b.md\n"),
                   ("docs/decisions/0001-x.md", ""), ("y.hpp", "// docs/decisions/0001\n")]),
    ("heavy", [("switch/config/a.cpp", "#include <toml++/toml.h>\n"), ("routing/issuer_sim/a.cpp", "#include <toml++/toml.h>\n")]),
    ("heavy", [(f"switch/config/{n}.cpp", "#include <toml++/toml.h>\n") for n in "ab"]
     + [("switch/CMakeLists.txt", "switch_library(one SOURCES config/a.cpp LINKS two)\nswitch_library(two\n  SOURCES config/b.cpp)\n")]),
    ("readers", [CONFIGURATION, ("routing/a.cpp", "bool f(C& c) { return c.pending_max > 3; }\n")]),
    ("readers", [CONFIGURATION, ("scripts/checks/unread_allowed.txt", "Limits::pending_max somebody builds it\n")]),
    ("readers", [REFUSALS, ("switch/core/a.cpp", "int f() { return Refusal::mac_wrong; }\n")]),
    ("rule-words", [RULES, ("switch/core/a.cpp", 'move(r, sent, "R1", at); // "R64"x\nauto t = "R64x is no rule";\n'.replace('"R64"x', ""))]),
    ("rulers", [("switch/core/a.cpp", "// ---- Requests\n\nint a;\n")]),
    ("instructions", [counts({"why": "the first count"}, {"why": "batches got larger keys"})]),
    ("mutants", [("tests/mutants/a.patch", PATCH), MUTATED, FLOW, FAULTS, ("tests/scripts/rules.txt", "# all\nR1\n")]),
    ("format", [FORMAT_FILE, ("switch/core/a.cpp", "int a;\n")]),
]

# Warnings do not fail the check, but must be said.
WARNED = [
    ("size", [("switch/core/a.cpp", "int a;\n" * 501)], "501 lines"),
    ("size", [("switch/core/a.cpp", body(80))], "f has 82 lines"),
    ("size", [("switch/core/a.cpp", "class A {\n    int g() const {\n" + "        h();\n" * 75 + "    }\n};\n")], "g has 77 lines"),
]
SILENT = [
    ("size", [("switch/core/a.cpp", body(60))]),
    ("size", [("switch/core/a.cpp", "constexpr Row table[] = {\n" + "    {1, f(2)},\n" * 90 + "};\n")]),
    ("size", [("switch/core/a.cpp", body(80)), ("scripts/checks/long_allowed.txt", "switch/core/a.cpp:f a table in prose\n")]),
]


class CheckTest(unittest.TestCase):
    def test_what_must_be_refused(self):
        for name, files, says in REFUSED:
            with self.subTest(check=name, says=says):
                code, said = run_check(name, files)
                self.assertEqual(code, 1, said)
                self.assertIn(says, said)

    def test_what_must_pass(self):
        for name, files in PASSED:
            with self.subTest(check=name, files=[p for p, _ in files]):
                code, said = run_check(name, files)
                self.assertEqual(code, 0, said)

    def test_what_only_warns(self):
        for name, files, says in WARNED:
            with self.subTest(check=name, says=says):
                code, said = run_check(name, files)
                self.assertEqual(code, 0, said)
                self.assertIn(says, said)
        for name, files in SILENT:
            code, said = run_check(name, files)
            self.assertEqual(code, 0, said)
            self.assertNotIn("warning", said)

    def test_an_entry_of_instructions_that_stood_there_stays(self):
        before = [{"why": "the first count", "sale": 10, "refund_online": 20, "refund_advice": 30, "built_with": {}}]
        raised = [{**before[0], "sale": 12}]
        self.assertIn("was changed", instructions.problems(raised, before)[0])
        self.assertEqual(instructions.problems(before + [{**raised[0], "why": "a rule was added"}], before), [])

    def test_every_check_has_a_tree_that_it_refuses(self):
        helped = subprocess.run([sys.executable, CHECK, "--help"], capture_output=True, text=True).stdout
        names = helped.split("{", 1)[1].split("}", 1)[0].replace("\n", "").replace(" ", "").split(",")
        covered = {name for name, _, _ in REFUSED}
        # clang-tidy needs compile commands; its wiring is tested on a tree without any.
        self.assertEqual(set(names) - covered, {"tidy"})
        code, said = run_check("tidy", [("switch/core/a.cpp", "int a;\n")])
        self.assertEqual(code, 1)
        self.assertIn("configure first", said)


if __name__ == "__main__":
    unittest.main()
