#include "ledger/recon_books.hpp"

#include <algorithm>

namespace ledger {

std::optional<IssuerFileRecord> ReconBooks::file(std::string_view sha256, std::uint16_t route) {
    auto stored = ledger_.get(Family::index, issuer_file_key(sha256, route));
    return stored ? ledger_.decoded(decode_issuer_file(*stored)) : std::nullopt;
}

std::vector<IssuerFileRecord> ReconBooks::files() {
    std::vector<IssuerFileRecord> all;
    ledger_.scan(Family::index, KeyPrefix::issuer_file, [&](std::string_view, std::string_view value) {
        auto file = ledger_.decoded(decode_issuer_file(value));
        if (file) all.push_back(std::move(*file));
        return file.has_value();
    });
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return all;
}

void ReconBooks::save(const IssuerFileRecord& file) {
    ledger_.overlay().put(Family::index, issuer_file_key(file.sha256, file.route), encode(file));
}

std::optional<ReconEntry> ReconBooks::entry(iso8583::BusinessDate day, std::uint16_t route,
                                            std::string_view ref) {
    auto stored = ledger_.get(Family::journal, recon_entry_key(day, route, ref));
    return stored ? ledger_.decoded(decode_recon_entry(*stored)) : std::nullopt;
}

void ReconBooks::save(const ReconEntry& entry) {
    std::string open = recon_open_key(entry.day, entry.route, entry.ref);
    if (is_open(entry.status))
        ledger_.overlay().put(Family::journal, std::move(open), "");
    else
        ledger_.overlay().erase(Family::journal, std::move(open));
    ledger_.overlay().put(Family::journal, recon_entry_key(entry.day, entry.route, entry.ref), encode(entry));
}

void ReconBooks::visit_open(std::string_view after, const std::function<bool(std::string_view key)>& visit) {
    KeyRange range = all_keys(KeyPrefix::recon_open);
    if (!after.empty()) range.from = std::string(after) + '\0';
    const auto done =
        ledger_.overlay().scan(Family::journal, range.from, range.to,
                               [&](std::string_view key, std::string_view) { return visit(key); });
    if (!done && !ledger_.error_) ledger_.error_ = done.error();
}

std::vector<ReconEntry> ReconBooks::open_entries(std::string_view ref) {
    std::vector<ReconEntry> found;
    const KeyRange range = recon_open_of(ref);
    const auto done = ledger_.overlay().scan(Family::journal, range.from, range.to,
                                             [&](std::string_view key, std::string_view) {
                                                 const auto of = ledger_.decoded(parse_recon_open_key(key));
                                                 if (!of) return false;
                                                 if (of->ref != ref) return true;  // a longer name
                                                 if (auto open = entry(of->day, of->route, ref))
                                                     found.push_back(std::move(*open));
                                                 return true;
                                             });
    if (!done && !ledger_.error_) ledger_.error_ = done.error();
    return found;
}

std::optional<ReconDayRecord> ReconBooks::day(iso8583::BusinessDate day) {
    auto stored = ledger_.get(Family::journal, recon_day_key(day));
    return stored ? ledger_.decoded(decode_recon_day(*stored)) : std::nullopt;
}

std::vector<ReconDayRecord> ReconBooks::days() {
    std::vector<ReconDayRecord> all;
    ledger_.scan(Family::journal, KeyPrefix::recon_day, [&](std::string_view, std::string_view value) {
        auto day = ledger_.decoded(decode_recon_day(value));
        if (day) all.push_back(std::move(*day));
        return day.has_value();
    });
    return all;
}

void ReconBooks::save(const ReconDayRecord& day) {
    ledger_.overlay().put(Family::journal, recon_day_key(day.day), encode(day));
}

std::optional<PurgeLogEntry> ReconBooks::purge_of(iso8583::BusinessDate day) {
    std::optional<PurgeLogEntry> found;
    const auto visited = visit_purge_log(ledger_.overlay(), [&](const PurgeLogEntry& e) {
        const bool compared =
            e.family == RetentionFamily::transactions || e.family == RetentionFamily::reconciliation;
        if (compared && e.oldest <= day && day <= e.newest) found = e;
        return !found;
    });
    if (!visited && !ledger_.error_) ledger_.error_ = visited.error();
    return found;
}

std::vector<BusinessDayRecord> ReconBooks::business_days() {
    std::vector<BusinessDayRecord> all;
    ledger_.scan(Family::journal, KeyPrefix::business_day, [&](std::string_view, std::string_view value) {
        auto day = ledger_.decoded(decode_business_day(value));
        if (day) all.push_back(std::move(*day));
        return day.has_value();
    });
    return all;
}

void ReconBooks::visit_transactions(const KeyRange& range, const ScanVisitor& visit) {
    const auto done = ledger_.overlay().scan(Family::journal, range.from, range.to, visit);
    if (!done && !ledger_.error_) ledger_.error_ = done.error();
}

}  // namespace ledger
