#include "switch/io/shards.hpp"

#include <algorithm>
#include <set>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/overloaded.hpp"
#include "ledger/number_plan.hpp"

namespace acquirer {

std::size_t shard_of(const iso8583::MerchantId& merchant, std::size_t shards) {
    if (shards == 1) return 0;
    std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a, 64 bits
    for (const char c : merchant.view()) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3U;
    return static_cast<std::size_t>(hash % shards);
}

std::size_t ShardMap::of(const iso8583::MerchantId& merchant) const {
    if (shards_ == 1) return 0;
    const auto at = written_.find(merchant);
    return at == written_.end() ? shard_of(merchant, shards_) : at->second;
}

// ---- commands

namespace {

CommandPlace one(std::size_t shard) { return {CommandPlace::Where::one, shard, ""}; }
CommandPlace all() { return {CommandPlace::Where::all, 0, ""}; }
CommandPlace not_with_several(const char* what) {
    return {CommandPlace::Where::nowhere, 0,
            std::string(what) + " cannot be done by a switch with several shards ([store] shards)"};
}

/// An operator's word that no shard knows is refused by the first one.
struct Placing {
    const ShardMap& map;
    const Configuration& configuration;

    [[nodiscard]] CommandPlace of_merchant(const std::string& text) const {
        const auto merchant = iso8583::MerchantId::parse(text);
        return one(merchant ? map.of(*merchant) : 0);
    }
    [[nodiscard]] CommandPlace of_terminal(const std::string& text) const {
        const auto terminal = iso8583::TerminalId::parse(text);
        const TerminalRange* range = terminal ? configuration.find_terminal(*terminal) : nullptr;
        return one(range == nullptr ? 0 : map.of(range->merchant));
    }
    /// An RRN, a case (an RRN too), or a number that people count.
    [[nodiscard]] CommandPlace of_id(const std::string& id) const {
        const auto by_rrn = ledger::shard_of_rrn(id, map.size());
        if (by_rrn) return one(*by_rrn);
        return one(ledger::shard_of_number(id, map.size()).value_or(0));
    }

    CommandPlace operator()(const CheckRefund& c) const { return of_id(c.rrn); }
    CommandPlace operator()(const OpenRefund& c) const { return of_id(c.rrn); }
    CommandPlace operator()(const ApproveRefund& c) const { return of_id(c.case_number); }
    CommandPlace operator()(const RejectRefund& c) const { return of_id(c.case_number); }
    CommandPlace operator()(const CancelRefund& c) const { return of_id(c.case_number); }
    CommandPlace operator()(const ReopenRefund& c) const { return of_id(c.case_number); }
    CommandPlace operator()(const EditRefund& c) const { return of_id(c.case_number); }
    CommandPlace operator()(const RetryAdvice& c) const { return of_id(c.rrn); }
    CommandPlace operator()(const SettleTransaction& c) const { return of_id(c.id); }
    CommandPlace operator()(const ResolveAbnormal& c) const { return of_id(c.id); }
    CommandPlace operator()(const AddDispute& c) const { return of_id(c.rrn); }
    CommandPlace operator()(const CloseDispute& c) const { return of_id(c.id); }
    CommandPlace operator()(const DecideProposal& c) const { return of_id(c.id); }
    CommandPlace operator()(const ChangeException& c) const {
        return c.to == ChangeException::To::resolve_all ? all() : of_id(c.id);
    }

    CommandPlace operator()(const ChangeMerchant& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ChangeTerminal& c) const { return of_terminal(c.terminal); }
    CommandPlace operator()(const AddReserve& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ChargeMerchant& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const OpenAdjustment& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ListKeys& c) const { return of_terminal(c.terminal); }

    // Of every shard its own part.
    CommandPlace operator()(const MoveRoute&) const { return all(); }
    CommandPlace operator()(const CutOverDay&) const { return all(); }
    CommandPlace operator()(const ReleaseStale&) const { return all(); }
    CommandPlace operator()(const AcceptRestore&) const { return all(); }
    CommandPlace operator()(const RunPurge&) const { return all(); }

    // Batches are of a merchant; their files are handed over before anybody says whose they are.
    CommandPlace operator()(const PutFile&) const { return all(); }
    CommandPlace operator()(const JudgeLines& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const SubmitBatch& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const DecideBatch& c) const { return of_id(c.batch); }
    CommandPlace operator()(const ChangeBatch& c) const { return of_id(c.batch); }

    // Of no merchant: the first shard keeps it for all.
    CommandPlace operator()(const RotateIssuerKey&) const { return one(0); }
    CommandPlace operator()(const ProposePolicy&) const { return one(0); }
    CommandPlace operator()(const AddParty&) const { return one(0); }

