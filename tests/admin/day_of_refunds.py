"""Scenes of the operators' day: transactions and refunds by people. Each plays its commands with right and with wrong
input; a task takes at most three commands."""
import stack
from day_desk import CARD_A, CARD_B, MERCHANT, NOTE, TERMINAL


def look_up(desk, till):
    sold, refund, refused = till.sold, till.refunded, till.refused
    with desk.task("is everything well?"):
        desk.right("status", says=("issuer-a", "issuer-b", "business date"))
        desk.right("--json", "watch", "--count", "1", says='"interval_ms":')
    desk.wrong("extra was not expected", "status", "extra", code=2)
    desk.wrong("needs a number from 1 to", "watch", "--count", "0", code=2)
    with desk.task("a customer calls about a sale"), desk.kept("looking-up"):
        desk.right("find", "--rrn", sold.rrn, says=(sold.rrn, "621234*********0003"))
    with desk.task("... and knows only card and amount"):
        desk.right("find", "--pan-last4", "0003", "--amount", "60", says=refund.rrn)
        desk.right("show", refund.rrn, says=("approved", sold.rrn))
    with desk.task("... or has the slip"):
        desk.right("find", "--terminal", TERMINAL, "--batch", "000001", "--trace", "000003", says=refund.rrn)
        desk.right("find", "--auth", sold.auth, "--limit", "5", says=sold.rrn)
        desk.right("receipt", refund.rrn, says=("REFUND", refund.rrn))
    desk.wrong("rrn: retrieval reference number: 12 digits", "find", "--rrn", "12", code=2)
    desk.wrong("--trce: no such option; did you mean --trace?", "find", "--trce", "000003", code=2)
    with desk.task("why was it refused?"), desk.kept("explain", lines_max=24):
        desk.right("explain", refused.rrn, says=("by rule R11", "remaining 40.00"))
    with desk.task("what does the customer's slip say of it?"), desk.kept("a-slip"):
        desk.right("receipt", refused.rrn, "--lang", "zh", says=("拒绝", "CNY 40.01"))
    desk.wrong("zh", "receipt", refused.rrn, "--lang", "fr", code=2)
    desk.wrong("did you mean maker1?", "show", sold.rrn, user="makr1")
    desk.wrong("no transaction has that RRN or case number", "explain", "000000000000")
    desk.wrong("no transaction has that RRN or case number", "show", "000000000000")
    desk.wrong("ID is needed", "receipt", code=2)
    with desk.task("what was sold at this terminal today?"):
        desk.right("list", "--terminal", TERMINAL, "--kind", "sale", says=sold.rrn)
        with desk.kept("list-csv"):
            desk.right("list", "--day", desk.today, "--csv", "day.csv", says="rows are in day.csv")
    desk.wrong("did you mean approved?", "list", "--state", "aproved", code=2)
    desk.wrong("did you mean issuer-a?", "list", "--route", "issuer-x")


def maker_and_checker(desk, till):
    sold, rrn = till.sold, ("--rrn", till.sold.rrn, "--date", till.date)
    opening = ("refund", "open", *rrn, "--amount", "10.00", "--reason", "promise", "--ref", "T-2041")
    with desk.kept("maker-and-checker"):
        with desk.task("a refund without the card"):
            text = desk.right(*opening, user="maker1", says="waits for a checker")
            case = text.split("case ")[1].split()[0]
            desk.wrong("role supervisor is needed", "refund", "approve", case, user="maker1")
            desk.right("refund", "approve", case, user="checker1", says="goes to the issuer")
            desk.wrong("R11", "refund", "check", *rrn, "--amount", "40.01")
    stack.wait_until("the advice is final", lambda: desk.state(case) == "approved")
    with desk.task("would it be accepted?"):
        desk.right("reasons", "list", says=("promise", "quality"))
        desk.right("refund", "check", *rrn, "--amount", "30.00")
    desk.wrong("was not expected", "reasons", "list", "all", code=2)
    desk.wrong("decimals", "refund", "check", *rrn, "--amount", "10.001")
    desk.wrong("role operator is needed", *opening)
    desk.wrong("did you mean quality?", *opening[:-3], "qualty", "--ref", "T-1", user="maker1")
    desk.right(*opening, user="maker1", says=case)  # the same reference is the same case
    with desk.task("how is this case?"):
        desk.right("refund", "show", case, says=("maker1", "checker1"))
        desk.right("explain", case, says=("maker1", "checker1"))
    desk.wrong("no transaction", "refund", "show", "000000000000")
    desk.wrong("", "refund", "approve", case, user="checker2")
    two = [desk.json("refund", "open", *rrn, "--amount", "5.00", "--reason", "quality", "--ref", f"T-{n}", user="maker1")
           ["case"] for n in (2042, 2043)]
    with desk.task("what waits for me?"):
        desk.right("refund", "list", says=(*two, "held"))
        desk.right("refund", "reject", two[0], "--reason", "no proof", user="checker2", says=two[0])
    desk.wrong("did you mean held?", "refund", "list", "--state", "hled", code=2)
    desk.wrong("--reason is needed", "refund", "reject", two[1], code=2)
    with desk.task("another amount, and then not at all"):
        desk.right("refund", "edit", two[1], "--amount", "4.00", user="maker1", says="4.00")
        desk.right("refund", "cancel", two[1], "--reason", "the customer keeps it", user="maker1", says=two[1])
    desk.wrong("role operator is needed", "refund", "edit", two[1], "--amount", "4.00", user="checker1")
    desk.wrong("", "refund", "cancel", two[1], "--reason", "again", user="maker1")
    desk.checks.equal(desk.json("show", sold.rrn)["remaining"], "30.00", "what was rejected or cancelled counts no more")


