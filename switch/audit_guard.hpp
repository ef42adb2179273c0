// The audit chain's key and its second place, outside the core: the key is opened or made, the noted head is
// compared with the ledger before the switch starts, and the newest head is noted by time, in a file and in
// syslog.
//
// Owner: serve(), for as long as the shell runs. Thread: the loop's; the file is written on a thread of its
// own. Errors: sentences. Source: docs/decisions/0043, docs/operations.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "iso8583/values/random_source.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/audit_head.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/config/config.hpp"
#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/wall_clock.hpp"
#include "switch/io/worker.hpp"

namespace acquirer {

struct OpenedAuditKey {
    std::unique_ptr<ledger::HmacAuditKey> key;
    std::string sealed;  // as it is stored, or is to be
    std::string made;  // the same, to be stored with the first entry that carries a MAC; empty: it was stored
    /// What the chain that there is may be checked with.
    [[nodiscard]] const ledger::AuditKey* of_stored_chain() const {
        return made.empty() ? key.get() : nullptr;
    }
};
/// `of_others`: the sealed key of the shards beside this one, whose chain goes under the same; empty: none
/// has one.
iso8583::Result<OpenedAuditKey> open_audit_key(const ledger::StoreReader& store,
                                               const ledger::KeyEncryption& kek,
                                               iso8583::RandomSource& random,
                                               const std::string& of_others = "");

/// The noted head; nothing when there is no such file.
iso8583::Result<std::optional<ledger::AuditHeadLine>> noted_audit_head(const std::string& path);
/// As audit_chain_fault, with the head that the file names; empty: nothing is amiss.
std::string audit_fault_at_start(const ledger::Store& store, const OpenedAuditKey& key,
                                 const AuditOptions& options);

/// An alarm when the newest entry is of a day after tomorrow: the clock had leapt, or is wrong now.
void warn_of_a_ledger_ahead(const ledger::Store& store, Log& log, WallClock& clock);

/// Notes the newest durable entry, at once and every head_seconds.
class AuditHeads {
  public:
    AuditHeads(Reactor& reactor, const ledger::Store& store, const ledger::AuditKey& key,
               const AuditOptions& options, Log& log, WallClock& clock);
    /// Notes the last one, after the runtime and before the store goes.
    void finish();

  private:
    struct Written {
        std::string fault;  // empty: it was
    };
    [[nodiscard]] std::optional<ledger::AuditHeadLine> newest();
    void look();
    Written write(const std::string& text, bool to_syslog) const;
    void tell(const std::string& fault);

    std::unique_ptr<Alarm> alarm_;
    Reactor& reactor_;
    const ledger::Store& store_;
    const ledger::AuditKey& key_;
    const AuditOptions options_;
    Log& log_;
    WallClock& clock_;
    std::optional<ledger::AuditHeadLine> noted_;
    std::string fault_;  // as it was told last
    std::unique_ptr<Worker> worker_;
};

}  // namespace acquirer
