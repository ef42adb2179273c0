#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

std::vector<CommandInfo> report_commands() {
    constexpr ArgumentInfo html{"html", Kind::out_file, false, false,
                                "writes a page with plots to this file"};
    // Those of days and those of now; their main rows, which --csv writes.
    const auto of_days = [](std::string_view rows) { return ListInfo{rows, true, true}; };
    const auto of_now = [](std::string_view rows) { return ListInfo{rows, false, true}; };
    return {
        {"report reasons",
         "viewer",
         "what refunds are made for, and why others were refused; of the last 30 days",
         {html},
         of_days("reasons"),
         true},
        {"report ratio",
         "viewer",
         "refunds against sales, beside the bounds of R28; of the last 30 days",
         {{"by", Kind::choice, false, false, "what they are grouped by (merchant)", "merchant terminal day"},
          html},
         of_days("ratios"),
         true},
        {"report expiring",
         "viewer",
         "sales that could be refunded and leave their window soon, soonest first",
         {{"days", Kind::number, false, false, "within so many business days, the current one included (7)"},
          html},
         of_now("sales"),
         true},
        {"report ageing",
         "viewer",
         "what waits by how long, and the command that leads out of the oldest",
         {html},
         of_now("waiting"),
         true},
        {"report funnel",
         "viewer",
         "through which states transactions went and how long they stood in each; of the last 30 days",
         {{"kind", Kind::choice, false, false, "of what (refund)", "refund void sale"}, html},
         of_days("states"),
         true},
    };
}

}  // namespace acquirer::admin
