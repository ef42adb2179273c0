// What operators may change, as values. Reads (find, show, list, explain …) never come here: they run on a
// snapshot (operator_views.hpp). Roles and maker ≠ checker are enforced by the core, not by the tool.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/batch_commands.hpp"
#include "switch/core/file_commands.hpp"
#include "switch/core/party_commands.hpp"
#include "switch/core/recon_commands.hpp"
#include "switch/core/view_value.hpp"

namespace acquirer {

/// A role includes viewer; none includes another.
enum class Role : std::uint8_t { viewer, operator_, supervisor, security_officer, admin };
std::string_view name(Role role);
iso8583::Result<Role> parse_role(std::string_view text);

/// Answers whether a refund would be accepted now, and by which rule not. Changes nothing (viewer).
struct CheckRefund {
    std::string rrn, date_mmdd, amount_major;
};
/// Card-not-present refund by operations: always held for a checker (operator).
struct OpenRefund {
    std::string rrn, date_mmdd, amount_major;
    std::string reason;  // a code (refund_reasons.hpp)
    std::string reference;
    std::string note = {};
    ledger::RefundProof proof = {};
};
struct ApproveRefund {  // supervisor, not the maker
    std::string case_number;
};
struct RejectRefund {  // supervisor, not the maker
    std::string case_number, reason;
};
struct CancelRefund {  // operator: takes back a held one
    std::string case_number, reason;
};
/// routes up|down|drain (supervisor).
struct MoveRoute {
    enum class To : std::uint8_t { up, down, drain };
    std::string route;
    To to = To::up;
};
/// merchants suspend|resume|enable-refund|disable-refund (supervisor).
struct ChangeMerchant {
    enum class To : std::uint8_t { suspend, resume, enable_refund, disable_refund };
    std::string merchant;
    To to = To::suspend;
};
/// terminals suspend|resume|close-batch (supervisor).
struct ChangeTerminal {
    enum class To : std::uint8_t { suspend, resume, close_batch };
    std::string terminal;
    To to = To::suspend;
};
/// day cutover (admin). Beyond tomorrow's local date only by force, which needs a second person.
struct CutOverDay {
    bool force = false;
};
/// saf retry ID: attempt now; what is parked goes back into the queue (R70, R71; operator).
struct RetryAdvice {
    std::string rrn;
};
/// saf settle, exceptions settle: two people know what became of it (R70–R72; operator proposes).
struct SettleTransaction {
    std::string id;  // RRN, or an exception's id
    std::string outcome, note;
};
/// saf release: what is stale goes on, in order (R73; supervisor).
struct ReleaseStale {
    std::string route;
    std::int64_t older_than_minutes = 0;
    std::string note;
};
/// abnormal resolve (R74; operator, and others as the way asks).
struct ResolveAbnormal {
    enum class Way : std::uint8_t { retry, merchant_account, alternative_account, cancel };
    std::string id;
    Way way = Way::retry;
    std::string payout_reference;  // of an alternative account: never a PAN
    std::string note;
};
/// refund reopen: a case that was approved and not paid is tried again (R76; operator, then a checker).
struct ReopenRefund {
    std::string case_number, note;
};
/// refund edit: another amount, reason, note or proof for a held case of operations, under the same reference
/// (operator). What is empty stays as it is.
struct EditRefund {
    std::string case_number, amount_major, reason;
    std::string note = {};
    ledger::RefundProof proof = {};
};
/// dispute add (R18: chargeback, two; R78: hold, operator).
struct AddDispute {
    std::string rrn, date_mmdd, amount_major, kind, reference, note;
};
/// dispute close (a hold: supervisor; a chargeback: two).
struct CloseDispute {
    std::string id, outcome, note;
};
/// proposals approve|reject, also of cases (supervisor, never who proposed).
struct DecideProposal {
    enum class To : std::uint8_t { approve, reject };
    std::string id;
    To to = To::approve;
    std::string note;
};
/// exceptions assign|resolve (supervisor); all open ones of a kind: two.
struct ChangeException {
    enum class To : std::uint8_t { assign, resolve, resolve_all };
    std::string id;  // or the kind
    To to = To::assign;
    std::string owner_or_note;
};

/// keys rotate: a new ZAK or ZPK to an issuer (security officer). Answered when the issuer has answered.
struct RotateIssuerKey {
    std::string issuer;
    hsm::KeyKind kind = hsm::KeyKind::zak;
    bool give_up_offered = false;  // make a new one though the issuer may have the one before
};
/// keys list: every key with its kind and check value, which the HSM is asked for (viewer).
struct ListKeys {
    std::string terminal;  // of this terminal's sign-ons; empty: those of issuers and of ranges of terminals
};

/// backup: of the running switch, into a new directory of its machine (admin).
struct BackUp {
    std::string directory;
};
/// accept-restore: what happened after the backup is reconciled, new work may begin (R65; two).
struct AcceptRestore {
    std::string note;
};
/// vault rotate: cards are sealed under a new key from then on, and those before anew (two).
struct RotateVaultKey {
    std::string note;
};
/// vault retire: a key under which nothing is sealed any more is wiped (two).
struct RetireVaultKey {
    std::uint32_t number = 0;
    std::string note;
};
/// policy apply: this policy over that of the files (two). Read and compared by the shell, which knows the
/// files.
struct ProposePolicy {
    std::string text;  // TOML; empty: the files' alone
    std::string version, in_force;
    std::string differences;  // for people
    std::string note;
};

/// reserve add: so much of what the merchant is owed goes into its reserve (R104; two).
struct AddReserve {
    std::string merchant, amount_major, note;
};
/// adjustment charge: a fee that the merchant is charged beside those of its sales (R103; two).
struct ChargeMerchant {
    std::string merchant, amount_major, reference, text;
};
/// adjustment open: so much of a charge is given back, never more than was charged (R103; two).
struct OpenAdjustment {
    std::string merchant, amount_major, charge, reason, reference;
};

/// purge run: what retention lets go, goes now (admin proposes; two).
struct RunPurge {
    bool from_the_beginning = false;  // look at every day again, not only at those since the last run
    std::string note;
};

using OperatorCommand =
    std::variant<CheckRefund, OpenRefund, ApproveRefund, RejectRefund, CancelRefund, MoveRoute,
                 ChangeMerchant, ChangeTerminal, CutOverDay, RetryAdvice, ChangeException, RotateIssuerKey,
                 ListKeys, SettleTransaction, ReleaseStale, ResolveAbnormal, ReopenRefund, EditRefund,
                 AddDispute, CloseDispute, DecideProposal, PutFile, JudgeLines, SubmitBatch, DecideBatch,
                 ChangeBatch, ImportIssuerFile, RunReconciliation, ResolveDifference, BackUp, AcceptRestore,
                 ProposePolicy, AddParty, RemoveParty, AddReserve, ChargeMerchant, OpenAdjustment, RunPurge,
                 RotateVaultKey, RetireVaultKey>;

struct OperatorAnswer {
    bool done = false;
    std::string text;  // one sentence: what was done, or what was wrong
    std::vector<std::pair<std::string, std::string>> values{};  // stable names, for --json
    View data{};                                                // or a whole list instead
};

}  // namespace acquirer
