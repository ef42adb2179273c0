#include "ledger/recon_records.hpp"
#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

namespace {

/// "all", and every status that an entry can have.
const std::string& recon_states() {
    static const std::string words = [] {
        std::string all = "all";
        for (int s = static_cast<int>(ledger::ReconStatus::unjudged);
             s <= static_cast<int>(ledger::ReconStatus::settled); ++s)
            all += " " + std::string(ledger::name(static_cast<ledger::ReconStatus>(s)));
        return all;
    }();
    return words;
}

}  // namespace

std::vector<CommandInfo> recon_commands() {
    const ArgumentInfo route{"route", Kind::word, true, false, "name of the route whose issuer made it"};
    const ArgumentInfo day_of_file{"day", Kind::date, false, false,
                                   "business day of lines without a date, YYYY-MM-DD"};
    const ArgumentInfo day{"day", Kind::date, true, false, "business day, YYYY-MM-DD"};
    const ArgumentInfo number{"number", Kind::line, true, true, "as recon files shows it"};
    return {
        {"recon import",
         "operator",
         "take an issuer's file: CSV by the route's configuration, or issuer-sim's journal",
         {route, day_of_file, {"file", Kind::path, true, true, "its path"}},
         {},
         false,
         CommandSide::refundctl},
        {"recon enter",
         "operator",
         "internal: a file that was handed over becomes an issuer's",
         {route,
          day_of_file,
          {"digest", Kind::digest, true, false, "SHA-256 of the file"},
          {"name", Kind::text, true, false, "of the file"}}},
        {"recon run", "operator", "compare a business day with the files that cover it", {day}},
        {"recon progress", "viewer", "how far the comparison of a day is", {day}},
        {"recon report",
         "viewer",
         "counts, sums and differences of a compared day, by route and merchant",
         {{"day", Kind::date, false, false, "business day; the newest that was compared when left out"},
          {"html", Kind::path, false, false, "write it as a page of its own"},
          {"csv", Kind::path, false, false, "write its sums by route and merchant; - is stdout"}}},
        {"recon list",
         "viewer",
         "differences that are open, or what was compared (--state)",
         {},
         {"differences", true, true, recon_states()}},
        {"recon files", "viewer", "files that were imported, newest first", {}, {"files", true, true}},
        {"recon file", "viewer", "one of them, with its bad lines", {number}},
        {"recon resolve",
         "supervisor",
         "close a difference",
         {{"difference", Kind::text, true, true, "RRN, its name in recon list, or the id of its exception"},
          {"route", Kind::word, false, false, "when it is open on several routes"},
          note_argument}},
    };
}

}  // namespace acquirer::admin
