// Key layout: every key the ledger writes. Bytes on disk: do not change; docs/ledger_format.md is their
// document.
//
// clang-format off
// journal (time-ordered, scanned)                     index (looked up whole)
//   't' rrn              transaction record             's' merchant terminal batch stan   trace slot
//   'o' rrn              open work                      'r' merchant reference             operations' reference
//   'n' turn             turn record (totals, counters) 'k' terminal                       terminal record
//   'c'                  checkpoint of the totals       'm' kind id                        operators' override
//   'x' rrn sequence     exception                      'z' kind route                     key exchanged with an issuer
//   'd' date             business day                   'q' id                             proposal
//   'e' date part        sums of a closed business day  'y' id                             dispute
//   'a' sequence         audit chain (audit_log.hpp)
//   'f'                  format marker (ledger_format.hpp)
//   'l' batch line       line of a batch of refunds     'b' id                             batch of refunds
//                                                       'w' merchant reference             its number
//                                                       'u' digest                         file that people handed over
//                                                       'v' digest piece                   its pieces
//   'h' date route ref   what issuers' files say of it  'i' digest route               issuer's file
//   'j' ref date route   open ones of those (recon_records.hpp)
//   'g' date             reconciled business day           'H' merchant token code          authorizations of a card
//                                                       'B' id                             backup it was restored from
//                                                       'P' sequence                       version of the policy
//                                                       'Z'                                key of the audit chain, sealed
//                                                       'Y'                                which of the vault's keys seals
//   'N' number           notice to customer or merchant  'M' kind id                       merchant or terminals that were added
//                                                       'O' merchant order            wallet's order number
//                                                       'D'                                how far notices are delivered
//   'F' merchant date n  entry of its fees              'A' merchant kind reference        charge or adjustment (R103)
//   'R' merchant date n  entry of its reserve              'S' merchant                   its work is in this shard
//   'X' letter …         retention (retention_records.hpp)
// 'p' was an index of a card's sales in format 1: not to be used again.
// clang-format on
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"

namespace ledger {

/// The first byte of a key: what is stored under it. Bytes on disk: do not change.
enum class KeyPrefix : char {
    transaction = 't',
    open_work = 'o',
    turn = 'n',
    checkpoint = 'c',
    exception = 'x',
    business_day = 'd',
    day_sums = 'e',
    audit = 'a',
    format = 'f',
    // index
    trace_slot = 's',
    reference = 'r',
    terminal = 'k',
    operators_override = 'm',
    zone_key = 'z',
    proposal = 'q',
    dispute = 'y',
    sales_of_card = 'p',  // format 1 alone
    refund_batch_line = 'l',
    // index
    refund_batch = 'b',
    refund_batch_reference = 'w',
    file = 'u',
    file_piece = 'v',
    recon_entry = 'h',  // journal
    recon_open = 'j',
    recon_day = 'g',
    issuer_file = 'i',
    restore = 'B',  // index: restore_records.hpp
    policy = 'P',
    notice = 'N',           // journal
    notice_progress = 'D',  // index
    party = 'M',
    fee_entry = 'F',  // journal: merchant_books.hpp
    reserve_entry = 'R',
    adjustment = 'A',             // index
    authorization_of_card = 'H',  // index: authorization_index.hpp
    order_number = 'O',
    audit_key = 'Z',          // index: audit_log.hpp
    vault_keys = 'Y',         // index: vault_books.hpp
    retention = 'X',          // journal: retention_records.hpp
    merchant_of_shard = 'S',  // index: of one of several shards alone
};

/// What an operator's override is about. Bytes on disk: do not change.
enum class OverrideKind : char { merchant = 'M', refunds_of_merchant = 'F', terminal = 'T', route = 'R' };

/// Which of the two keys of an issuer's zone. Bytes on disk: do not change.
enum class ZoneKeyKind : char { zak = 'A', zpk = 'P' };

std::string transaction_key(const iso8583::Rrn& rrn);
std::string open_work_key(const iso8583::Rrn& rrn);
std::string turn_record_key(std::uint64_t turn);
std::string checkpoint_key();
/// The RRN it is about (empty: of no transaction, zeros), "-" and 8 digits.
std::string exception_id(const iso8583::Rrn& rrn, std::uint32_t sequence);
std::string exception_key(std::string_view id);
std::string business_day_key(iso8583::BusinessDate day);
std::string day_sums_key(iso8583::BusinessDate day, std::uint32_t part);
/// `batch` is nothing in the ISO profile.
std::string trace_slot_key(const iso8583::MerchantId& merchant, const iso8583::TerminalId& terminal,
                           std::optional<iso8583::BatchNumber> batch, iso8583::Stan stan);
std::string reference_key(const iso8583::MerchantId& merchant, std::string_view reference);
std::string order_number_key(const iso8583::MerchantId& merchant, std::string_view order_number);
std::string merchant_of_shard_key(const iso8583::MerchantId& merchant);
std::string terminal_key(const iso8583::TerminalId& terminal);
std::string override_key(OverrideKind kind, std::string_view id);
struct OverrideKey {
    OverrideKind kind = OverrideKind::merchant;
    std::string_view id;  // of the merchant or terminal, or the route's name; points into the key
};
/// The other way; an error when it is no override's key.
iso8583::Result<OverrideKey> parse_override_key(std::string_view key);
std::string proposal_key(std::string_view id);
std::string dispute_key(std::string_view id);
std::string vault_record_key();
std::string zone_key_key(ZoneKeyKind kind, std::string_view route);
/// A file by the digest of its content (64 hex digits), and its pieces, from 0.
std::string file_key(std::string_view digest);
std::string file_piece_key(std::string_view digest, std::uint32_t piece);
std::string refund_batch_key(std::string_view id);
/// Lines count from 1.
std::string refund_batch_line_key(std::string_view id, std::uint32_t line);
std::string refund_batch_reference_key(const iso8583::MerchantId& merchant, std::string_view reference);

/// A restored backup by its id; a version of the policy from 1; a policy that waits, by its proposal.
std::string restore_key(std::string_view id);
std::string policy_key(std::uint64_t sequence);
std::string proposed_policy_key(std::string_view proposal);

/// The keys in [from, to).
struct KeyRange {
    std::string from;
    std::string to;
};
KeyRange all_keys(KeyPrefix prefix);
KeyRange policy_versions();
KeyRange transactions_of_day(iso8583::Date day);
/// All parts of a closed business day's sums.
KeyRange sums_of_day(iso8583::BusinessDate day);
KeyRange exceptions_of(const iso8583::Rrn& rrn);
/// The lines of a batch from this one on.
KeyRange refund_batch_lines(std::string_view id, std::uint32_t from_line);
/// How the RRNs of a calendar day begin: YDDD.
std::string rrn_day_prefix(iso8583::Date day);

}  // namespace ledger
