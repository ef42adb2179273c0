"""Scenes of the operators' day: the policy, backups, and retention."""
import stack
from day_desk import MERCHANT, NOTE

POLICY = "[refund]\nwindow_days = 300\n"


def write(desk, name, text):
    with open(desk.running.path(name), "w", encoding="utf-8") as f:
        f.write(text)


def policy(desk, till):
    write(desk, "policy.toml", POLICY)
    write(desk, "wrong.toml", "[refund]\nwindow_dayz = 3\n")
    with desk.task("refunds for 300 days only"):
        desk.right("policy", "check", "policy.toml", says="365 -> 300")
        desk.right("policy", "apply", "policy.toml", *NOTE, user="admin1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1")
    with desk.task("which policy holds for this merchant?"):
        desk.right("policy", "show", "--merchant", MERCHANT, says=("300", "stored"))
    desk.wrong("no merchant", "policy", "show", "--merchant", "898110157229999")
    desk.wrong("refund.window_dayz", "policy", "check", "wrong.toml")
    desk.wrong("needs the role admin", "policy", "apply", "policy.toml", *NOTE, user="maker1")


def backups(desk, till):
    with desk.task("the night's backup"):
        desk.right("backup", desk.running.path("backup"), user="admin1", says="done")
        desk.right("backups", "last", says="done")
        desk.right("verify", "backup")
    with desk.task("a backup becomes a data directory"):
        desk.right("restore", "backup", "--data", "restored")
    # A switch that was not restored has nothing to accept; tests/outside/backup.py plays one that was.
    desk.right("accept-restore", *NOTE, user="admin1", code=1)
    desk.wrong("role admin is needed", "backup", desk.running.path("other"), user="maker1")
    desk.wrong("was not expected", "backups", "last", "week", code=2)
    desk.wrong("", "verify", "nothing")
    desk.wrong("--data is needed", "restore", "backup", code=2)
    desk.wrong("--note is needed", "accept-restore", user="admin1", code=2)


def retention(desk, till):
    with desk.task("what would the retention let go?"):
        desk.right("purge", "show", says=("card_numbers", "kept for ever"))
    with desk.task("what went already?"):
        desk.right("purge", "log")
    with desk.task("let it go now, and not after all"):
        desk.right("purge", "run", *NOTE, user="admin1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "reject", proposal, *NOTE, user="checker1")
    desk.wrong("role admin is needed", "purge", "run", *NOTE, user="maker1")
    desk.wrong("--note is needed", "purge", "run", user="admin1", code=2)
    desk.wrong("was not expected", "purge", "show", "everything", code=2)
    desk.wrong("kind", "purge", "log", "--kind", "cards", code=2)


def vault(desk, till):
    with desk.task("the key that seals card numbers is a year old"):
        desk.right("vault", "status", says=("idle", "active"))
        desk.right("vault", "rotate", *NOTE, user="security1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1")
    stack.wait_until("cards are sealed anew", lambda: desk.json("vault", "status")["active"] == 2 and
                     desk.json("vault", "status")["state"] == "idle")
    with desk.task("the old key goes"):
        desk.right("vault", "retire", "1", *NOTE, user="security1")
        proposal = desk.json("proposals", "list")["proposals"][0]["proposal"]
        desk.right("proposals", "approve", proposal, user="checker1")
    stack.wait_until("it is gone", lambda: len(desk.json("vault", "status")["keys"]) == 1)
    desk.wrong("role security_officer is needed", "vault", "rotate", *NOTE, user="admin1")
    desk.wrong("--note is needed", "vault", "rotate", user="security1", code=2)
    desk.wrong("is the active one", "vault", "retire", "2", *NOTE, user="security1")
    desk.wrong("was not expected", "vault", "status", "now", code=2)


SCENES = [policy, backups, retention, vault]