    CommandPlace operator()(const RemoveParty&) const {
        return not_with_several("taking back a merchant or terminals that were added");
    }
    CommandPlace operator()(const ImportIssuerFile&) const { return not_with_several("a reconciliation"); }
    CommandPlace operator()(const RunReconciliation&) const { return not_with_several("a reconciliation"); }
    CommandPlace operator()(const ResolveDifference&) const { return not_with_several("a reconciliation"); }
    CommandPlace operator()(const RotateVaultKey&) const {
        return not_with_several("changing the vault's key");
    }
    CommandPlace operator()(const RetireVaultKey&) const {
        return not_with_several("retiring a key of the vault");
    }
    CommandPlace operator()(const BackUp&) const {
        return not_with_several(
            "a backup of the running ledger (copy the data directory while the switch is stopped)");
    }
};

}  // namespace

CommandPlace place_of(const OperatorCommand& command, const ShardMap& map,
                      const Configuration& configuration) {
    if (map.size() == 1) return one(0);
    return std::visit(Placing{map, configuration}, command);
}

OperatorAnswer merged(const std::vector<OperatorAnswer>& answers) {
    ENSURE(!answers.empty());
    OperatorAnswer out = answers.front();
    const bool alike = std::all_of(answers.begin(), answers.end(),
                                   [&](const OperatorAnswer& a) { return a.text == out.text; });
    out.done = std::all_of(answers.begin(), answers.end(), [](const OperatorAnswer& a) { return a.done; });
    if (alike) return out;
    out.text.clear();
    for (std::size_t shard = 0; shard < answers.size(); ++shard)
        out.text += (shard == 0 ? "shard " : "; shard ") + std::to_string(shard) + ": " + answers[shard].text;
    return out;
}

// ---- figures

CoreStatus merged(const std::vector<CoreStatus>& all) {
    ENSURE(!all.empty());
    CoreStatus out = all.front();
    for (std::size_t i = 1; i < all.size(); ++i) {
        const CoreStatus& s = all[i];
        out.business_date = std::min(out.business_date, s.business_date);
        out.last_rrn = std::max(out.last_rrn, s.last_rrn);
        out.turns += s.turns;
        out.pending += s.pending;
        out.held += s.held;
        out.open_exceptions += s.open_exceptions;
        out.accepts_new_work = out.accepts_new_work && s.accepts_new_work;
        out.orphans += s.orphans;
        if (!out.restored) out.restored = s.restored;
        // Looked for everywhere only when the last of them was.
        out.orphans_looked_for = std::min(out.orphans_looked_for, s.orphans_looked_for);
        out.notices_waiting += s.notices_waiting;
        out.notices_stuck = out.notices_stuck || s.notices_stuck;
        for (const auto& [label, count] : s.counters) out.counters[label] += count;
        for (const RouteStatus& theirs : s.routes)
            for (RouteStatus& route : out.routes)
                if (route.name == theirs.name) {
                    route.in_flight += theirs.in_flight;
                    route.queued_advices += theirs.queued_advices;
                }
    }
    return out;
}

ShardCounters merged(const std::vector<ShardCounters>& all) {
    ENSURE(!all.empty());
    ShardCounters out = all.front();
    for (std::size_t i = 1; i < all.size(); ++i) {
        out.request_inbox += all[i].request_inbox;
        out.answer_inbox += all[i].answer_inbox;
        out.events_stepped += all[i].events_stepped;
        out.syncs += all[i].syncs;
        out.cold_requests += all[i].cold_requests;
        out.sync.add(all[i].sync);
    }
    return out;
}

ledger::StoreHealth merged(const std::vector<ledger::StoreHealth>& all) {
    ENSURE(!all.empty());
    ledger::StoreHealth out = all.front();
    for (std::size_t i = 1; i < all.size(); ++i) {
        if (out.accepts_new_work && !all[i].accepts_new_work) {
            out.accepts_new_work = false;
            out.reason = all[i].reason;
        }
        out.disk_free_bytes = std::min(out.disk_free_bytes, all[i].disk_free_bytes);
        out.log_bytes += all[i].log_bytes;
        if (!out.failed) out.failed = all[i].failed;
        if (out.warning.empty()) out.warning = all[i].warning;
    }
    return out;
}

// ---- events

Shards::Shards(std::vector<std::unique_ptr<ShardPort>> shards, ShardMap map)
    : shards_(std::move(shards)), map_(std::move(map)) {
    ENSURE(!shards_.empty() && shards_.size() == map_.size());
}

void Shards::take(RequestArrived request) {
    ShardPort& shard = *shards_[map_.of(request.request.merchant)];
    shard.take(std::move(request));
}

ShardPort& Shards::asked_by(const Event& event) const {
    const auto* reply = std::get_if<IssuerReplyArrived>(&event);
    // What no shard has given answers nothing: the first says so (R63).
    return *shards_[reply == nullptr ? 0
                                     : ledger::shard_of_stan(reply->reply.stan, shards_.size()).value_or(0)];
}

bool Shards::take(Event event) {
    if (shards_.size() == 1) return shards_.front()->take(std::move(event));
    if (std::holds_alternative<IssuerReplyArrived>(event) || std::holds_alternative<IssuerKeyOffered>(event))
        return asked_by(event).take(std::move(event));
    bool taken = true;
    for (const auto& shard : shards_) {
        Event theirs = event;
        if (auto* replaced = std::get_if<ConfigReplaced>(&theirs))
            replaced->configuration = part_of_shard(replaced->configuration, shard->index(), shards_.size());
        taken = shard->take(std::move(theirs)) && taken;
    }
    return taken;
}

bool Shards::take_requests() const {
    return std::all_of(shards_.begin(), shards_.end(),
                       [](const auto& shard) { return shard->takes_requests(); });
}

std::pair<iso8583::Stan, iso8583::TransmissionTime> Shards::next_session_numbers(routing::RouteId route,
                                                                                 const iso8583::Now& now) {
    if (shards_.size() == 1) return shards_.front()->next_issuer_numbers(route, now);
    // Not stored: where the row begins is the clock's, so that a restart within DE7's second goes on
    // elsewhere.
    if (session_stan_ == 0) session_stan_ = static_cast<std::uint32_t>(now.utc.ms % ledger::session_stans);
    session_stan_ = session_stan_ % ledger::session_stans + 1;
    session_time_ms_ = std::max(session_time_ms_, now.utc.ms);
    return {iso8583::Stan::of(session_stan_),
            iso8583::TransmissionTime::from_utc(iso8583::UtcTime{session_time_ms_})};
}

}  // namespace acquirer
