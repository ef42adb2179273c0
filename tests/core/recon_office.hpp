// A desk with an office beside it: issuers' journals made by hand, imported and compared (R101).
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ledger/file_books.hpp"
#include "ledger/recon_books.hpp"
#include "switch/core/reconciliation.hpp"
#include "tests/core/desk.hpp"

namespace recon {

using acquirer::OperatorAnswer;
using acquirer::Role;
using desk::Desk;
using ledger::IssuerFileRecord;
using ledger::ReconEntry;

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

/// A line of an issuer's journal.
struct Booked {
    std::string kind = "sale", of;
    std::int64_t amount = 10'000;
    std::string rrn;
    std::string last4 = "1111";
    std::string merchant = "898110157220001";
    iso8583::UtcTime at = Desk::noon;
    std::string currency = "156";
};
inline std::string line_of(const Booked& b) {
    const iso8583::CivilTime t = iso8583::civil_from_utc(b.at);
    const std::string clock = t.hhmmss();
    return R"({"time":")" + t.date.iso() + "T" + clock.substr(0, 2) + ":" + clock.substr(2, 2) + ":" +
           clock.substr(4) + R"(.000Z","kind":")" + b.kind + R"(",)" +
           (b.of.empty() ? "" : R"("of":")" + b.of + R"(",)") + R"("amount":)" + std::to_string(b.amount) +
           R"(,"currency":")" + b.currency + R"(","rrn":")" + b.rrn + R"(","stan":"000001","pan_last4":")" +
           b.last4 + R"(","terminal":"10000001","merchant":")" + b.merchant + "\"}\n";
}

inline std::string digest_of(const std::string& text) {
    return ledger::digest_text(ledger::Sha256().finish(iso8583::as_bytes(text)));
}

class Recon {
  public:
    explicit Recon(const std::function<void(acquirer::Configuration&)>& adjust = {},
                   ledger::NumberPlan numbers = {})
        : d(adjust, Desk::noon, std::move(numbers)) {}
    Desk d;

    void hand_over(const std::string& text) {
        for (std::uint32_t piece = 0; piece * ledger::file_piece_bytes < text.size(); ++piece)
            REQUIRE(d.operate(acquirer::PutFile{digest_of(text), text.size(), piece,
                                                text.substr(piece * ledger::file_piece_bytes,
                                                            ledger::file_piece_bytes)},
                              "maker1", Role::operator_)
                        .done);
    }
    OperatorAnswer ask_import(const std::string& route, const std::string& text,
                              const std::string& day = "") {
        return d.operate(acquirer::ImportIssuerFile{digest_of(text), route, "books.csv", day}, "maker1",
                         Role::operator_);
    }
    IssuerFileRecord import(const std::string& route, const std::string& text, const std::string& day = "") {
        hand_over(text);
        REQUIRE(ask_import(route, text, day).done);
        d.pass(hour_ms);
        return file(text, route == "issuer-a" ? 1 : 2);
    }
    OperatorAnswer run(const std::string& day) {
        const OperatorAnswer answer = d.operate(acquirer::RunReconciliation{day}, "maker1", Role::operator_);
        d.pass(hour_ms);
        return answer;
    }
    IssuerFileRecord file(const std::string& text, std::uint16_t route = 2) {
        const auto stored =
            d.store().get(ledger::Family::index, ledger::issuer_file_key(digest_of(text), route));
        REQUIRE(stored);
        REQUIRE(*stored);
        return ledger::decode_issuer_file(**stored).value();
    }
    /// What stands there of every transaction, by route and name.
    std::map<std::string, std::string> statuses() {
        std::map<std::string, std::string> all;
        for (const auto& [key, entry] : entries()) all[key] = ledger::name(entry.status);
        return all;
    }
    std::map<std::string, ReconEntry> entries() {
        std::map<std::string, ReconEntry> all;
        const auto range = ledger::all_keys(ledger::KeyPrefix::recon_entry);
        REQUIRE(d.store().scan(ledger::Family::journal, range.from, range.to,
                               [&](std::string_view, std::string_view value) {
                                   ReconEntry e = ledger::decode_recon_entry(value).value();
                                   const std::string key = std::to_string(e.route) + "/" + e.ref;
                                   all.emplace(key, std::move(e));
                                   return true;
                               }));
        return all;
    }
    std::string status(const std::string& rrn, int route = 2) {
        const auto all = statuses();
        const auto at = all.find(std::to_string(route) + "/" + rrn);
        return at == all.end() ? "none" : at->second;
    }
    std::vector<ledger::ExceptionRecord> open_exceptions() {
        std::vector<ledger::ExceptionRecord> open;
        for (auto& x : d.exceptions())
            if (acquirer::is_recon_exception(x.kind) && x.resolution.empty()) open.push_back(std::move(x));
        return open;
    }
};

inline const std::string today = "2026-11-21";

}  // namespace recon
