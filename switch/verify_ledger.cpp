#include "switch/verify_ledger.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <optional>

#include "ledger/audit_hash.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/ledger.hpp"
#include "ledger/vault_books.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "switch/core/money_check.hpp"
#include "switch/core/orphans.hpp"
#include "switch/core/recon_check.hpp"
#include "switch/exit_codes.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

struct OrphanSums {
    std::size_t records = 0, open = 0, orphans = 0;
    void add(const OrphanSums& other) {
        records += other.records;
        open += other.open;
        orphans += other.orphans;
    }
    void print(const char* of) const {
        std::fprintf(stdout, "%s%zu transactions, %zu not final, %zu orphans\n", of, records, open, orphans);
    }
};

struct Found {
    std::vector<std::string> faults;  // a line each
    std::vector<ledger::SealCount> sealed;
    OrphanReport work;

    void add(const char* about, const std::vector<std::string>& what) {
        for (const std::string& fault : what) faults.push_back(about + fault);
    }
};

/// I1, I2, I12, I13, the sealed cards and the audit chain, as the ledger is; I6a as a start of the switch
/// would find it, recovered in memory; and reconciliation after that.
Result<Found> look_through(ServedShard& shard, const iso8583::Now& now) {
    ledger::Overlay& overlay = *shard.overlay;
    Found found;
    const auto money = find_money_faults(overlay);
    if (!money) return parse_error(money.error().what);
    found.add("money: ", money->faults);
    ledger::Ledger books(overlay);
    books.recover();
    const auto merchants = find_merchant_money_faults(overlay, books.totals());
    if (!merchants) return parse_error(merchants.error().what);
    found.add("money: ", merchants->faults);
    const auto seals = ledger::find_seal_faults(overlay, *shard.vault);
    if (!seals) return tl::unexpected(seals.error());
    found.add("sealed card: ", seals->faults);
    found.sealed = seals->keys;
    if (const auto chain = ledger::verify_audit_chain(overlay, ledger::audit_sha256, std::nullopt, {},
                                                      shard.audit.of_stored_chain());
        !chain)
        found.add("audit chain: ", {chain.error().what});
    if (const auto recovered = shard.core->recover(now); !recovered)
        return parse_error("recovery: " + recovered.error().what);
    shard.core->close_turn(1);
    auto work = find_orphans(overlay, *shard.core->live_work());
    if (!work) return tl::unexpected(work.error());
    found.work = std::move(*work);
    const auto recon = find_recon_faults(overlay);
    if (!recon) return tl::unexpected(recon.error());
    found.add("reconciliation: ", recon->faults);
    return found;
}

int report(ServedShard& shard, const iso8583::Now& now, OrphanSums& sums) {
    const auto found = look_through(shard, now);
    if (!found) {
        std::fprintf(stderr, "refund-switch: %s\n", found.error().what.c_str());
        return exit_failed;
    }
    for (const std::string& fault : found->faults) std::fprintf(stdout, "%s\n", fault.c_str());
    for (const ledger::SealCount& of : found->sealed)
        std::fprintf(stdout, "%llu cards are sealed under vault key %u\n",
                     static_cast<unsigned long long>(of.cards), of.key);
    for (const Orphan& orphan : found->work.orphans)
        std::fprintf(stdout, "orphan: %s\n", orphan.words.c_str());
    const OrphanSums of_shard{found->work.records, found->work.open, found->work.orphans.size()};
    of_shard.print("");
    sums.add(of_shard);
    return found->work.orphans.empty() && found->faults.empty() ? exit_done : exit_failed;
}

}  // namespace

Result<void> compare_backup(const std::string& data) {
    const std::atomic<bool> stop = false;
    const auto manifest = ledger::read_manifest(data);
    if (!manifest) return tl::unexpected(manifest.error());
    const std::vector<std::string> faults = ledger::compare_with_manifest(data, *manifest, stop);
    for (const std::string& fault : faults) std::fprintf(stdout, "backup: %s\n", fault.c_str());
    if (!faults.empty()) return parse_error(data + ": is not the backup that its manifest says");
    return {};
}

int verify_ledger(const std::vector<std::unique_ptr<ServedShard>>& shards, const iso8583::Now& now) {
    int exit_code = exit_done;
    OrphanSums sums;
    for (std::size_t index = 0; index < shards.size(); ++index) {
        if (shards.size() > 1) std::fprintf(stdout, "shard %zu:\n", index);
        exit_code = std::max(exit_code, report(*shards[index], now, sums));
    }
    if (shards.size() > 1) sums.print("in all: ");
    return exit_code;
}

}  // namespace acquirer
