// Reconciliation: verdicts, the exceptions that stand for differences, and how people close them.
#include "switch/core/operator_words.hpp"
#include "switch/core/reconciliation.hpp"

namespace acquirer {
namespace {

constexpr std::string_view by_reconciliation = "reconciliation";

}  // namespace

using iso8583::BusinessDate;
using ledger::ReconEntry;
using ledger::ReconStatus;
using ledger::TransactionRecord;

void Reconciliation::judge_ours(const iso8583::Rrn& rrn, const ledger::ReconDayRecord& day) {
    const TransactionRecord* record = c_.ledger.find(rrn);
    if (record == nullptr) return;
    bool concerns = record->business_date == day.day;
    for (const ledger::Posting& p : record->postings) concerns = concerns || p.day == day.day;
    for (const std::uint16_t route : day.routes) {
        const auto known = books_.entry(record->business_date, route, ledger::recon_ref(rrn));
        if (known && known->status != ReconStatus::settled) {
            judge_entry(*known);
        } else if (!known && concerns && record->route == route) {
            const bool is_void_of = record->voided_by.has_value();
            const TransactionRecord* void_of = is_void_of ? c_.ledger.find(*record->voided_by) : nullptr;
            const OurSide ours = our_side(*record, void_of, route);
            if (ours.minor == 0 && !ours.is_pending) continue;
            judge_entry(entry_for(record, route, ledger::recon_ref(rrn), record->business_date));
        }
    }
}

void Reconciliation::judge_entry(ReconEntry entry) {
    const auto rrn = entry.rrn();
    const TransactionRecord* record = rrn ? c_.ledger.find(*rrn) : nullptr;
    std::optional<OurSide> ours;
    if (record != nullptr) {
        const TransactionRecord* void_of = record->voided_by ? c_.ledger.find(*record->voided_by) : nullptr;
        ours = our_side(*record, void_of, entry.route);
    }
    const ReconVerdict verdict = judge(entry, ours, recon_days(entry.route));
    const bool same = verdict.status == entry.status && verdict.why == entry.why &&
                      verdict.ours_minor == entry.ours_minor && verdict.theirs_minor == entry.theirs_minor;
    if (same) return;
    const bool other_difference = verdict.status != entry.status || verdict.why != entry.why;
    if (!entry.exception.empty() && other_difference)
        close_difference(
            entry,
            ledger::is_difference(verdict.status)
                ? "it is " + std::string(ledger::name(verdict.status)) + " now"
                : "an issuer's file or the ledger resolved it: " + std::string(ledger::name(verdict.status)),
            std::string(by_reconciliation));
    entry.status = verdict.status;
    entry.effect = verdict.effect;
    entry.ours_minor = verdict.ours_minor;
    entry.theirs_minor = verdict.theirs_minor;
    entry.why = verdict.why;
    entry.judged = c_.now.utc;
    entry.note.clear();
    entry.settled_by.clear();
    if (ledger::is_difference(entry.status) && entry.exception.empty()) open_difference(entry, verdict);
    books_.save(entry);
}

void Reconciliation::open_difference(ReconEntry& entry, const ReconVerdict& verdict) {
    ledger::Ledger::WhatHappened what;
    what.rrn = entry.rrn();
    what.subject = route_name(entry.route);
    what.kind = std::string(recon_exception_prefix) + std::string(ledger::name(verdict.status));
    what.rule = "R101";
    what.text =
        verdict.why + "; " + (what.rrn ? "" : entry.ref + ", ") + "business day " + entry.day.date.iso();
    what.alarm = ledger::is_red(verdict.status);
    c_.count("recon_differences");
    // Each is counted and listed; a file that is wrong throughout must not fill the log.
    const bool logged = what.alarm && ++alarms_ <= recon_alarms_logged_max;
    if (logged) {
        Note n;
        n.severity = Severity::alarm;
        n.kind = NoteKind::exception_opened;
        n.rule = what.rule;
        n.route = what.subject;
        if (what.rrn) n.rrn = what.rrn->str();
        n.detail = what.kind + ": " + what.text;
        c_.note(std::move(n));
    }
    entry.exception = c_.ledger.add_exception(std::move(what), c_.now.utc).id;
}

void Reconciliation::close_difference(ReconEntry& entry, const std::string& resolution,
                                      const std::string& by) {
    if (auto x = c_.ledger.exception(entry.exception); x && x->resolution.empty()) {
        x->resolution = resolution;
        x->resolved_by = by;
        c_.ledger.save(*x);
    }
    entry.exception.clear();
}

std::optional<ReconEntry> Reconciliation::difference_named(const ResolveDifference& command,
                                                           std::string& why_not) {
    std::string ref = command.id;
    // An exception's id begins with what it is about; of what has no RRN its name is to be given.
    const auto exception = c_.ledger.exception(command.id);
    if (exception && is_recon_exception(exception->kind)) ref = command.id.substr(0, iso8583::Rrn::size_max);
    std::vector<ReconEntry> found;
    for (ReconEntry& entry : books_.open_entries(ref)) {
        if (!ledger::is_difference(entry.status)) continue;
        if (exception && entry.exception != command.id) continue;
        if (!command.route.empty() && route_name(entry.route) != command.route) continue;
        found.push_back(std::move(entry));
    }
    if (found.empty())
        why_not = "no open difference is named " + command.id;
    else if (found.size() > 1)
        why_not = "several differences of " + command.id + " are open: name the route by --route";
    return found.size() == 1 ? std::optional(std::move(found.front())) : std::nullopt;
}

OperatorAnswer Reconciliation::resolve(const OperatorCommanded& event, const ResolveDifference& command) {
    if (const auto fault = fault_of_note(command.note)) return no(*fault);
    std::string why_not;
    auto entry = difference_named(command, why_not);
    if (!entry) return no(why_not);
    const std::string was(ledger::name(entry->status));
    close_difference(*entry, command.note, event.user);
    entry->status = ReconStatus::settled;
    entry->note = command.note;
    entry->settled_by = event.user;
    books_.save(*entry);
    audit_(event, "recon.resolve",
           entry->ref + " of " + route_name(entry->route) + ", " + was + ": " + command.note);
    OperatorAnswer answer = yes("the difference " + entry->ref + " is resolved");
    answer.values = {{"ref", entry->ref},
                     {"route", route_name(entry->route)},
                     {"day", entry->day.date.iso()},
                     {"was", was}};
    return answer;
}

}  // namespace acquirer