def tried_again(desk, till):
    """An online refund that a checker let go and the issuer declined (R76)."""
    sold = till.sells(CARD_B, 5000)
    case = desk.json("refund", "open", "--rrn", sold.rrn, "--date", till.date, "--amount", "20.00", "--reason", "service",
                     "--ref", "T-3000", user="maker1")["case"]
    desk.checks.equal(desk.running.issuer_says("issuer-b", "next refund decline 05"), "ok", "the issuer will decline")
    desk.right("refund", "approve", case, user="checker1")
    stack.wait_until("the case is declined", lambda: desk.state(case) == "declined")
    with desk.task("a case that was approved and not paid"):
        text = desk.right("refund", "reopen", case, *NOTE, user="maker1")
        again = desk.json("refund", "list")["transactions"][0]["rrn"]
        desk.checks.that(again in text, f"the new case is named: {text}")
        desk.right("refund", "approve", again, user="checker1")
    stack.wait_until("it is paid", lambda: desk.state(again) == "approved")
    desk.wrong("--note is needed", "refund", "reopen", case, user="maker1", code=2)
    desk.wrong("", "refund", "reopen", again, *NOTE, user="maker1")


def queue_and_routes(desk, till):
    sale, sold = till.sale(CARD_A, 7000)
    with desk.kept("queue-and-routes"):
        with desk.task("an issuer does maintenance"):
            desk.right("routes", "down", "issuer-a", user="checker1")
            refund = till.refunds(sale, sold, 7000)
            desk.right("saf", "list", says=(refund.rrn, "waiting"))
            desk.right("routes", "list", says=("down", "checker1 at"))
    desk.wrong("did you mean issuer-a?", "routes", "down", "issuer-x", user="checker1")
    desk.wrong("role supervisor is needed", "routes", "up", "issuer-a", user="maker1")
    desk.wrong("ROUTE is needed", "routes", "drain", user="checker1", code=2)
    desk.wrong("did you mean down?", "routes", "list", "--state", "dwon", code=2)
    with desk.task("... and is back"):
        desk.right("saf", "show", refund.rrn, says="refund")
        desk.right("saf", "retry", refund.rrn, user="maker1", says="is due now")
        desk.right("routes", "up", "issuer-a", user="checker1")
    stack.wait_until("the advice is final", lambda: desk.state(refund.rrn) == "approved")
    desk.wrong("did you mean refund?", "saf", "list", "--kind", "refnud", code=2)
    desk.wrong("no transaction", "saf", "show", "000000000000")
    desk.wrong("nothing of", "saf", "retry", refund.rrn, user="maker1")
    with desk.task("an issuer leaves: no new sale"):
        desk.right("routes", "drain", "issuer-b", user="checker1")
        desk.right("routes", "up", "issuer-b", user="checker1")
    # What is stale takes a minute at least; tests/flow/r73_stale_released.flow has it.
    desk.right("saf", "release", "--route", "issuer-a", *NOTE, user="checker1", code=1, says="nothing of issuer-a is stale")
    desk.wrong("no route is named issuer-x", "saf", "release", "--route", "issuer-x", *NOTE, user="checker1")


