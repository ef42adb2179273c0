// What a transaction has to look like in its issuer's file, and what the comparison comes to (R101). Pure
// functions over records; who opens exceptions is reconciliation.cpp. Amounts in minor units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/recon_records.hpp"
#include "ledger/transaction_record.hpp"

namespace acquirer {

/// The kinds of reconciliation's exceptions: recon resolve ends them, and nothing else does.
bool is_recon_exception(std::string_view kind);
inline constexpr std::string_view recon_exception_prefix = "recon_";

/// A transaction as we have it, towards the issuer of one route.
struct OurSide {
    bool is_pending = false;   // its story goes on: the issuer may have it or not
    bool is_of_route = false;  // it went, or was to go, over that route
    ledger::IssuerEffect effect = ledger::IssuerEffect::sale;
    std::int64_t minor = 0;  // what has to stand in the issuer's books under its RRN
    std::uint16_t currency = 0;
    iso8583::BusinessDate day;  // in which it was booked
    std::string card_last4;     // empty: paid otherwise
    std::string merchant;
    std::string state;
};
/// `void_of` is the record that sale.voided_by names, else null.
OurSide our_side(const ledger::TransactionRecord& record, const ledger::TransactionRecord* void_of,
                 std::uint16_t route);

struct ReconVerdict {
    ledger::ReconStatus status = ledger::ReconStatus::matched;
    ledger::IssuerEffect effect = ledger::IssuerEffect::sale;
    std::int64_t ours_minor = 0;
    std::int64_t theirs_minor = 0;
    std::string why;  // a sentence, of a difference
};
/// `ours` nothing: we have no transaction of that name.
ReconVerdict judge(const ledger::ReconEntry& entry, const std::optional<OurSide>& ours,
                   std::int32_t recon_days);

/// Puts a line into its entry: a new one, one that is there already, or one that says otherwise of the same
/// booking than an earlier file did and stands for it from now on.
enum class LineApplied : std::uint8_t { added, repeated, replaced };
LineApplied apply_line(ledger::ReconEntry& entry, ledger::ReconLine line);

}  // namespace acquirer
