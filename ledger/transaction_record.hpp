// TransactionRecord: one sale, void or refund as the ledger keeps it: what was asked, what was answered,
// where the money stands and what is still to be sent. Its codec is transaction_codec.cpp; the bytes are
// documented in docs/ledger_format.md (do not change; a new member is a new property).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/sale_charges.hpp"
#include "ledger/vault_key_number.hpp"

namespace ledger {

enum class TransactionKind : std::uint8_t { sale = 1, void_sale = 2, refund = 3, authorization = 4 };
std::string_view name(TransactionKind kind);

/// States of all kinds (docs/states.md); which transitions exist is switch/core/transaction_state.hpp.
// Stored: do not change values.
enum class State : std::uint8_t {
    intent = 1,  // durable, not yet released for sending
    sent = 2,    // with the issuer
    approved = 3,
    declined = 4,
    in_doubt = 5,           // outcome unknown; a reversal follows
    reverse_on_answer = 6,  // R34
    reversing = 7,          // a 0420 is queued or on its way
    reversed = 8,
    reversal_stuck = 9,  // the issuer refused the reversal finally: an exception with owner
    voiding = 10,        // sale: a void is with the issuer
    voided = 11,
    void_reversing = 12,  // sale: its void is being reversed (R32)
    tombstone = 13,       // R35
    refused = 14,         // by us, recorded under its key
    held = 15,            // waits for a checker (R17, R20b)
    cleared = 16,         // approved by a checker, to be sent
    rejected = 17,
    expired = 18,
    cancelled = 19,
    advice_pending = 20,  // accepted, the advice goes on until final
    abnormal = 21,        // R55: refused finally after acceptance
    parked = 22,          // outcome unknown, waits for a person
    alternative_account = 23,
    merchant_account = 24,
    processing = 40,  // refund: the wallet has accepted it and works at it; it is asked until it says (R80)
    // Of a pre-authorization (R90–R95).
    authorized = 45,
    auth_voiding = 46,  // its void is with the issuer
    auth_voided = 47,
    completing = 48,  // its completion is with the issuer, or is being undone
    completed = 49,
    lapsed = 50,
    not_collected = 51  // sale: the issuer refused the 0220 that completes it
};
std::string_view name(State state);
/// Does a state have this stored value? They are not one run of numbers.
bool is_state(std::uint64_t value);

// Stored: do not change values.
enum class Instrument : std::uint8_t {
    card = 1,
    unionpay_qr = 2,
    alipay = 3,
    wechat = 4,
    other_wallet = 5  // known by its name alone, which is configuration
};

/// What a wallet's transaction has in place of a card (R80–R83). The payment code is stored nowhere.
struct WalletOf {
    static constexpr std::size_t order_number_characters_max = 32;
    std::string name;          // of the instrument, as configured: "wechat"; empty: no wallet
    std::string order_number;  // the wallet's, of the sale; empty: not known
    friend bool operator==(const WalletOf&, const WalletOf&) = default;
};

/// Accounts of the double entry; `who` of a posting says whose.
enum class Account : std::uint8_t {
    issuer_receivable = 1,  // per route: what the issuer owes us for sales
    merchant_payable = 2,   // per merchant
    refund_in_transit = 3,  // per route: reserved, not yet final at the issuer
    refund_suspense = 4,    // abnormal refunds
    paid_outside = 5,       // abnormal refunds that were paid another way
    chargebacks = 6,        // what customers' banks took back
    merchant_reserve = 7,   // per merchant: kept back for its refunds (R104)
    fee_income = 8          // per merchant: what it pays for its sales
};

/// Debit one account, credit another: a posting sums to zero by its shape.
struct Posting {
    iso8583::BusinessDate day;
    Account debit = Account::issuer_receivable;
    Account credit = Account::merchant_payable;
    std::int64_t amount_minor = 0;
    friend bool operator==(const Posting&, const Posting&) = default;
};

/// A refund that goes over the successor of its retired route (R17, R74): its postings before, back to the
/// change before that, are of the old route's accounts; the one after them carries the money over.
struct Rerouted {
    std::uint16_t from = 0;  // routing::RouteId
    std::uint32_t postings_before = 0;
    friend bool operator==(const Rerouted&, const Rerouted&) = default;
};
inline constexpr std::size_t reroutes_max = 8;

/// What was answered to the terminal, kept as fields: a retry gets it again with a new MAC.
struct StoredAnswer {
    iso8583::ResponseCode code;
    iso8583::AuthorizationCode authorization;  // issuer's, empty when none
    std::string local_time;                    // DE12
    std::string local_date;                    // DE13
    iso8583::BusinessDate business_date;       // DE15
    std::string text;                          // DE44
    std::string icc_data;                      // DE55 of the issuer's answer
    friend bool operator==(const StoredAnswer&, const StoredAnswer&) = default;
};

/// The one advice a record may have to send: a refund's 0220, the 0220 that completes a sale which was asked
/// for by 0100, or the 0420 that reverses the record (or, for a void on a reversal route, its sale). Numbers
/// are fixed here; every attempt carries them.
struct QueuedAdvice {
    // Stored: do not change values.
    enum class Kind : std::uint8_t { none = 0, refund = 1, reversal = 2, completion = 3 };
    enum class Status : std::uint8_t { waiting = 1, in_flight = 2, final = 3, parked = 4 };
    Kind kind = Kind::none;
    Status status = Status::waiting;
    bool of_approved_original =
        false;                    // classes of final answers differ (refund_rules.md, store-and-forward)
    bool not_found_once = false;  // R51a: 25/76 seen, quarantine running
    std::uint32_t attempts = 0;   // "attempted" is durable before the first byte leaves
    std::uint32_t stan = 0;       // DE11
    std::uint32_t transmission_time = 0;  // DE7, MMDDhhmmss
    iso8583::UtcTime next_attempt;        // stored deadline
    iso8583::UtcTime queued;
    std::string last_code;  // DE39 of the last answer
    // Of a refund over a route that works at refunds by itself (R80); zero over others.
    std::uint32_t polls = 0;  // how often it was asked while processing
    iso8583::UtcTime processing_since;
    iso8583::UtcTime first_attempt;  // the next refund of the sale keeps a distance from it
    friend bool operator==(const QueuedAdvice&, const QueuedAdvice&) = default;
};

/// DE11 and DE7 under which an earlier 0220 of a refund left: a late answer to it still counts (R74).
struct EarlierAttempt {
    std::uint32_t stan = 0;
    std::uint32_t transmission_time = 0;
    friend bool operator==(const EarlierAttempt&, const EarlierAttempt&) = default;
};
inline constexpr std::size_t earlier_attempts_max = 8;

/// What people decided, or found out, about a transaction (docs/refund_rules.md, "Ways out").
struct Decided {
    bool by_people = false;         // R70: the outcome of its advice is a person's word, not the issuer's
    bool reversal_refused = false;  // R31, R72: its reversal was refused for good; repeats get 12
    bool paid_twice = false;        // the issuer paid after a way out was taken
    std::int64_t counted_again_minor = 0;  // of a cancelled one that the issuer paid after all
    std::optional<iso8583::Rrn> reopens;   // R76: the case that this one tries again
    std::string payout;                    // R74: the reference of the payout outside
    friend bool operator==(const Decided&, const Decided&) = default;
};

/// A terminal's key that asked for a held refund which another key had asked for before (R20b).
struct AskingKey {
    iso8583::TerminalId terminal;
    iso8583::BatchNumber batch;           // empty in the ISO profile
    iso8583::Stan stan;                   // DE11
    std::uint32_t transmission_time = 0;  // DE7; 0 in unionpay-pos
    std::string processing_code;          // DE3
    std::uint64_t reversal_digest = 0;    // of its reversal that was answered 00 while others stood; else 0
    std::string operator_number;          // who stood at the till (DE63.1 of the sign-on); empty: not known
    [[nodiscard]] bool is_same_key(const AskingKey& other) const;
    friend bool operator==(const AskingKey&, const AskingKey&) = default;
};
inline constexpr std::size_t joined_keys_max = 16;  // beside the key of the case itself

/// One case for several keys. Its own key is that of the record. The reversal that ends it stands in the
/// record's reversal_digest, as that of every transaction.
struct SharedCase {
    std::uint64_t own_reversal_digest = 0;  // its own key was reversed while others stood
    std::vector<AskingKey> joined;          // in the order in which they came, at most joined_keys_max
    friend bool operator==(const SharedCase&, const SharedCase&) = default;
};

/// What a record's messages to its issuer say of place and time, fixed when the first of them is made: a
/// repeat says the same, whatever the clock, the zone or the configuration say by then.
struct IssuerTerms {
    std::int32_t local_offset_s = 0;   // east of UTC, of DE12 and DE13
    bool foreign_half = false;         // of DE48 in the terminal's settlement
    iso8583::InstitutionId acquirer;   // DE32, DE90
    iso8583::InstitutionId forwarder;  // DE33, DE90
    friend bool operator==(const IssuerTerms&, const IssuerTerms&) = default;
};

/// R39: a terminal's reversal of a part of a sale. Each has a 0420 of its own; they leave one after the
/// other.
struct PartialReversal {
    // Stored: do not change values.
    enum class Status : std::uint8_t { waiting = 1, done = 2, refused = 3 };
    Status status = Status::waiting;
    std::uint64_t digest = 0;             // of the terminal's reversal (R31)
    std::int64_t left_minor = 0;          // what it leaves of the sale: DE95
    std::uint32_t stan = 0;               // DE11 and DE7 of its 0420; 0 while it has none
    std::uint32_t transmission_time = 0;  // MMDDhhmmss
    friend bool operator==(const PartialReversal&, const PartialReversal&) = default;
};
/// Each has at most two postings in its sale (postings_bound.hpp).
inline constexpr std::size_t partial_reversals_max = 8;

/// What partial reversals did to a sale; without any of them nothing is stored.
struct Lowering {
    std::int64_t first_minor = 0;            // the sale's amount before the first of them
    std::vector<PartialReversal> reversals;  // oldest first, at most partial_reversals_max
    friend bool operator==(const Lowering&, const Lowering&) = default;
};

/// What people showed when they opened a refund: a file, of which name and SHA-256 are kept, or words.
struct RefundProof {
    std::string text;
    std::string file_name;
    std::string file_digest;  // 64 hex digits; empty: no file
    [[nodiscard]] bool empty() const { return text.empty() && file_digest.empty(); }
    friend bool operator==(const RefundProof&, const RefundProof&) = default;
};

/// The line of a batch of refunds that this one is of (R100).
struct BatchLineOf {
    std::string batch;  // its number; empty: of none
    std::uint32_t line = 0;
    friend bool operator==(const BatchLineOf&, const BatchLineOf&) = default;
};

/// One line of the record's history, for `refundctl explain`: rule and new state.
struct HistoryEntry {
    iso8583::UtcTime at;
    State state = State::intent;
    std::string rule;  // "R30"
    friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

/// The smallest part of the history that is kept when it grows over the bound: the first and the newest.
inline constexpr std::size_t history_entries_max = 24;

struct TransactionRecord {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of the story
    iso8583::Rrn rrn;
    TransactionKind kind = TransactionKind::sale;
    State state = State::intent;
    std::uint8_t refusal = 0;            // acquirer::Refusal when refused
    std::uint8_t profile = 0;            // acquirer::Profile of the terminal
    std::uint8_t noticed = 0;            // NoticeKind of the last notice about it (notice.hpp)
    bool from_operations = false;        // opened by refundctl, no terminal waits
    bool hold = false;                   // operations: no refund (R14)
    bool reversal_exception = false;     // sale: an R33 exception is open on one of its refunds (R20b)
    bool cut_in_doubt = false;           // its outcome was once unknown (R20a: a retry is never 00)
    bool turned_into_void = false;       // void: the terminal asked for a refund (R9)
    bool reverse_if_void_fails = false;  // sale being voided: its reversal arrived meanwhile (R34)

