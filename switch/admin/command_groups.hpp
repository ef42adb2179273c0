// The groups of the command table (commands.hpp), a file each; commands() puts them together in this order.
// What several groups take as arguments stands here once.
#pragma once

#include "switch/admin/commands.hpp"

namespace acquirer::admin {

inline constexpr ArgumentInfo id_argument{"id", ArgumentKind::id, true, true, "RRN or case number"};
inline constexpr ArgumentInfo exception_argument{"exception", ArgumentKind::exception_id, true, true,
                                                 "id, as exceptions list shows it"};
inline constexpr ArgumentInfo note_argument{"note", ArgumentKind::text, true, false,
                                            "why: the proof, in words"};

/// What may be read of one thing, and sums.
std::vector<CommandInfo> look_commands();
/// What may be read of many.
std::vector<CommandInfo> list_commands();
/// Refunds by people.
std::vector<CommandInfo> refund_commands();
/// What leads out of a state that waits for people, and what a second person says to it.
std::vector<CommandInfo> way_out_commands();
/// Routes, parties, keys and the day.
std::vector<CommandInfo> changing_commands();
/// Merchants and terminals beside those of the file.
std::vector<CommandInfo> party_commands();
/// Files that refundctl hands over in pieces.
std::vector<CommandInfo> file_commands();
/// Refunds from a file (R100), and the codes of reasons.
std::vector<CommandInfo> batch_commands();
/// Issuers' files against the ledger (R101).
std::vector<CommandInfo> recon_commands();
/// The switch as a whole: backups, restores, the policy.
std::vector<CommandInfo> store_commands();
/// What was kept long enough.
std::vector<CommandInfo> retention_commands();
std::vector<CommandInfo> vault_commands();
/// A merchant's own money: fees, reserve, adjustments.
std::vector<CommandInfo> money_commands();
/// Reports.
std::vector<CommandInfo> report_commands();

}  // namespace acquirer::admin
