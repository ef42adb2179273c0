"""People who work through refundctl while the switch is killed (kill9.py): cases are opened, approved and rejected,
routes go down and up, merchants and terminals are suspended, business days are closed, two people settle and resolve.
What was answered "done" before a kill must be so after the restart; what was under way may be either."""
import signal

import stack

NOTE = ("--note", "as the issuer's file says")
ABNORMAL = 9951  # a refund of xx99.51 is refused by issuer-sim after it was accepted
CUT_OVERS_MAX = 100  # a sale can be refunded for 365 business days: it must stay so for the whole run
MERCHANT, TERMINALS = "898110157220002", ("10000201", "20000201", "20000202", "20000211", "20000212")


class Gone(Exception):
    """The switch was killed while a command was under way."""


class Case:
    def __init__(self, rrn, sale, entry):
        self.rrn, self.sale, self.entry = rrn, sale, entry
        self.decided = None  # "approve" or "reject", once refundctl said done
        self.tried = set()  # what was under way when the switch was killed


class Booked:
    """What kill9 compares with the issuer's journal of a refund that no terminal asked for."""

    def __init__(self, rrn):
        self.rrn = rrn

    def __str__(self):
        return f"case {self.rrn}"


class People:
    """One thread; `till` is a terminal of its own, whose sales nobody else touches."""

    def __init__(self, checks, running, till, chance):
        self.checks, self.running, self.till, self.chance = checks, running, till, chance
        self.killed = False
        self.cases, self.stuck, self.proposals = [], {}, {}  # proposal: its transaction, or None
        self.state = {}  # (group, name): what was confirmed last
        self.unsure = {}  # … and what was under way
        self.day, self.day_under_way = None, False
        self.cut_overs, self.done, self.refused = 0, {}, 0
        self.reference = 0

    # At refundctl

    def ask(self, user, *words):
        """(done?, data); raises Gone when the switch was killed."""
        code, data = self.running.refundctl(*words, user=user)
        if code not in (0, 1):
            self.checks.that(self.killed, f"{user}: {' '.join(words)}: {data}")
            raise Gone()
        name = " ".join(words[:2])
        if words[0] == "show" or words[1] in ("list", "status"):
            return code == 0, data
        if code == 0:
            self.done[name] = self.done.get(name, 0) + 1
        else:
            self.refused += 1
        return code == 0, data

    def must(self, user, *words):
        done, data = self.ask(user, *words)
        self.checks.that(done, f"{user}: {' '.join(words)}: {data}")
        return data if done else {}

    def never(self, user, *words):
        done, data = self.ask(user, *words)
        self.checks.that(not done, f"{user} may not: {' '.join(words)}: {data}")

    def run(self):
        acts = [(self.open_case, 30), (self.decide, 30), (self.decide_own, 5), (self.route, 8), (self.suspend, 10),
                (self.cut_over, 4), (self.reload, 5), (self.retry, 6), (self.settle, 8), (self.resolve, 10),
                (self.approve_proposal, 20)]
        try:
            while True:
                self.chance.choices([a for a, _ in acts], [w for _, w in acts])[0]()
        except Gone:
            pass
        except (OSError, ValueError) as e:
            self.checks.that(self.killed, f"people: {e!r}")

    # Cases

    def sell(self, amount):
        """A sale of the till; None when it was not approved."""
        sale = self.till.new_sale(amount)
        try:
            self.till.ask("sale", sale, sale.message)
        except Exception as e:
            raise Gone() from e
        return sale if sale.state == "approved" else None

    def open_case(self):
        abnormal = self.chance.random() < 0.3
        amount = ABNORMAL if abnormal else self.chance.randrange(100, 9900)
        sale = self.sell(20000)
        if sale is None:
            return
        self.reference += 1
        date = sale.reply.fields[13]
        case = Case(None, sale, None)
        case.reference = f"K-{self.reference}"
        done, data = self.ask("maker1", "refund", "open", "--rrn", sale.reply.rrn, "--date", date, "--amount",
                              f"{amount // 100}.{amount % 100:02d}", "--reason", "promise", "--ref",
                              case.reference)
        if not done:
            return
        case.rrn = data["case"]
        case.entry = [("0220", {4: f"{amount:012d}"}), Booked(case.rrn), "held"]
        sale.refunds.append(case.entry)
        self.cases.append(case)

    def undecided(self):
        return [c for c in self.cases if c.decided is None and not c.tried]

    def decide(self):
        held = self.undecided()
        if not held:
            return
        case = self.chance.choice(held[-20:])
        word = "approve" if self.chance.random() < 0.7 else "reject"
        reason = () if word == "approve" else ("--reason", "no proof")
        case.tried.add(word)
        self.must(self.chance.choice(("checker1", "checker2")), "refund", word, case.rrn, *reason)
        case.tried.clear()
        case.decided = word

    def decide_own(self):
        if self.undecided():
            self.never("maker1", "refund", "approve", self.chance.choice(self.undecided()).rrn)

    # What is stored and wins over the configuration

    def change(self, group, name, word, meant, user="checker1"):
        self.unsure[group, name] = meant
        self.must(user, group, word, name)
        self.state[group, name] = meant
        del self.unsure[group, name]

    def route(self):
        name = self.chance.choice(sorted(stack.ISSUERS))
        self.change("routes", name, "down", "down")
        self.decide()
        self.retry()
        self.change("routes", name, "up", "up")

    def suspend(self):
        group, name = self.chance.choice([("merchants", MERCHANT)] + [("terminals", t) for t in TERMINALS])
        self.change(group, name, "suspend", True)
        self.decide()
        self.change(group, name, "resume", False)

    def reload(self):
        self.running.switch.process.send_signal(signal.SIGHUP)

    def cut_over(self):
        """The first one is allowed, later ones would lead beyond tomorrow: two people force them."""
        if self.cut_overs >= CUT_OVERS_MAX:
            return
        self.cut_overs += 1
        self.day_under_way = True
        done, _ = self.ask("admin1", "day", "cutover")
        if not done:
            proposal = self.must("admin1", "day", "cutover", "--force")
            if "proposal" in proposal:
                self.never("admin1", "proposals", "approve", proposal["proposal"])
                self.must("checker2", "proposals", "approve", proposal["proposal"])
        self.day = self.must("admin1", "day", "status").get("business_date")
        self.day_under_way = False

    # Ways out

    def retry(self):
        waiting = self.must("maker1", "saf", "list").get("advices", [])
        if waiting:
            self.ask("maker1", "saf", "retry", self.chance.choice(waiting)["rrn"])

    def settle(self):
        for rrn, sale in list(self.stuck.items()):
            done, data = self.ask("maker1", "exceptions", "settle", rrn, "--outcome", "approved", *NOTE)
            if done:
                self.proposals[data["proposal"]] = sale
                return

    def resolve(self):
        waiting = self.must("maker1", "abnormal", "list").get("transactions", [])
        ours = {c.rrn for c in self.cases}
        waiting = [w["rrn"] for w in waiting if w["rrn"] in ours]
        if waiting:
            done, data = self.ask("maker2", "abnormal", "resolve", self.chance.choice(waiting), "--merchant-account",
                                  *NOTE)
            if done:
                self.proposals[data["proposal"]] = None

    def approve_proposal(self):
        if not self.proposals:
            return
        number = self.chance.choice(sorted(self.proposals))
        sale = self.proposals.pop(number)
        self.ask("checker1", "proposals", "approve", number)
        if sale is not None:
            self.stuck = {rrn: s for rrn, s in self.stuck.items() if s is not sale}
            sale.state = "settled"

    def prepare_stuck(self):
        """Between two rounds, while nothing else reverses: a reversal that the issuer refuses for good."""
        sale = self.sell(15000)
        if sale is None:
            return
        issuer = self.till.issuer
        self.checks.equal(self.running.issuer_says(issuer, "next reversal decline 12"), "ok", "the issuer will refuse")
        answer = self.till.terminal.exchange(self.till.terminal.reversal(sale.message))
        self.checks.equal(answer.code, "00", "the reversal of the sale that will be stuck")
        sale.state = "stuck"  # it stands at the issuer, whatever people say
        stack.wait_until(f"{sale.reply.rrn} is stuck",
                         lambda: self.running.refundctl("show", sale.reply.rrn)[1].get("state") == "reversal_stuck")
        self.stuck[sale.reply.rrn] = sale

    # After a restart

    def recover(self):
        """What was done is done; then everything is up and resumed again."""
        self.killed = False
        self.check_cases()
        seen = {("routes", r["route"]): r["state"] for r in self.must("admin1", "routes", "list")["routes"]}
        for m in self.must("admin1", "merchants", "list")["merchants"]:
            seen["merchants", m["merchant"]] = m["suspended"]
        terminals = self.must("admin1", "terminals", "list")
        for t in terminals["terminals"]:
            seen["terminals", t["terminal"]] = t["suspended"]
        for (group, name), meant in self.state.items():
            found = seen.get((group, name))
            if found is None and group == "terminals":
                continue  # not in the first lines of the list
            allowed = (meant, self.unsure.get((group, name), meant))
            self.checks.that(found in allowed, f"{group} {name} is {found} after the restart, not {allowed}")
        for group, name in set(self.state) | set(self.unsure):
            self.must("checker1", group, "up" if group == "routes" else "resume", name)
            self.state[group, name] = "up" if group == "routes" else False
        self.unsure.clear()
        day = self.must("admin1", "day", "status")["business_date"]
        if self.day and not self.day_under_way:
            self.checks.equal(day, self.day, "the business day after the restart")
        self.checks.that(self.day is None or day >= self.day, f"the business day went back from {self.day} to {day}")
        self.day, self.day_under_way = day, False

    def state_of(self, case):
        return self.must("admin1", "show", case.rrn).get("state")

    def check_cases(self):
        for case in self.cases[-40:]:
            state = self.state_of(case)
            if case.decided == "approve":
                self.checks.that(state not in ("held", "rejected", None), f"{case.rrn} was approved and is {state}")
            elif case.decided == "reject":
                self.checks.equal(state, "rejected", f"{case.rrn} was rejected")
            elif not case.tried:
                self.checks.equal(state, "held", f"{case.rrn} was opened and nobody decided")
            elif state != "held":  # its answer was lost
                case.decided = "reject" if state == "rejected" else "approve"
                self.checks.that(case.decided in case.tried, f"{case.rrn}: {case.tried} was tried, it is {state}")
            case.tried.clear()

    def finish(self):
        """At the end of all rounds, queues empty: what became of every case, for the comparison of the books."""
        ends = {}
        for case in self.cases:
            state = self.state_of(case)
            ends[state] = ends.get(state, 0) + 1
            allowed = {"reject": ("rejected",), None: ("held",)}.get(
                case.decided, ("approved", "abnormal", "merchant_account", "reversed", "declined"))
            self.checks.that(state in allowed, f"{case.rrn}: decided {case.decided}, it ended as {state}")
            case.entry[2] = "approved" if state == "approved" else "refused"
        for sale in self.till.sales:
            if sale.state in ("stuck", "settled"):
                sale.state = "approved"
        print(f"people: {sum(self.done.values())} commands done, {self.refused} refused; cases by end: {ends}; "
              f"by command: {dict(sorted(self.done.items()))}", flush=True)