def ways_out(desk, till):
    sale, sold = till.sale(CARD_A, 10000)
    desk.running.issuer_says("issuer-a", "next refund decline 14")
    refund = till.refunds(sale, sold, 3000)
    stack.wait_until("it is abnormal", lambda: desk.state(refund.rrn) == "abnormal")
    with desk.task("the issuer refused a refund that the customer was promised"):
        desk.right("abnormal", "list", says=refund.rrn)
        desk.right("abnormal", "resolve", refund.rrn, "--merchant-account", *NOTE, user="maker1", says="proposal")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1")
    desk.right("abnormal", "show", refund.rrn, says="merchant_account")
    desk.right("proposals", "list", "--all", says=(proposal, "approved"))
    desk.wrong("no merchant", "abnormal", "list", "--merchant", "898110157229999")
    desk.wrong("ID is needed", "abnormal", "show", code=2)
    desk.wrong("one of --retry", "abnormal", "resolve", refund.rrn, *NOTE, user="maker1")
    desk.wrong("is approved", "proposals", "approve", proposal, user="checker1")
    desk.wrong("did you mean open?", "proposals", "list", "--state", "opne", code=2)

    first, second = (till.stuck_reversal() for _ in range(2))
    ids = [x["id"] for x in desk.json("exceptions", "list", "--kind", "reversal_stuck")["exceptions"]]
    with desk.task("what must a person look at?"):
        desk.right("exceptions", "list", says=(*ids, "reversal_stuck"))
        desk.right("exceptions", "show", ids[0], says="exceptions settle")
        desk.right("exceptions", "assign", ids[0], "operations", user="checker1")
    with desk.task("the issuer says what became of it"):
        desk.right("exceptions", "settle", ids[0], "--outcome", "approved", *NOTE, user="maker1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker2")
    with desk.task("... a second time, and the checker does not believe it"):
        other = second if ids[0].startswith(first.rrn) else first
        desk.right("saf", "settle", other.rrn, "--outcome", "reversed", *NOTE, user="maker1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "reject", proposal, *NOTE, user="checker2")
    desk.wrong("needs an exception's id", "exceptions", "show", "7", code=2)
    desk.wrong("OWNER is needed", "exceptions", "assign", ids[1], user="checker1", code=2)
    desk.wrong("did you mean done?", "exceptions", "settle", ids[1], "--outcome", "don", *NOTE, user="maker1", code=2)
    desk.wrong("has to be reversed|approved", "saf", "settle", other.rrn, "--outcome", "done", *NOTE, user="maker1")
    desk.wrong("role supervisor is needed", "proposals", "reject", proposal, *NOTE, user="maker1")
    desk.wrong("--sate: no such option; did you mean --state?", "exceptions", "list", "--sate", "open", code=2)


def closed_by_hand(desk, till):
    """A terminal reverses another amount (R37): nothing moves, and a person has to know."""
    sale, _ = till.sale(CARD_A, 1200)
    mti, fields = till.terminal.reversal(sale)
    till.terminal.exchange((mti, {**fields, 4: "000000001100"}))
    opened = [x for x in desk.json("exceptions", "list")["exceptions"] if x["rule"] == "R37"]
    desk.checks.equal(len(opened), 1, "an exception tells of the other amount")
    with desk.task("seen, and done"):
        desk.right("exceptions", "resolve", opened[0]["id"], "--note", "the merchant was told", user="checker1")
    desk.wrong("role supervisor is needed", "exceptions", "resolve", opened[0]["id"], *NOTE, user="maker1")
    for amount in (1300, 1400):
        sale, _ = till.sale(CARD_A, amount)
        mti, fields = till.terminal.reversal(sale)
        till.terminal.exchange((mti, {**fields, 4: "000000001100"}))
    kind = opened[0]["kind"]
    with desk.task("many of a kind, all alike"):
        desk.right("exceptions", "resolve", "--all-of", kind, "--note", "one broken till", user="checker1", says="checker")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker2", says=f"2 exceptions of kind {kind} are resolved")
    desk.wrong("is open", "exceptions", "resolve", "--all-of", kind, *NOTE, user="checker1")
    desk.wrong("not both", "exceptions", "resolve", opened[0]["id"], "--all-of", kind, *NOTE, user="checker1")
    with desk.task("who am I here?"):
        desk.right("whoami", user="maker1", says=("maker1", "operator"))
    desk.wrong("was not expected", "whoami", "else", code=2)


def disputes(desk, till):
    sold = till.sells(CARD_A, 9000)
    rrn = ("--rrn", sold.rrn, "--date", till.date)
    with desk.task("the police asks: hold this sale"):
        desk.right("dispute", "add", *rrn, "--kind", "hold", *NOTE, user="maker1")
        desk.right("dispute", "list", says=sold.rrn)
        number = desk.json("dispute", "list")["disputes"][0]["dispute"]
        desk.right("dispute", "close", number, *NOTE, user="checker1")
    with desk.task("a chargeback"):
        desk.right("dispute", "add", *rrn, "--kind", "chargeback", "--amount", "60.00", *NOTE, user="maker1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1")
    desk.wrong("did you mean hold?", "dispute", "add", *rrn, "--kind", "hodl", *NOTE, user="maker1", code=2)
    desk.wrong("did you mean lost?", "dispute", "list", "--state", "lsot", code=2)
    desk.wrong("", "dispute", "close", number, *NOTE, user="checker1")


SCENES = [look_up, maker_and_checker, tried_again, queue_and_routes, ways_out, closed_by_hand, disputes]
