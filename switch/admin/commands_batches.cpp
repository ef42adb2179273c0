#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

const ArgumentInfo batch_argument{"batch", Kind::batch_name, true, true,
                                  "its number, its reference, or its file"};
const ArgumentInfo path_argument{"path", Kind::path, true, true, "CSV file: line_ref,rrn,date,amount,reason"};
const ArgumentInfo merchant_argument{"merchant", Kind::merchant, true, false, "DE42"};
const ArgumentInfo which_merchant{"merchant", Kind::merchant, false, false,
                                  "when several merchants have a batch of that reference"};
const ArgumentInfo limit{"limit", Kind::number, false, false, "at most so many lines (50)"};
const ArgumentInfo content{"content", Kind::content, true, false, "base64 of whole lines of the file"};

/// What people type.
std::vector<CommandInfo> typed() {
    return {
        {"batch validate",
         "viewer",
         "would each line of a file be accepted now? changes nothing",
         {path_argument, merchant_argument, limit},
         {},
         false,
         CommandSide::refundctl},
        {"batch submit",
         "operator",
         "refunds from a file; waits for a checker",
         {path_argument,
          merchant_argument,
          {"ref", Kind::text, true, false, "your reference, once per merchant"}},
         {},
         false,
         CommandSide::refundctl},
        {"batch status",
         "viewer",
         "how far it is, and what became of its lines",
         {batch_argument, which_merchant}},
        {"batch approve",
         "supervisor",
         "let all of its lines run; not by its maker",
         {batch_argument,
          which_merchant,
          {"digest", Kind::word, false, false, "of the file that you looked at, or its first 8 digits"}}},
        {"batch reject",
         "supervisor",
         "refuse all of it; not by its maker",
         {batch_argument, which_merchant, note_argument}},
        {"batch pause",
         "operator",
         "stop before its next line",
         {batch_argument, which_merchant, note_argument}},
        {"batch resume",
         "operator",
         "let it go on",
         {batch_argument,
          which_merchant,
          {"refused", Kind::flag, false, false, "judge the lines again that were refused"}}},
        {"batch cancel",
         "operator",
         "end it; what has run of it stands",
         {batch_argument, which_merchant, note_argument}},
        {"batch export",
         "viewer",
         "what became of each line, in the order of the file",
         {batch_argument, which_merchant, {"state", Kind::word, false, false, "lines in this state"}},
         {"lines"}},
        {"batch list",
         "viewer",
         "batches, newest first",
         {{"merchant", Kind::merchant, false, false, "of this merchant (DE42)"}},
         {"batches", true, false, "loading faulty waiting lapsed running paused done rejected cancelled"}},
        {"reasons list", "viewer", "the codes of reasons for a refund", {}, {"reasons"}},
    };
}

/// What refundctl sends for them.
std::vector<CommandInfo> sent() {
    return {
        {"batch judge",
         "viewer",
         "internal: some lines of a file that batch validate looks at",
         {merchant_argument, {"line", Kind::line, true, false, "number of the first of them"}, content}},
        {"batch enter",
         "operator",
         "internal: a file that is here becomes a batch; batch submit sends it",
         {merchant_argument,
          {"ref", Kind::text, true, false, "the maker's reference"},
          {"file", Kind::digest, true, false, "SHA-256 of the file"},
          {"name", Kind::text, true, false, "its name, for people"}}},
    };
}

}  // namespace

std::vector<CommandInfo> batch_commands() {
    std::vector<CommandInfo> all = typed();
    for (CommandInfo& command : sent()) all.push_back(std::move(command));
    return all;
}

}  // namespace acquirer::admin