    // As asked.
    iso8583::MerchantId merchant;
    iso8583::TerminalId terminal;
    iso8583::BatchNumber batch;
    iso8583::Stan stan;
    iso8583::TransmissionTime transmission_time;  // ISO profile
    std::string message_type;                     // 60.1
    std::string processing_code;                  // DE3
    std::uint64_t digest = 0;                     // of the request's content (R21)
    std::uint64_t reversal_digest = 0;  // of the terminal's reversal that was answered 00; 0 when none
    iso8583::Amount amount;             // of a sale: what stands of it; partly approved (R26), lowered (R39)
    std::int64_t asked_minor = 0;  // sale whose terminal takes a partial approval (60.6 = 1): what it asked
    iso8583::PanToken pan_token;
    std::string sealed_card;                       // PAN, expiry (pan_vault), record key = RRN
    std::uint32_t sealed_under = first_vault_key;  // number of the vault's key that sealed it
    std::string pan_masked;                        // first 6, last 4
    /// Open business day when retention took the card number out of the record; nothing: it did not.
    std::optional<iso8583::BusinessDate> card_purged;
    std::string entry_mode;       // DE22
    std::string operator_number;  // DE63.1 of the terminal's sign-on: who stood at the till; empty: not known
    Instrument instrument = Instrument::card;
    WalletOf wallet;
    std::uint32_t policy_version = 0;
    std::string reason;  // operations: why, as a code; and in words of their own
    std::string note;
    RefundProof proof;
    std::string reference;  // theirs
    BatchLineOf batch_line;
    std::string maker;  // who opened it, and who decided
    std::string checker;

