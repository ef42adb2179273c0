#!/usr/bin/env python3
"""What monitors read: /metrics of a running switch, the alerts and the dashboard of docs/monitoring. promtool reads all of
them, alerts_test.yml says what fires each alert, and every metric and label that alerts and dashboard name is there.

promtool is taken from PATH, or out of Debian's package prometheus without installing it, since that starts a service.
Exit code 77: there is none and it cannot be fetched; what needs no promtool was checked before."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

import stack
from terminal import Terminal

SKIPPED = 77
CARD_A = "6212345678900000003"
TERMINAL, MERCHANT = "10000191", "898110157220001"
NOT_OF_THE_SWITCH = {"up"}  # Prometheus' own
LABELS_OF_PROMETHEUS = {"instance", "job"}
# Of nodes whose ledger lies on PostgreSQL; cluster_demo.py looks for them there.
OF_OWNERS = {f"refund_switch_{name}" for name in (
    "shard_epoch", "store_lease_left_ms", "store_undecided_total", "store_reconnects_total", "store_fenced_total",
    "store_commit_seconds_bucket")}
OF_STANDBYS = {f"refund_switch_{name}" for name in ("shard_role", "shard_epoch", "store_copy_lag_turns")}
OF_TLS = {f"refund_switch_{name}" for name in ("tls_expires_seconds", "tls_crl_expires_seconds")}  # outside_tls_links asks for them


def promtool(build):
    found = shutil.which("promtool")
    folder = os.path.join(build, "prometheus")
    fetched = os.path.join(folder, "usr", "bin", "promtool")
    if found or os.path.exists(fetched):
        return found or fetched
    if not shutil.which("apt-get"):
        return None
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["apt-get", "-q", "download", "prometheus"], cwd=folder, check=False, capture_output=True, timeout=200)
    for package in glob.glob(os.path.join(folder, "prometheus_*.deb")):
        subprocess.run(["dpkg", "-x", package, folder], check=False, capture_output=True)
    return fetched if os.path.exists(fetched) else None


def traffic(checks, running):
    """Every kind of answer that the dashboard shows: a sale, refunds, one that stays abnormal, a case, a settlement."""
    terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    sale = terminal.sale(CARD_A, 10000)
    sold = terminal.exchange(sale)
    checks.equal(sold.code, "00", "a sale")
    running.issuer_says("issuer-a", "next refund decline 14")
    refund = terminal.exchange(terminal.refund(sale, sold, 1000))
    checks.equal(refund.code, "00", "a refund that the issuer will refuse")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 9001)).code, "64", "more than what remains")
    stack.wait_until("it is abnormal", lambda: running.refundctl("show", refund.rrn)[1]["state"] == "abnormal")
    date = running.refundctl("show", sold.rrn)[1]["local_date"]
    code, said = running.refundctl("refund", "open", "--rrn", sold.rrn, "--date", date[5:7] + date[8:10], "--amount",
                                   "5.00", "--reason", "quality", "--ref", "monitor-1", user="maker1")
    checks.equal(code, 0, f"a case: {said}")
    checks.equal(terminal.exchange(terminal.settlement(10000, 1, 1000, 1)).code, "00", "a settlement")


def metrics_of(page):
    """name → the labels that any of its samples has."""
    names = {}
    for line in page.splitlines():
        sample = re.match(r"(refund_switch_\w+)(?:\{(.*)\})? \S+$", line)
        if sample:
            labels = set(re.findall(r'(\w+)="', sample[2] or ""))
            names.setdefault(sample[1], set()).update(labels)
    return names


def check_expression(checks, where, expression, metrics):
    for name in set(re.findall(r"\b(?:refund_switch_\w+|up)\b", expression)):
        checks.that(name in metrics or name in NOT_OF_THE_SWITCH | OF_OWNERS | OF_STANDBYS | OF_TLS, f"{where}: {name} is in /metrics")
    for name, matchers in re.findall(r"\b(refund_switch_\w+)\{([^}]*)\}", expression):
        wanted = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) - LABELS_OF_PROMETHEUS
        checks.that(wanted <= metrics.get(name, set()), f"{where}: {name} has the labels {sorted(wanted)}")
    of_all = set().union(*metrics.values()) | LABELS_OF_PROMETHEUS
    for labels in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression):
        for label in (l.strip() for l in labels.split(",")):
            checks.that(label in of_all, f"{where}: something has the label {label}")


def check_names(checks, folder, metrics):
    with open(os.path.join(folder, "dashboard.json"), encoding="utf-8") as f:
        dashboard = json.load(f)
    panels = [p for p in dashboard["panels"] if p["type"] != "row"]
    checks.equal(len({p["id"] for p in dashboard["panels"]}), len(dashboard["panels"]), "each panel has an id of its own")
    checks.that(len(panels) >= 10, "the dashboard has panels")
    for panel in panels:
        checks.that(panel["targets"] and panel["title"], f"panel {panel['id']} shows something")
        for target in panel["targets"]:
            check_expression(checks, f"dashboard, {panel['title']}", target["expr"], metrics)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            check_expression(checks, f"dashboard, ${variable['name']}", variable["query"]["query"], metrics)
    with open(os.path.join(folder, "alerts.yml"), encoding="utf-8") as f:
        rules = f.read().split("      - alert: ")[1:]
    checks.that(len(rules) >= 10, "there are alerts")
    with open(os.path.join(folder, "alerts_test.yml"), encoding="utf-8") as f:
        tested = f.read()
    for rule in rules:
        name = rule.split("\n", 1)[0].strip()
        expression = re.search(r"expr: (.*?)\n        (?:for|labels):", rule, re.S)[1]
        check_expression(checks, f"alert {name}", expression, metrics)
        checks.that(re.search(rf"alertname: {name}\s+eval_time: \w+\s+exp_alerts", tested), f"alert {name} is fired by a test")


def check_counts(checks, page):
    def value(pattern):
        found = re.search(r"^refund_switch_" + pattern + r" (\S+)$", page, re.M)
        return float(found[1]) if found else None

    checks.equal(value(r'answered_total\{kind="sale",code="00"\}'), 1, "a sale is counted")
    checks.equal(value(r'answered_total\{kind="refund",code="64"\}'), 1, "a refused refund is counted")
    checks.that(value(r'answered_total\{kind="settlement",code="00",totals="[12]"\}') == 1,
                "a settlement's kind, code and totals stand apart")
    checks.equal(value(r'operator_refunds_total\{source="operations"\}'), 1, "a refund that people opened is counted")
    checks.equal(value(r'exceptions_total\{kind="refund_abnormal"\}'), 1, "an exception is counted by its kind")


def check_with_promtool(checks, tool, folder, page):
    def runs(what, *words, **more):
        run = subprocess.run([tool, *words], capture_output=True, text=True, cwd=folder, timeout=100, **more)
        checks.that(run.returncode == 0, f"promtool, {what}: {run.stdout}{run.stderr}")

    runs("the alerts", "check", "rules", "alerts.yml")
    runs("tests of the alerts", "test", "rules", "alerts_test.yml")
    runs("/metrics", "check", "metrics", input=page)


def main():
    args = stack.arguments(__doc__)
    folder = os.path.join(args.source, "docs", "monitoring")
    checks = stack.Checks()
    with stack.Stack(args) as running:
        traffic(checks, running)
        page = running.metrics().split("\r\n\r\n", 1)[1]
        check_counts(checks, page)
        check_names(checks, folder, metrics_of(page))
        status = running.refundctl("status")[1]
        checks.equal(status.get("counters_since"), status["since"], "status says since when its counts run")
    tool = promtool(os.path.dirname(args.bin))
    if tool:
        check_with_promtool(checks, tool, folder, page)
    code = checks.report()
    if not tool and code == 0:
        print("SKIPPED: promtool is not here and Debian's package prometheus cannot be fetched", flush=True)
        return SKIPPED
    return code


if __name__ == "__main__":
    sys.exit(main())
