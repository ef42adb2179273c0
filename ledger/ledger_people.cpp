// The part of the ledger that people work with: exceptions, proposals, disputes.
#include <algorithm>

#include "iso8583/values/decimal_text.hpp"
#include "ledger/ledger.hpp"

namespace ledger {
namespace {

constexpr std::size_t rrn_characters = iso8583::Rrn::size_max;

std::string exception_place(const std::string& kind, const std::string& subject) {
    return kind + "/" + subject;
}

// Sorts behind every id: of a turn with no open exception of a transaction.
constexpr std::string_view none_open = "~";

std::string behind_those_of_no_transaction() { return exception_id({}, 0).substr(0, rrn_characters) + "~"; }

}  // namespace

/// Of a transaction; behind all when there is none, for what is open of a route or the whole has no place in
/// time.
std::string Ledger::oldest_open_exception() const {
    const auto oldest = open_exceptions_.lower_bound(behind_those_of_no_transaction());
    return oldest == open_exceptions_.end() ? std::string(none_open) : oldest->first;
}

/// The open ones; and what one of them is about is open work, which an older program did not list for all of
/// the states that wait for a person. Those of transactions are read from the oldest open one on.
void Ledger::recover_exceptions() {
    const auto keep_open = [&](std::string_view, std::string_view value) {
        if (auto x = decoded(decode_exception(value)); x && x->resolution.empty())
            open_exceptions_.emplace(x->id, exception_place(x->kind, x->subject));
        return true;
    };
    const auto read = [&](const std::string& from, const std::string& to) {
        if (auto done = overlay_.scan(Family::journal, from, to, keep_open); !done && !error_)
            error_ = done.error();
    };
    const KeyRange all = all_keys(KeyPrefix::exception);
    if (counters_.exceptions_from.empty() || counters_.exceptions_from_turn != turn_) {
        read(all.from, all.to);
    } else {
        read(all.from, exception_key(behind_those_of_no_transaction()));
        if (counters_.exceptions_from != none_open) read(exception_key(counters_.exceptions_from), all.to);
    }
    for (const auto& [id, place] : open_exceptions_) {
        const auto rrn = iso8583::Rrn::parse(id.substr(0, rrn_characters));
        if (!rrn || open_.contains(*rrn)) continue;
        if (const TransactionRecord* record = find(*rrn); record == nullptr || !is_open(*record)) continue;
        open_.insert(*rrn);
        overlay_.put(Family::journal, open_work_key(*rrn), "");
    }
}

void Ledger::recover_proposals() {
    scan(Family::index, KeyPrefix::proposal, [&](std::string_view, std::string_view value) {
        const auto p = decoded(decode_proposal(value));
        if (p && p->state == Proposal::State::open && !p->rrn.empty()) open_proposals_[p->rrn] = p->id;
        return true;
    });
}

ExceptionRecord Ledger::open_exception(WhatHappened what, iso8583::UtcTime at) {
    const iso8583::Rrn rrn = what.rrn.value_or(iso8583::Rrn{});
    const std::string about = exception_id(rrn, 0).substr(0, rrn_characters);
    const std::string place = exception_place(what.kind, what.subject);
    for (auto known = open_exceptions_.lower_bound(about);
         known != open_exceptions_.end() && known->first.compare(0, rrn_characters, about) == 0; ++known) {
        if (known->second != place) continue;
        auto open = exception(known->first);
        if (!open) break;
        ++open->repeats;
        open->alarm = open->alarm || what.alarm;
        if (open->last_texts.size() == ExceptionRecord::last_texts_max)
            open->last_texts.erase(open->last_texts.begin());
        open->last_texts.push_back(std::move(what.text));
        save(*open);
        return *open;
    }
    return add_exception(std::move(what), at);
}

ExceptionRecord Ledger::add_exception(WhatHappened what, iso8583::UtcTime at) {
    const iso8583::Rrn rrn = what.rrn.value_or(iso8583::Rrn{});
    ExceptionRecord x;
    x.kind = std::move(what.kind);
    x.subject = std::move(what.subject);
    counters_.exception_sequence =
        static_cast<std::uint32_t>(numbers_.number_after(counters_.exception_sequence));
    x.id = exception_id(rrn, counters_.exception_sequence);
    x.opened = at;
    x.rule = std::move(what.rule);
    x.owner = "operations";
    x.text = std::move(what.text);
    x.alarm = what.alarm;
    save(x);
    return x;
}

std::optional<ExceptionRecord> Ledger::exception(const std::string& id) {
    auto stored = get(Family::journal, exception_key(id));
    if (!stored) return std::nullopt;
    return decoded(decode_exception(*stored));
}

void Ledger::save(const ExceptionRecord& x) {
    bool closes = false;
    if (x.resolution.empty())
        open_exceptions_.emplace(x.id, exception_place(x.kind, x.subject));
    else
        closes = open_exceptions_.erase(x.id) != 0;
    ExceptionRecord stored = x;
    if (closes) stored.resolved = step_at_;
    overlay_.put(Family::journal, exception_key(x.id), encode(stored));
}

std::vector<std::string> Ledger::open_exceptions_of(const iso8583::Rrn& rrn) const {
    std::vector<std::string> ids;
    for (auto at = open_exceptions_.lower_bound(rrn.str());
         at != open_exceptions_.end() && at->first.compare(0, rrn_characters, rrn.view()) == 0; ++at)
        ids.push_back(at->first);
    return ids;
}

std::vector<std::string> Ledger::open_exceptions_of_kind(std::string_view kind) const {
    const std::string begins = exception_place(std::string(kind), "");
    std::vector<std::string> ids;
    for (const auto& [id, place] : open_exceptions_)
        if (place.starts_with(begins)) ids.push_back(id);
    return ids;
}

bool Ledger::resolve_exception(const iso8583::Rrn& rrn, std::string_view kind, const std::string& resolution,
                               const std::string& by) {
    bool found = false;
    for (const std::string& id : open_exceptions_of(rrn)) {
        auto x = exception(id);
        if (!x || x->kind != kind) continue;
        x->resolution = resolution;
        x->resolved_by = by;
        save(*x);
        found = true;
    }
    return found;
}

bool Ledger::resolve_exception_of(std::string_view subject, std::string_view kind,
                                  const std::string& resolution, const std::string& by) {
    const std::string place = exception_place(std::string(kind), std::string(subject));
    std::vector<std::string> ids;
    for (const auto& [id, of] : open_exceptions_)
        if (of == place) ids.push_back(id);
    for (const std::string& id : ids) {
        auto x = exception(id);
        if (!x) continue;
        x->resolution = resolution;
        x->resolved_by = by;
        save(*x);
    }
    return !ids.empty();
}

/// The letter and a number of at least 8 digits, above all that are stored.
std::string Ledger::next_numbered_id(char letter, KeyPrefix prefix, std::uint64_t& last) {
    if (last == 0) {
        const KeyRange range = all_keys(prefix);
        auto done = overlay_.scan_back(Family::index, range.from, range.to,
                                       [&](std::string_view key, std::string_view) {
                                           for (const char c : key.substr(2))
                                               last = last * 10 + static_cast<std::uint64_t>(c - '0');
                                           return false;
                                       });
        if (!done && !error_) error_ = done.error();
    }
    last = std::max(last, numbered_from_);
    last = numbers_.number_after(last);
    return letter + iso8583::zero_padded(last, 8);
}

std::string Ledger::next_proposal_id() { return next_numbered_id('P', KeyPrefix::proposal, last_proposal_); }

std::optional<Proposal> Ledger::proposal(std::string_view id) {
    auto stored = get(Family::index, proposal_key(id));
    if (!stored) return std::nullopt;
    return decoded(decode_proposal(*stored));
}

void Ledger::save(const Proposal& p) {
    if (!p.rrn.empty()) {
        if (p.state == Proposal::State::open)
            open_proposals_[p.rrn] = p.id;
        else if (const auto at = open_proposals_.find(p.rrn);
                 at != open_proposals_.end() && at->second == p.id)
            open_proposals_.erase(at);
    }
    overlay_.put(Family::index, proposal_key(p.id), encode(p));
}

std::optional<Proposal> Ledger::open_proposal_of(const iso8583::Rrn& rrn) {
    const auto at = open_proposals_.find(rrn);
    return at == open_proposals_.end() ? std::nullopt : proposal(at->second);
}

std::string Ledger::next_dispute_id() { return next_numbered_id('D', KeyPrefix::dispute, last_dispute_); }

std::optional<Dispute> Ledger::dispute(std::string_view id) {
    auto stored = get(Family::index, dispute_key(id));
    if (!stored) return std::nullopt;
    return decoded(decode_dispute(*stored));
}

void Ledger::save(const Dispute& d) { overlay_.put(Family::index, dispute_key(d.id), encode(d)); }

}  // namespace ledger
