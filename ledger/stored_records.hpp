// Records beside the transactions': trace slots, exceptions, proposals, disputes, terminals, overrides, zone
// keys, business days. Their bytes: docs/ledger_format.md, "Other records"; what stands under which key:
// key_layout.hpp. Amounts in minor units. A record that does not decode is damage and said with its field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/key_layout.hpp"

namespace ledger {

/// One use of a trace number: what was asked under it, and which record it led to. The slot of a terminal,
/// batch and trace is idempotency key, tombstone and index in one.
struct TraceEntry {
    std::uint8_t message_class = 2;  // 2 financial, 4 a tombstone's, 5 a settlement's (ISO)
    bool tombstone = false;
    std::string message_type;             // 60.1, empty in the ISO profile
    std::string processing_code;          // DE3
    std::uint32_t transmission_time = 0;  // DE7; 0 in unionpay-pos
    std::uint64_t digest = 0;
    std::int64_t created_ms = 0;
    std::string local_stamp;  // DE12 + DE13 and 9F36 of a sale: what tells a new one from a retry
    iso8583::Rrn rrn;
    std::string unknown_properties = {};  // here and below: of a newer program, written back as they stand
    friend bool operator==(const TraceEntry&, const TraceEntry&) = default;
};

struct TraceSlot {
    /// More uses of one trace drop the oldest that is older than a day; a fresh flood is refused by the
    /// caller.
    static constexpr std::size_t entries_max = 16;
    std::vector<TraceEntry> entries;
    std::string unknown_properties = {};
};
std::string encode(const TraceSlot& slot);
iso8583::Result<TraceSlot> decode_trace_slot(std::string_view bytes);

/// Whether somebody must be called.
enum class Urgency : std::uint8_t { routine, alarm };

/// Something a person must look at. Exceptions of one transaction stand together in the journal.
struct ExceptionRecord {
    std::string id;  // exception_id()
    iso8583::UtcTime opened;
    std::string kind;        // stable word: "unmatched_reply", "reversal_stuck" …
    std::string rule;        // "R63"
    std::string owner;       // "operations" until assigned
    std::string text;        // a sentence
    std::string resolution;  // empty while open
    std::string resolved_by;
    bool alarm = false;
    std::string subject;        // of what is about no transaction: a route's name, TERMINAL/BATCH …
    std::uint32_t repeats = 0;  // how often the same happened again while it was open
    /// What was seen at the last of the repeats, newest last.
    std::vector<std::string> last_texts;
    static constexpr std::size_t last_texts_max = 10;
    iso8583::UtcTime resolved = {};  // 0: open, or closed by a program that did not note it
    std::string unknown_properties = {};
};
std::string encode(const ExceptionRecord& exception);
iso8583::Result<ExceptionRecord> decode_exception(std::string_view bytes);

/// What one person asks and another has to approve: a way out of a waiting state (docs/refund_rules.md, "Ways
/// out").
struct Proposal {
    enum class State : std::uint8_t { open = 1, approved = 2, rejected = 3, lapsed = 4 };
    std::string id;  // "P" and 8 digits or more
    State state = State::open;
    std::string action;   // stable word: "settle", "abnormal", "dispute_close" …
    std::string outcome;  // "done", "refused", "reversed", "merchant_account" …
    iso8583::Rrn rrn;     // of the transaction it is about; empty: of none
    std::string subject;  // dispute, payout reference
    std::int64_t amount_minor = 0;
    std::string note;
    std::string maker;
    iso8583::UtcTime opened;
    std::uint32_t approvals_needed = 1;
    std::vector<std::string> approvals;  // names
    static constexpr std::size_t approvals_max = 8;
    /// Over all of the above and the transaction's state and last event (ruling 4).
    std::uint64_t digest = 0;
    std::string ended_by;
    iso8583::UtcTime ended;
    std::string unknown_properties = {};
};
std::string_view name(Proposal::State state);
std::string encode(const Proposal& proposal);
iso8583::Result<Proposal> decode_proposal(std::string_view bytes);

/// What the customer's bank or the merchant disputes about a sale (R18, R78).
struct Dispute {
    enum class Kind : std::uint8_t { chargeback = 1, hold = 2 };
    enum class State : std::uint8_t { open = 1, won = 2, lost = 3, closed = 4 };
    std::string id;  // "D" and 8 digits or more
    Kind kind = Kind::hold;
    State state = State::open;
    iso8583::Rrn sale;
    std::int64_t amount_minor = 0;   // of a chargeback
    std::int64_t counted_minor = 0;  // what of it counts in Remaining
    std::string reference;
    std::string opened_by;
    iso8583::UtcTime opened;
    std::string closed_by;
    iso8583::UtcTime closed;
    std::string note;
    std::string unknown_properties = {};
};
std::string_view name(Dispute::Kind kind);
std::string_view name(Dispute::State state);
std::string encode(const Dispute& dispute);
iso8583::Result<Dispute> decode_dispute(std::string_view bytes);

/// Working keys, open batch and last settlement of a terminal.
struct TerminalRecord {
    /// One that is proven, and those that strangers and the terminal itself asked for since. The reader takes
    /// no more, so the writer may not have more.
    static constexpr std::size_t keys_max = 33;
    struct KeyVersion {
        std::uint32_t version = 0;
        std::string pin_key;  // key blocks under the LMK
        std::string mac_key;
        std::string operator_number = {};  // DE63.1 of the sign-on that asked for them; may be empty
        std::string unknown_properties = {};
    };
    struct BatchTotals {
        std::int64_t debit_minor = 0;
        std::int64_t credit_minor = 0;
        std::uint32_t debit_count = 0;
        std::uint32_t credit_count = 0;
        friend bool operator==(const BatchTotals&, const BatchTotals&) = default;
    };
    /// Of DE48.
    struct HalvesOfTotals {
        BatchTotals domestic, foreign;
        friend bool operator==(const HalvesOfTotals&, const HalvesOfTotals&) = default;
    };
    iso8583::TerminalId terminal;
    iso8583::BatchNumber batch = iso8583::BatchNumber::of(1);  // the open one
    std::uint32_t next_key_version = 1;
    std::uint32_t proven_key_version = 0;
    std::vector<KeyVersion> keys;         // newest first, at most keys_max
    bool uploading = false;               // unbalanced: waits for the upload's end
    std::optional<HalvesOfTotals> named;  // what the last 0500 said that waits for it
    BatchTotals batch_totals;  // of the open batch, as of the last checkpoint: totals.hpp folds the rest
    // The last settlement, answered again when it is repeated.
    iso8583::BatchNumber closed_batch;
    BatchTotals closed_totals;  // as the terminal sent them
    std::uint32_t closed_stan = 0;
    std::uint32_t closed_transmission_time = 0;
    char closed_code = '0';  // 1 balanced, 2 not
    std::string closed_rrn;
    std::string closed_local_time, closed_local_date;
    iso8583::BusinessDate closed_day;
    BatchTotals closed_foreign_totals;  // the other half of DE48, as the terminal sent it
    std::string operator_number;        // of the sign-on whose keys verified last, before that of the latest
    std::string unknown_properties = {};
};
std::string encode(const TerminalRecord& terminal);
iso8583::Result<TerminalRecord> decode_terminal(std::string_view bytes);

/// An operator's change that wins over the files; of what, its key says.
struct OverrideRecord {
    // "suspended", "resumed", "refund_enabled", "refund_disabled", "down", "drain"; empty: as configured
    std::string state;
    std::string user;
    iso8583::UtcTime at;
    std::string unknown_properties = {};
};
std::string encode(const OverrideRecord& override_record);
iso8583::Result<OverrideRecord> decode_override(std::string_view bytes);

/// A ZAK or ZPK that was changed with an issuer (0800). It stands for the key of the files from which the
/// exchanges began; another key there is the operators' word and ends it.
struct ZoneKeyRecord {
    struct Key {
        std::string block;  // under the LMK; empty: none
        std::string kcv;    // 6 hex digits
        friend bool operator==(const Key&, const Key&) = default;
    };
    ZoneKeyKind kind = ZoneKeyKind::zak;
    std::string route;       // name
    std::string configured;  // key block of the files
    Key current;             // empty block: that of the files still, only an offer stands
    iso8583::UtcTime since;
    std::string by;  // user, or "issuer"
    Key previous;    // verifies until then; empty: none
    iso8583::UtcTime previous_until;
    /// Ours, sent to the issuer and not answered: it may have it already. Kept until an answer says so or
    /// not.
    Key offered;
    std::string offered_under_zmk;
    std::string offered_by;
    std::uint32_t offers = 0;  // how often it was sent
    std::string unknown_properties = {};
    friend bool operator==(const ZoneKeyRecord&, const ZoneKeyRecord&) = default;
};
std::string encode(const ZoneKeyRecord& key);
iso8583::Result<ZoneKeyRecord> decode_zone_key(std::string_view bytes);

struct BusinessDayRecord {
    iso8583::BusinessDate day;  // the day that began
    iso8583::UtcTime at;
    std::string by;  // user, or "schedule"
    std::string unknown_properties = {};
};
/// A part of what a closed business day's accounts summed up to.
struct DaySumsRecord {
    static constexpr std::size_t sums_max = 1'000;  // a part has at most so many
    iso8583::BusinessDate day;
    std::string sums;  // as Totals::checkpoint() writes them
    std::string unknown_properties = {};
};
/// The sales that one order number of a wallet names: one, and a second at most, so that it is seen to be no
/// name of one.
inline constexpr std::size_t order_sales_max = 2;
std::string encode_order_sales(const std::vector<iso8583::Rrn>& sales);
iso8583::Result<std::vector<iso8583::Rrn>> decode_order_sales(std::string_view bytes);
std::string encode(const DaySumsRecord& part);
iso8583::Result<DaySumsRecord> decode_day_sums(std::string_view bytes);
std::string encode(const BusinessDayRecord& day);
iso8583::Result<BusinessDayRecord> decode_business_day(std::string_view bytes);

}  // namespace ledger
