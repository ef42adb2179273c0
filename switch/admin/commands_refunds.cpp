#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

const ArgumentInfo case_argument{"case", Kind::id, true, true, "case number, as in DE44 of a 01"};

}  // namespace

std::vector<CommandInfo> refund_commands() {
    const ArgumentInfo rrn{"rrn", Kind::rrn, true, false, "DE37 of the sale"};
    const ArgumentInfo date{"date", Kind::mmdd, true, false, "local date of the sale, MMDD"};
    const ArgumentInfo amount{"amount", Kind::amount, true, false, "in major units, as 60.00"};
    const ArgumentInfo why{"reason", Kind::text, true, false, "why, in words"};
    const ArgumentInfo note{"note", Kind::text, false, false, "more about it, in words"};
    const ArgumentInfo proof{"proof", Kind::text, false, false,
                             "a file, of which name and SHA-256 are kept, or words"};
    const ArgumentInfo proof_file{"proof-file", Kind::text, false, false,
                                  "internal: name of the file that --proof names"};
    const ArgumentInfo proof_digest{"proof-digest", Kind::digest, false, false, "internal: its SHA-256"};
    return {
        {"refund check", "viewer", "would it be accepted now? changes nothing", {rrn, date, amount}},
        {"refund open",
         "operator",
         "a refund without the card; waits for a checker",
         {rrn,
          date,
          amount,
          {"reason", Kind::text, true, false, "why: a code, as reasons list shows them"},
          {"ref", Kind::text, true, false,
           "your reference, once per merchant: the same again is not a second refund"},
          note,
          proof,
          proof_file,
          proof_digest}},
        {"refund approve", "supervisor", "release a held refund; not by its maker", {case_argument}},
        {"refund reject", "supervisor", "refuse a held refund; not by its maker", {case_argument, why}},
        {"refund cancel", "operator", "take back a held refund", {case_argument, why}},
        {"refund edit",
         "operator",
         "another amount, reason, note or proof for a held case of operations",
         {case_argument,
          {"amount", Kind::amount, false, false, "in major units"},
          {"reason", Kind::text, false, false, "why: a code, as reasons list shows them"},
          note,
          proof,
          proof_file,
          proof_digest}},
        {"refund reopen",
         "operator",
         "try a case again that was approved and not paid; waits for a checker",
         {case_argument, note_argument}},
    };
}

}  // namespace acquirer::admin