    // Time and place.
    iso8583::UtcTime created;
    iso8583::UtcTime updated;
    iso8583::Date local_date;             // DE13 given to the terminal; 61.3 is compared with it
    iso8583::BusinessDate business_date;  // day in which it was committed

    // Towards the issuer.
    std::uint16_t route = 0;  // routing::RouteId; the route of a refund is its sale's
    bool asked_by_0100 =
        false;  // an authorization, its void, a sale of a dual-message route: DE90 names 0100
    std::uint32_t issuer_stan = 0;               // DE11 of the 0200
    std::uint32_t issuer_transmission_time = 0;  // DE7 of the 0200, MMDDhhmmss
    iso8583::AuthorizationCode issuer_authorization;
    /// DE38 of an approval that came while its 0420 was on its way: no repeat may name it (R54).
    iso8583::AuthorizationCode late_authorization;
    QueuedAdvice advice;
    std::vector<EarlierAttempt> earlier_attempts;  // oldest first, at most earlier_attempts_max
    EarlierAttempt asked_as_void;  // R9: DE11 and DE7 of the void that was declined before the refund; else 0
    Decided decided;
    Lowering lowering;                        // of a sale (R39)
    std::optional<IssuerTerms> issuer_terms;  // none: nothing was made yet, or by a program before them
    SharedCase shared;                        // refund: other keys that asked for the same (R20b)

