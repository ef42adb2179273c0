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

void Runtime::command(OperatorCommanded commanded) {
    const CommandPlace place = place_of(commanded.command, shards_.map(), *configuration_);
    switch (place.where) {
        case CommandPlace::Where::one:
            static_cast<void>(shards_.at(place.shard).take(Event(std::move(commanded))));
            return;
        case CommandPlace::Where::all:
        case CommandPlace::Where::who_can:
            commanded_[commanded.ticket] = {std::vector<std::optional<OperatorAnswer>>(shards_.size()),
                                            std::nullopt, place.where};
            static_cast<void>(event_arrived(std::move(commanded)));
            return;
        case CommandPlace::Where::others_first:
            commanded_[commanded.ticket] = {std::vector<std::optional<OperatorAnswer>>(shards_.size()),
                                            commanded, place.where};
            for (std::size_t i = 1; i < shards_.size(); ++i)
                static_cast<void>(shards_.at(i).take(Event(commanded)));
            return;
    }
}

void Runtime::answered(const ShardPort& from, const AnswerOperator& e) {
    if (!control_) return;
    const auto at = commanded_.find(e.ticket);
    if (at == commanded_.end()) return control_->answered(e.ticket, e.answer);
    at->second.answers[from.index()] = e.answer;
    std::vector<OperatorAnswer> answers;
    for (const auto& answer : at->second.answers)
        if (answer) answers.push_back(*answer);
    const bool first_is_next = at->second.then_first.has_value();
    if (answers.size() < shards_.size() - (first_is_next ? 1 : 0)) return;
    const std::optional<OperatorCommanded> next = std::move(at->second.then_first);
    const CommandPlace::Where where = at->second.where;
    commanded_.erase(at);
    if (!next) return control_->answered(e.ticket, merged(answers, where));
    const auto against = std::find_if(answers.begin(), answers.end(), [](const auto& a) { return !a.done; });
    if (against != answers.end()) return control_->answered(e.ticket, *against);
    static_cast<void>(shards_.at(0).take(Event(*next)));
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
