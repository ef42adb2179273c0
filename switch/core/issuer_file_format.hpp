// How an issuer's file for reconciliation looks (R101): configuration of its route, [issuer.recon]. A file
// whose first line begins with '{' is issuer-sim's journal (JSON lines, docs/interfaces.md) and needs none of
// it; any other is CSV with a header. Values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/issuer_effect.hpp"

namespace acquirer {

/// What a column of an issuer's CSV holds.
enum class IssuerColumn : std::uint8_t {
    rrn,                // DE37
    stan,               // DE11 towards the issuer
    transmission_time,  // DE7, MMDDhhmmss
    terminal,           // DE41
    merchant,           // DE42
    card,               // its last four digits, alone or behind a mask; never a whole number
    kind,               // a word of `kinds`
    of,                 // of a reversal: what it takes back
    amount,
    currency,  // ISO 4217 number
    time       // when it was booked: by `dates`
};
struct IssuerColumnName {
    IssuerColumn column;
    std::string_view word;  // in configuration, and as a header by default
};
/// The names of the journal, so that its columns and those of a CSV are called the same.
inline constexpr std::array issuer_columns = {
    IssuerColumnName{IssuerColumn::rrn, "rrn"},
    IssuerColumnName{IssuerColumn::stan, "stan"},
    IssuerColumnName{IssuerColumn::transmission_time, "transmission_time"},
    IssuerColumnName{IssuerColumn::terminal, "terminal"},
    IssuerColumnName{IssuerColumn::merchant, "merchant"},
    IssuerColumnName{IssuerColumn::card, "pan_last4"},
    IssuerColumnName{IssuerColumn::kind, "kind"},
    IssuerColumnName{IssuerColumn::of, "of"},
    IssuerColumnName{IssuerColumn::amount, "amount"},
    IssuerColumnName{IssuerColumn::currency, "currency"},
    IssuerColumnName{IssuerColumn::time, "time"}};

enum class IssuerAmounts : std::uint8_t {
    major,        // 60.00
    major_comma,  // 60,00
    minor         // 6000
};
enum class IssuerDates : std::uint8_t {
    iso,         // 2026-11-21, 2026-11-21T10:00:00, also with a blank; local, or as Z and +08:00 say
    compact,     // 20261121, 20261121100000; local
    day_first,   // 21/11/2026, 21.11.2026, 21-11-2026, also with a time behind a blank
    month_first  // 11/21/2026
};

/// What a word of the column `kind` says.
struct IssuerKind {
    ledger::IssuerEffect effect = ledger::IssuerEffect::sale;
    bool is_reversal = false;
    bool effect_is_given = true;  // false: `reversal`, and the column `of` says of what
    friend bool operator==(const IssuerKind&, const IssuerKind&) = default;
};
/// "sale", "refund", "void", "reversal", "reversal of sale" …: the words of configuration and the defaults.
std::optional<IssuerKind> issuer_kind(std::string_view word);

struct IssuerFileFormat {
    static constexpr std::int32_t recon_days_default = 3;
    char separator = ',';
    IssuerAmounts amounts = IssuerAmounts::major;
    IssuerDates dates = IssuerDates::iso;
    std::map<IssuerColumn, std::string> headers;           // of columns that are called otherwise there
    std::map<std::string, IssuerKind, std::less<>> kinds;  // words beside the defaults
    std::int32_t recon_days = recon_days_default;          // business days by which the issuer may book later
};

}  // namespace acquirer