    // Pre-authorization (R90–R95).
    std::optional<iso8583::Rrn> completed_by;  // authorization: its newest completion
    bool of_authorization = false;             // void: what it voids is an authorization
    bool completed_by_advice = false;          // completion: a terminal's advice (R94)
    std::uint32_t completion_percent = 0;      // completion: its bound when it was judged, of the authorized
    std::uint32_t completion_stan = 0;         // sale: DE11 and DE7 of the 0220 that the issuer has taken
    std::uint32_t completion_transmission_time = 0;

    // Chains.
    std::optional<iso8583::Rrn> original;  // refund, void: the sale; completion, void: the authorization
    std::optional<iso8583::Rrn>
        last_refund;                        // sale: newest refund; refund: the one before it on the same sale
    std::optional<iso8583::Rrn> voided_by;  // sale: its void
    std::int64_t refunds_minor = 0;         // sale: every refund that counts
    std::uint32_t refunds_count = 0;        // sale: how many count
    std::int64_t chargebacks_minor = 0;     // sale

    // The merchant's money; its postings are entries of merchant_books.hpp.
    SaleCharges charges;              // sale
    std::int64_t drawn_minor = 0;     // refund: what the merchant's reserve pays of it (R104)
    std::vector<CautionHit> caution;  // refund: bounds of R28 that it went over, each at most once

