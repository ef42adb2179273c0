// The runtime's part for people: commands to the shards that carry them out, and what reads look at.
#include <algorithm>

#include "ledger/merged_reader.hpp"
#include "switch/io/runtime.hpp"

namespace acquirer {

using iso8583::Now;

std::vector<ShardView> Runtime::views() const {
    std::vector<ShardView> all;
    for (const auto& shard : shards_) all.push_back(shard->view());
    return all;
}

void Runtime::command(OperatorCommanded commanded) { shards_.command(std::move(commanded), *configuration_); }

void Runtime::answered(const ShardPort& from, const AnswerOperator& e) {
    if (!control_) return;
    if (const auto told = shards_.answered(from.index(), e)) control_->answered(e.ticket, *told);
}

ControlView Runtime::control_view() {
    std::vector<CoreStatus> cores;
    std::vector<ShardCounters> all_counters;
    ledger::ShardReaders readers;
    for (ShardView& view : views()) {
        cores.push_back(std::move(view.status));
        all_counters.push_back(view.counters);
        readers.push_back(std::move(view.snapshot));
    }
    const ShardCounters counters = merged(all_counters);
    ShellFigures figures;
    const Now at = now();
    figures.since = begun_.utc;
    figures.uptime_ms = at.instant.ms - begun_.instant.ms;
    figures.answers = answer_times_;
    figures.terminal_links = static_cast<std::uint32_t>(terminals_.size());
    figures.request_inbox = static_cast<std::uint32_t>(counters.request_inbox);
    figures.answer_inbox = static_cast<std::uint32_t>(counters.answer_inbox);
    figures.hsm_available = parts_.hsm.available();
    // The one reader of all comes last: it shares them.
    std::shared_ptr<const ledger::StoreReader> store = readers.front();
    if (readers.size() > 1) store = std::make_shared<ledger::MergedReader>(readers);
    return {std::move(store), merged(cores),
            configuration_,   at,
            figures,          readers.size() > 1 ? std::move(readers) : ledger::ShardReaders{}};
}

}  // namespace acquirer
