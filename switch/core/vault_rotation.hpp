// VaultRotation: changing the key that seals cards. Two people ask for it; the shell makes the new key and
// has it durably in its file before the core hears of it; from that turn on everything new is sealed under
// it, and what older keys have sealed is sealed anew in small slices beside the work, pass after pass until
// one finds nothing. Then two people may retire the old key, which the shell wipes. docs/decisions/0054.
//
// Of a switch with several shards the first does all of this for the one vault. The others seal under its key
// when they are told, each seals its own cards anew and says when it has, and no old key goes before all
// have.
//
//     proposed → approved, `making` written → MakeVaultKey → file synced → VaultKeyMade → `active` written
//              → slices, each in a turn with how far it is → a pass that finds nothing → retire
//
// A crash anywhere goes on from what the ledger says: what was asked of the shell is asked again, and the
// shell answers at once where it is done already.
//
// Ownership: member of SwitchCore; refers to the vault, which outlives it. Thread: the core's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/vault_books.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

class WaysOut;

/// Of one slice: about half a millisecond of the core's thread, between two of which requests go first.
inline constexpr ledger::ResealBounds reseal_slice{128, 32};
inline constexpr std::int64_t reseal_slice_every_ms = 10;
/// How far a pass is becomes durable with what it has sealed, and else this often: what was only looked at is
/// looked at again after a death.
inline constexpr std::uint32_t slices_between_saves = 64;
/// How often the age of the active key is looked at and told.
inline constexpr std::int64_t vault_key_age_every_ms = std::int64_t{24} * 3'600'000;

class VaultRotation {
  public:
    /// Writes an entry of the audit chain.
    using Audit = std::function<void(const std::string& user, std::string action, const std::string& detail)>;

    VaultRotation(CoreContext& context, WaysOut& ways_out);
    void open_audit(Audit audit) { audit_ = std::move(audit); }
    /// A backup copies the ledger first and the vault's file last: that one stays as it is until it has
    /// ended.
    void ask_whether_a_backup_runs(std::function<bool()> running) { backup_runs_ = std::move(running); }

    void recover();
    OperatorAnswer propose(const OperatorCommanded& event, const RotateVaultKey& command);
    OperatorAnswer propose(const OperatorCommanded& event, const RetireVaultKey& command);
    void on_made(const VaultKeyMade& event);
    void on_wiped(const VaultKeyWiped& event);
    /// Of a shard beside the first: what the first one says of the key.
    void on_told(const VaultKeyInUse& word);
    /// Of the first: another has nothing under older keys any more.
    void on_told(std::size_t shard, const VaultResealed& word);
    void on_slice_deadline();
    void on_age_deadline();
    void configuration_replaced() { on_age_deadline(); }
    /// What waited for the end of a backup.
    void backup_ended() { ask_shell(); }
    /// The shell changes the vault's file: no backup may begin.
    [[nodiscard]] bool changes_file() const { return asked_to_make_ || asked_to_wipe_; }
    [[nodiscard]] VaultStatus status() const;

  private:
    std::string begin(const ledger::Proposal& proposal, const std::string& by);
    std::string begin_retiring(const ledger::Proposal& proposal, const std::string& by);
    [[nodiscard]] std::string judged_by() const;
    /// Why a key cannot be made, or this one not be wiped; nothing: it can.
    [[nodiscard]] std::optional<std::string> why_not_rotate() const;
    [[nodiscard]] std::optional<std::string> why_not_retire(std::uint32_t number) const;
    enum class Others : std::uint8_t { resealed, stuck, under_way };
    /// The least that another shard has said of the active key.
    [[nodiscard]] Others others() const;
    void tell_others();
    void tell_first();
    void seal_under(std::uint32_t number);
    void ask_shell();
    void begin_pass(ledger::VaultRecord::Phase phase);
    void end_pass();
    void tell(Severity severity, std::string detail);
    [[nodiscard]] iso8583::UtcTime due() const;

    CoreContext& c_;
    WaysOut& ways_out_;
    Audit audit_;
    std::function<bool()> backup_runs_;
    ledger::VaultRecord state_;
    std::optional<iso8583::Rrn> unreadable_;               // the first of the pass
    std::map<std::size_t, VaultResealed> resealed_there_;  // of other shards, as they have said
    std::uint32_t slices_unsaved_ = 0;
    bool asked_to_make_ = false, asked_to_wipe_ = false;
};

}  // namespace acquirer
