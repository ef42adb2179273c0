#include "ledger/retention_records.hpp"
#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

/// What has a time of its own to be kept.
const std::string& families() {
    static const std::string words = [] {
        std::string all;
        for (const ledger::RetentionFamily family : ledger::retention_families)
            all += (all.empty() ? "" : " ") + std::string(name(family));
        return all;
    }();
    return words;
}

}  // namespace

std::vector<CommandInfo> retention_commands() {
    ListInfo log{"purges", true};
    log.kinds = families();
    return {
        {"purge show",
         "viewer",
         "what retention would let go now, and what keeps the rest; changes nothing",
         {},
         {"families"},
         true},
        {"purge run",
         "admin",
         "let it go now (two people)",
         {{"all-days", Kind::flag, false, false,
           "look at every day again, not only at those that have become old since the last run"},
          note_argument}},
        {"purge log", "viewer", "what went, by business day and family", {}, log},
    };
}

}  // namespace acquirer::admin
