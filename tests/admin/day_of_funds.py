"""Scenes of the operators' day: a merchant's own money: fees, reserve, charges and what is given back of them."""
from day_desk import CARD_A, NOTE
from terminal import Terminal

WITH_FEES, WITH_RESERVE = "898110157220006", "898110157220007"


def terminal_of(desk, number, merchant):
    terminal = Terminal("unionpay-pos", number, merchant, desk.running.addresses["unionpay-pos"])
    desk.checks.equal(terminal.sign_on().code, "00", f"sign-on of {number}")
    return terminal


def sold_at(desk, terminal, amount):
    message = terminal.sale(CARD_A, amount)
    sold = terminal.exchange(message)
    desk.checks.equal(sold.code, "00", f"a sale of {amount}")
    return message, sold


def fees(desk, till):
    terminal = terminal_of(desk, "60000002", WITH_FEES)
    sale, sold = sold_at(desk, terminal, 10000)
    desk.checks.equal(terminal.exchange(terminal.refund(sale, sold, 3333)).code, "00", "a refund of 33.33")
    with desk.task("what did this merchant pay?"), desk.kept("fees"):
        desk.right("fees", "schedule", "--merchant", WITH_FEES, says=("card", "60", "return_proportional"))
        desk.right("fees", "show", "--merchant", WITH_FEES, says=("0.60", "-0.19", "0.41"))
    shown = desk.json("show", sold.rrn)
    desk.checks.equal((shown["fee"], shown["fee_basis_points"]), ("0.41", 60), "show tells the fee")
    desk.checks.that("0.41 of it stands" in " ".join(desk.json("explain", sold.rrn)["words"]), "explain tells the fee")
    desk.wrong("merchant: 15 printable", "fees", "show", "--merchant", "1", code=2)
    desk.wrong("is no business day of this ledger", "fees", "show", "--merchant", WITH_FEES, "--day", "2099-01-01")
    desk.wrong("merchant", "fees", "schedule", "--merchant", "898110157229999")


def reserve(desk, till):
    terminal = terminal_of(desk, "70000002", WITH_RESERVE)
    sale, sold = sold_at(desk, terminal, 5000)
    short = terminal.exchange(terminal.refund(sale, sold, 2000))
    desk.checks.equal(short.code, "51", "a refund that the reserve does not cover")
    of = ("--merchant", WITH_RESERVE)
    with desk.task("a refund was refused with 51"), desk.kept("reserve"):
        desk.right("reserve", "show", *of, says=("holds", "5.00", "refuse"))
        desk.right("reserve", "add", *of, "--amount", "20.00", "--note", "paid in this morning", user="maker1",
                   says="waits for 1 checker")
        proposal = [p for p in desk.json("proposals", "list")["proposals"] if p["action"] == "reserve_add"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1", says="20.00 is in the reserve")
    desk.checks.equal(terminal.exchange(terminal.refund(sale, sold, 2000)).code, "00", "now it is covered")
    desk.checks.equal(desk.json("reserve", "show", *of)["holds"], "5.00", "what is left")
    desk.wrong("merchant: 15 printable", "reserve", "show", "--merchant", "1", code=2)
    desk.wrong("role operator is needed", "reserve", "add", *of, "--amount", "1.00", *NOTE, user="checker1")
    desk.wrong("no merchant 898110157229999", "reserve", "add", "--merchant", "898110157229999", "--amount", "1.00", *NOTE,
               user="maker1")


def adjustments(desk, till):
    of = ("--merchant", WITH_FEES)
    with desk.task("a promotion is charged"):
        desk.right("adjustment", "charge", *of, "--amount", "2.99", "--ref", "PROMO-1", "--text", "promotion in November",
                   user="maker1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1", says="is charged 2.99")
    with desk.task("it never ran: given back"):
        desk.right("adjustment", "open", *of, "--amount", "2.99", "--charge", "PROMO-1", "--reason", "mistake", "--ref",
                   "BACK-1", user="maker1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1", says="is given back")
        desk.right("adjustment", "list", *of, says=("PROMO-1", "BACK-1", "0.00"))
    desk.wrong("was charged under the reference PROMO-1 already", "adjustment", "charge", *of, "--amount", "2.99", "--ref",
               "PROMO-1", "--text", "again", user="maker1")
    desk.wrong("only 0.00 of 2.99 is left", "adjustment", "open", *of, "--amount", "0.01", "--charge", "PROMO-1",
               "--reason", "mistake", "--ref", "BACK-2", user="maker1")
    desk.wrong("did you mean charge?", "adjustment", "list", "--kind", "chrage", code=2)


SCENES = [fees, reserve, adjustments]
