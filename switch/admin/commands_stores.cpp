#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

std::vector<CommandInfo> store_commands() {
    const ArgumentInfo backup{"directory", Kind::path, true, true, "the backup's directory"};
    const ArgumentInfo config{"config", Kind::path, false, false,
                              "the switch's configuration: the ledger in it is looked through as well"};
    const ArgumentInfo lmk{"lmk-key-file", Kind::path, false, false, "as refund-switch's, with --config"};
    const ArgumentInfo vault{"vault-key-file", Kind::path, false, false, "as refund-switch's, with --config"};
    return {
        {"backup",
         "admin",
         "of the running switch, into a new directory of its machine",
         {{"directory", Kind::path, true, true, "not there yet, or empty"}},
         {},
         false,
         CommandSide::refundctl},
        {"verify",
         "viewer",
         "offline: is a backup still what it was?",
         {backup, config, lmk, vault},
         {},
         false,
         CommandSide::refundctl},
        {"restore",
         "viewer",
         "offline: a data directory out of a backup, for a switch that is stopped",
         {backup, {"data", Kind::path, true, false, "the data directory; it may hold no ledger"}},
         {},
         false,
         CommandSide::refundctl},
        {"accept-restore",
         "admin",
         "what happened after the backup is reconciled: new work may begin (two people)",
         {note_argument}},
        {"backups begin",
         "admin",
         "internal: a backup is begun",
         {{"directory", Kind::path, true, false, "from / on"}}},
        {"backups last", "viewer", "the last backup since the switch started, also while it is made", {}},
        {"policy show",
         "viewer",
         "the policy in force, and where each value comes from",
         {{"merchant", Kind::merchant, false, false, "what holds for this merchant (DE42)"}}},
        {"policy check",
         "viewer",
         "read a policy file and show what it would change",
         {{"file", Kind::path, true, true, "TOML; an empty one is the configuration's policy again"}},
         {},
         false,
         CommandSide::refundctl},
        {"policy apply",
         "admin",
         "propose a policy file over the configuration's (two people)",
         {{"file", Kind::path, true, true, "TOML; an empty one is the configuration's policy again"},
          note_argument},
         {},
         false,
         CommandSide::refundctl},
        {"policy judge",
         "viewer",
         "internal: the content of a policy file",
         {{"content", Kind::content, false, false, "base64; left out: empty"}}},
        {"policy propose",
         "admin",
         "internal: the content of a policy file",
         {{"content", Kind::content, false, false, "base64; left out: empty"}, note_argument}},
    };
}

std::vector<CommandInfo> vault_commands() {
    return {
        {"vault status", "viewer", "the keys that seal card numbers, and how far a change of them is", {}},
        {"vault rotate",
         "security_officer",
         "seal card numbers under a new key, and those before anew (two people)",
         {note_argument}},
        {"vault retire",
         "security_officer",
         "wipe an old key under which nothing is sealed any more (two people)",
         {{"key", Kind::number, true, true, "its number in vault status"}, note_argument}},
    };
}

}  // namespace acquirer::admin
