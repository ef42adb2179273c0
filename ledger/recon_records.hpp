// Records of reconciliation (R101): issuers' files, what they say of each transaction, and the business days
// that were compared. Their bytes: docs/ledger_format.md, "Other records"; their keys: key_layout.hpp.
// Amounts in minor units. A record that does not decode is damage and said with its field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/issuer_effect.hpp"
#include "ledger/key_layout.hpp"

namespace ledger {

/// What the comparison of a transaction came to. Stored: do not change values.
enum class ReconStatus : std::uint8_t {
    unjudged = 1,         // its lines are applied; its day was not compared yet
    matched = 2,          // both sides say the same
    late = 3,             // the same, but the issuer booked it on a later day, within recon_days
    pending = 4,          // the transaction is not at its end: its own story goes on
    amount_differs = 5,   // both have it, not for the same amount or not as the same kind
    missing_there = 6,    // we have it, the issuer's files have not
    missing_here = 7,     // the issuer has it, we have not
    wrong_route = 8,      // it went over another route than that whose file names it
    wrong_card = 9,       // the last digits of the card are not those of ours
    wrong_merchant = 10,  // it is another merchant's
    too_late = 11,        // the same, but booked later than recon_days
    settled = 12          // a person closed the difference (recon resolve)
};
/// "matched", "missing_there" …: stable.
std::string_view name(ReconStatus status);
/// It is in the list of what is not at its end: a later file or run looks at it again.
bool is_open(ReconStatus status);
/// A difference: an exception with owner stands for it.
bool is_difference(ReconStatus status);
/// A difference that somebody must be called for: money may have gone to another card, route or merchant.
bool is_red(ReconStatus status);

/// A line of an issuer's file, as far as it is compared.
struct ReconLine {
    std::uint64_t identity = 0;  // over kind, RRN, STAN and time: a later file's word on the same replaces it
    std::uint32_t file = 0;      // IssuerFileRecord::number
    std::uint64_t line_number = 0;  // in that file, from 1
    IssuerEffect effect = IssuerEffect::sale;
    bool is_reversal = false;  // takes so much of the effect back
    std::int64_t amount_minor = 0;
    std::uint16_t currency = 0;
    std::string card_last4;     // empty: the file does not say
    std::string merchant;       // empty: the file does not say
    iso8583::BusinessDate day;  // the business day in which the issuer booked it
    friend bool operator==(const ReconLine&, const ReconLine&) = default;
};

/// One transaction as the files of one route see it.
struct ReconEntry {
    /// More lines than this are not kept: the entry is then a difference (`lines_left_out`).
    static constexpr std::size_t lines_max = 16;
    iso8583::BusinessDate day;  // of our transaction; of what we do not have: that of its first line
    std::uint16_t route = 0;    // routing::RouteId of the files
    std::string ref;            // recon_ref(): an RRN, or the numbers of a line that has none
    std::vector<ReconLine> lines;
    bool lines_left_out = false;
    ReconStatus status = ReconStatus::unjudged;
    // As judged last.
    IssuerEffect effect = IssuerEffect::sale;  // ours; of what we do not have: the first line's
    std::string merchant;
    std::int64_t ours_minor = 0;
    std::int64_t theirs_minor = 0;
    std::string why;  // a sentence, of a difference
    iso8583::UtcTime judged;
    std::string exception;  // id of the open one; empty: none
    std::string note;       // of a settled one
    std::string settled_by;
    std::string unknown_properties = {};
    /// Its RRN; nothing for a line without one that we do not have.
    [[nodiscard]] std::optional<iso8583::Rrn> rrn() const;
};
std::string encode(const ReconEntry& entry);
iso8583::Result<ReconEntry> decode_recon_entry(std::string_view bytes);

/// A file of an issuer, imported once for its route by its digest.
struct IssuerFileRecord {
    /// In the order of their work: what is not done or refused goes on after a restart.
    enum class State : std::uint8_t { checking = 1, applying = 2, judging = 3, done = 4, refused = 5 };
    /// Of more bad lines only the number is kept.
    static constexpr std::size_t bad_lines_max = 100;
    struct BadLine {
        std::uint64_t line_number = 0;
        std::string what;  // a sentence without content
        friend bool operator==(const BadLine&, const BadLine&) = default;
    };
    std::uint32_t number = 0;  // from 1, in the order of the imports
    State state = State::checking;
    std::uint16_t route = 0;
    std::string sha256;  // 64 hex digits
    std::string name;    // as its owner calls it
    std::uint64_t bytes = 0;
    std::optional<iso8583::BusinessDate> day;  // given with the file: that of lines without a date
    // Where the state's pass stands.
    std::uint64_t offset = 0;       // of the next line
    std::uint64_t line_number = 0;  // lines before it
    std::string cursor;             // judging: the open entry that was looked at last
    // What the passes found.
    std::uint64_t lines = 0;     // with content, the header of a CSV apart
    std::uint64_t applied = 0;   // new ones
    std::uint64_t repeated = 0;  // that an earlier file had
    std::uint64_t replaced = 0;  // that say otherwise than an earlier file
    std::uint64_t bad = 0;
    std::vector<BadLine> bad_lines;
    std::optional<iso8583::BusinessDate> first_day, last_day;  // of its lines, and the day given
    std::string by;
    iso8583::UtcTime began;
    iso8583::UtcTime ended;
    std::string unknown_properties = {};
    [[nodiscard]] bool is_at_its_end() const { return state == State::done || state == State::refused; }
    /// It was applied, and speaks of that day.
    [[nodiscard]] bool covers(iso8583::BusinessDate day) const;
};
std::string_view name(IssuerFileRecord::State state);
std::string encode(const IssuerFileRecord& file);
iso8583::Result<IssuerFileRecord> decode_issuer_file(std::string_view bytes);

/// A business day that was compared, or is.
struct ReconDayRecord {
    enum class State : std::uint8_t { ours = 1, theirs = 2, done = 3 };
    static constexpr std::size_t routes_max = 256;
    iso8583::BusinessDate day;
    State state = State::ours;          // ours: each transaction of the day; theirs: each open entry up to it
    std::vector<std::uint16_t> routes;  // of which files cover the day
    iso8583::Date date;                 // local date whose RRNs are looked at
    std::string cursor;                 // RRN, or open entry, that was looked at last
    std::uint64_t looked_at = 0;
    std::string by;
    iso8583::UtcTime began;
    iso8583::UtcTime ended;
    std::string unknown_properties = {};
};
std::string_view name(ReconDayRecord::State state);
std::string encode(const ReconDayRecord& day);
iso8583::Result<ReconDayRecord> decode_recon_day(std::string_view bytes);

/// How an entry is called: its RRN, or "S" and the numbers of a line without one.
std::string recon_ref(const iso8583::Rrn& rrn);
std::string recon_ref(iso8583::Stan stan, iso8583::TransmissionTime time,
                      const iso8583::TerminalId& terminal);
/// Of the latter; nothing of any other text.
std::optional<iso8583::Stan> stan_of_recon_ref(std::string_view ref);
/// The same content may be another issuer's file as well.
std::string issuer_file_key(std::string_view sha256, std::uint16_t route);
std::string recon_entry_key(iso8583::BusinessDate day, std::uint16_t route, std::string_view ref);
KeyRange recon_entries_of(iso8583::BusinessDate day);
/// Of an entry that is not at its end; the value is empty.
std::string recon_open_key(iso8583::BusinessDate day, std::uint16_t route, std::string_view ref);
struct ReconOpenKey {
    std::string_view ref;  // points into the key
    iso8583::BusinessDate day;
    std::uint16_t route = 0;
};
iso8583::Result<ReconOpenKey> parse_recon_open_key(std::string_view key);
/// Those whose name begins so.
KeyRange recon_open_of(std::string_view ref);
std::string recon_day_key(iso8583::BusinessDate day);

}  // namespace ledger