    std::optional<StoredAnswer> answer;
    std::vector<Posting> postings;
    std::vector<Rerouted> reroutes;  // of a refund, oldest first, at most reroutes_max
    std::vector<HistoryEntry> history;
    std::string unknown_properties;  // of a newer program, written back as they stand

    /// What was approved, before partial reversals lowered it (R39).
    [[nodiscard]] iso8583::Amount first_amount() const {
        return lowering.reversals.empty() ? amount : iso8583::Amount(lowering.first_minor, amount.currency());
    }
    /// Approved for less than was asked (R26).
    [[nodiscard]] bool is_partly_approved() const { return asked_minor > first_amount().minor_units(); }
    /// What the issuer was asked for.
    [[nodiscard]] iso8583::Amount asked_amount() const {
        return is_partly_approved() ? iso8583::Amount(asked_minor, amount.currency()) : first_amount();
    }
    /// What a reversal of all of it carries: what was asked for (R26), or what partial reversals left (R39).
    [[nodiscard]] iso8583::Amount reversal_amount() const {
        return amount == first_amount() ? asked_amount() : amount;
    }
    /// Is it what was approved first, or what was asked for? A terminal's reversal may carry either (R26,
    /// R39).
    [[nodiscard]] bool names_amount(std::int64_t minor_units) const {
        return minor_units == first_amount().minor_units() || minor_units == asked_amount().minor_units();
    }
    /// The partial reversal whose 0420 is not final: the record's advice is that one's. Nothing: there is
    /// none.
    [[nodiscard]] const PartialReversal* open_partial() const;
    [[nodiscard]] PartialReversal* open_partial();
    /// What the partial reversals leave that were not refused.
    [[nodiscard]] std::int64_t lowered_to_minor() const;
    /// Of whose account the debit and the credit of the n-th posting are: routing::RouteId.
    [[nodiscard]] std::uint16_t debit_route(std::size_t n) const;
    [[nodiscard]] std::uint16_t credit_route(std::size_t n) const;
    /// A sale that completes an authorization (R92, R94).
    [[nodiscard]] bool is_completion() const { return kind == TransactionKind::sale && original.has_value(); }
    /// R94: the 0220 that completes it is not final.
    [[nodiscard]] bool is_uncollected() const {
        return advice.kind == QueuedAdvice::Kind::completion && advice.status != QueuedAdvice::Status::final;
    }
    /// Sale − refunds that count − chargebacks; never below 0.
    [[nodiscard]] std::int64_t remaining_minor() const;
    friend bool operator==(const TransactionRecord&, const TransactionRecord&) = default;
};

/// True for a refund that counts in Remaining.
bool counts_in_remaining(State refund_state);
/// What of a refund counts in Remaining: all of it or nothing, but for a cancelled one that was paid after
/// all.
std::int64_t counted_minor(const TransactionRecord& refund);
/// True while the story of the record has not ended: an answer, an advice, a checker, a person must still
/// come (it has an open-work entry). A tombstone's end is its age, or the end of its blind 0420 (R35).
bool is_open(const TransactionRecord& record);

std::string encode(const TransactionRecord& record);
/// The error names the record kind and the field; never content.
iso8583::Result<TransactionRecord> decode_transaction_record(std::string_view bytes);

}  // namespace ledger
