"""Scenes of the operators' day: a shop and its terminals are added, and what customers are told."""
from day_desk import MERCHANT

SHOP, FIRST, LAST = "898110157220099", "90000001", "90000009"
TMK = "U1750CDFB0757D3B3994430636DBB281B"  # the demo's test key, under the test LMK
RANGE = ("--merchant", SHOP, "--profile", "unionpay-pos", "--mac", "cmac", "--tmk", TMK)


def a_new_shop(desk, till):
    with desk.task("a shop opens, with its terminals"):
        desk.right("merchants", "add", SHOP, "--name", "Quay Street Store", user="checker1")
        desk.right("terminals", "add", FIRST, LAST, *RANGE, user="checker1")
    with desk.task("what holds for it?"):
        desk.right("merchants", "show", SHOP, says="Quay Street Store")
        desk.right("terminals", "show", FIRST, says=SHOP)
    desk.wrong("needs the role supervisor", "merchants", "add", "898110157220098", user="maker1")
    desk.wrong("known already", "merchants", "add", MERCHANT, user="checker1")
    desk.wrong("no merchant", "merchants", "show", "898110157229999")
    desk.wrong("already", "terminals", "add", "90000005", "90000020", *RANGE, user="checker1")
    desk.wrong("99999999", "terminals", "show", "99999999")
    with desk.task("and closes again"):
        desk.right("terminals", "remove", FIRST, user="checker1")
        desk.right("merchants", "remove", SHOP, user="checker1")
    desk.wrong("none that was added", "terminals", "remove", FIRST, user="checker1")
    desk.wrong("the configuration file has its own", "merchants", "remove", MERCHANT, user="checker1")


def notices(desk, till):
    with desk.task("what was the customer told?"):
        desk.right("notices", "list", "--limit", "5", says="accepted")
    with desk.task("the newest of them, as they come"):
        desk.right("notices", "tail", "--newest", "1", "--count", "1", says='"kind":')
    desk.wrong("did you mean", "notices", "list", "--kind", "acepted", code=2)
    desk.wrong("", "notices", "tail", "--count", "none", code=2)


SCENES = [a_new_shop, notices]
