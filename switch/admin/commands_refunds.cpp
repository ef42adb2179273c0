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
    const ArgumentInfo reason{"reason", Kind::text, true, false, "why"};
    return {
        {"refund check", "viewer", "would it be accepted now? changes nothing", {rrn, date, amount}},
        {"refund open",
         "operator",
         "a refund without the card; waits for a checker",
         {rrn,
          date,
          amount,
          reason,
          {"ref", Kind::text, true, false,
           "your reference, once per merchant: the same again is not a second refund"}}},
        {"refund approve", "supervisor", "release a held refund; not by its maker", {case_argument}},
        {"refund reject", "supervisor", "refuse a held refund; not by its maker", {case_argument, reason}},
        {"refund cancel", "operator", "take back a held refund", {case_argument, reason}},
        {"refund edit",
         "operator",
         "another amount or reason for a held case of operations; voids nothing else",
         {case_argument,
          {"amount", Kind::amount, false, false, "in major units"},
          {"reason", Kind::text, false, false, "why"}}},
        {"refund reopen",
         "operator",
         "try a case again that was approved and not paid; waits for a checker",
         {case_argument, note_argument}},
    };
}

}  // namespace acquirer::admin
