#include "switch/io/shards.hpp"

#include <algorithm>
#include <set>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/overloaded.hpp"
#include "ledger/number_plan.hpp"
#include "ledger/recon_records.hpp"
#include "ledger/shard_merchants.hpp"

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

iso8583::Result<void> add_merchants(ShardMap::Written& written, const ledger::StoreReader& store,
                                    std::size_t index, std::size_t of) {
    if (of == 1) return {};
    const auto merchants = ledger::merchants_of_shard(store, ledger::plan_of_shard(index, of));
    if (!merchants) return iso8583::parse_error(merchants.error().what);
    for (const iso8583::MerchantId& merchant : *merchants) {
        const auto [at, added] = written.emplace(merchant, index);
        if (!added)
            return iso8583::parse_error("merchant " + merchant.str() + " has work in shard " +
                                        std::to_string(at->second) + " and in shard " +
                                        std::to_string(index));
    }
    return {};
}

// ---- commands

namespace {

CommandPlace one(std::size_t shard) { return {CommandPlace::Where::one, shard}; }
CommandPlace all() { return {CommandPlace::Where::all, 0}; }
CommandPlace who_can() { return {CommandPlace::Where::who_can, 0}; }
CommandPlace others_first() { return {CommandPlace::Where::others_first, 0}; }

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
        return c.to == ChangeException::To::resolve_all ? who_can() : of_id(c.id);
    }

    CommandPlace operator()(const ChangeMerchant& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ChangeTerminal& c) const { return of_terminal(c.terminal); }
    CommandPlace operator()(const AddReserve& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ChargeMerchant& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const OpenAdjustment& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const ListKeys& c) const { return of_terminal(c.terminal); }

    // Of every shard its own part.
    CommandPlace operator()(const MoveRoute&) const { return all(); }
    CommandPlace operator()(const ReleaseStale&) const { return who_can(); }
    CommandPlace operator()(const AcceptRestore&) const { return who_can(); }

    // Batches are of a merchant; their files are handed over before anybody says whose they are.
    CommandPlace operator()(const PutFile&) const { return all(); }
    CommandPlace operator()(const JudgeLines& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const SubmitBatch& c) const { return of_merchant(c.merchant); }
    CommandPlace operator()(const DecideBatch& c) const { return of_id(c.batch); }
    CommandPlace operator()(const ChangeBatch& c) const { return of_id(c.batch); }

    // The first is asked and tells the others.
    CommandPlace operator()(const CutOverDay&) const { return one(0); }
    CommandPlace operator()(const RunPurge&) const { return one(0); }

    // Of no merchant: the first shard keeps it for all.
    CommandPlace operator()(const RotateIssuerKey&) const { return one(0); }
    CommandPlace operator()(const ProposePolicy&) const { return one(0); }
    CommandPlace operator()(const AddParty&) const { return one(0); }

    // A range's terminals are of one merchant, but who that is may have changed: anybody may have its work.
    CommandPlace operator()(const RemoveParty&) const { return others_first(); }

    // The first is asked and tells the others; a difference is where its line is.
    CommandPlace operator()(const ImportIssuerFile&) const { return one(0); }
    CommandPlace operator()(const RunReconciliation&) const { return others_first(); }
    CommandPlace operator()(const ResolveDifference& c) const {
        if (const auto stan = ledger::stan_of_recon_ref(c.id))
            return one(ledger::shard_of_stan(*stan, map.size()).value_or(0));
        if (iso8583::Rrn::parse(c.id)) return one(ledger::shard_of_rrn(c.id, map.size()).value_or(0));
        return of_id(c.id);
    }

    // One vault for all: the first changes its keys, and tells the others.
    CommandPlace operator()(const RotateVaultKey&) const { return one(0); }
    CommandPlace operator()(const RetireVaultKey&) const { return one(0); }
    CommandPlace operator()(const BackUp&) const { return one(0); }  // of all
};

}  // namespace

CommandPlace place_of(const OperatorCommand& command, const ShardMap& map,
                      const Configuration& configuration) {
    if (map.size() == 1) return one(0);
    return std::visit(Placing{map, configuration}, command);
}

namespace {

/// What each said under a name: once when all said the same.
std::vector<std::pair<std::string, std::string>> merged_values(const std::vector<OperatorAnswer>& answers) {
    std::vector<std::pair<std::string, std::vector<std::string>>> said;  // in the order of their first
    for (const OperatorAnswer& answer : answers)
        for (const auto& [name, value] : answer.values) {
            auto at = std::find_if(said.begin(), said.end(),
                                   [&known = name](const auto& entry) { return entry.first == known; });
            if (at == said.end()) at = said.insert(said.end(), {name, {}});
            if (std::find(at->second.begin(), at->second.end(), value) == at->second.end())
                at->second.push_back(value);
        }
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [name, values] : said) {
        out.emplace_back(name, values.front());
        for (std::size_t i = 1; i < values.size(); ++i) out.back().second += ", " + values[i];
    }
    return out;
}

}  // namespace

OperatorAnswer merged(const std::vector<OperatorAnswer>& answers, CommandPlace::Where where) {
    ENSURE(!answers.empty());
    const auto is_done = [](const OperatorAnswer& a) { return a.done; };
    const bool one_will_do = where == CommandPlace::Where::who_can;
    const auto first_done = std::find_if(answers.begin(), answers.end(), is_done);
    OperatorAnswer out = one_will_do && first_done != answers.end() ? *first_done : answers.front();
    out.values = merged_values(answers);
    const bool alike = std::all_of(answers.begin(), answers.end(),
                                   [&](const OperatorAnswer& a) { return a.text == out.text; });
    out.done =
        one_will_do ? first_done != answers.end() : std::all_of(answers.begin(), answers.end(), is_done);
    if (alike) return out;
    out.text.clear();
    for (std::size_t shard = 0; shard < answers.size(); ++shard)
        out.text += (shard == 0 ? "shard " : "; shard ") + std::to_string(shard) + ": " + answers[shard].text;
    return out;
}

// ---- figures

namespace {

/// The further a phase is from an end that people can do something about, the more it is the switch's.
int distance(std::string_view phase) {
    return phase == "re-sealing" ? 3 : phase == "checking" ? 2 : phase == "stuck" ? 1 : 0;
}

void add(VaultStatus& sum, const VaultStatus& s) {
    using State = VaultStatus::Key::State;
    const bool is_told = s.active == sum.active;  // of the first one's last change
    const std::string phase = is_told ? s.phase : "re-sealing";
    if (distance(phase) > distance(sum.phase)) sum.phase = phase;
    sum.percent = std::min(sum.percent, is_told ? s.percent : 0);
    if (sum.ended.ms == 0 || !is_told || s.ended.ms == 0)
        sum.ended = {};
    else
        sum.ended = std::max(sum.ended, s.ended);
    sum.looked += s.looked;
    sum.unreadable += s.unreadable;
    if (is_told) sum.resealed += s.resealed;
    if (sum.first_unreadable.empty()) sum.first_unreadable = s.first_unreadable;
    for (VaultStatus::Key& key : sum.keys)
        for (const VaultStatus::Key& theirs : s.keys)
            if (theirs.number == key.number && key.state == State::empty && theirs.state != State::empty)
                key.state = State::old;
}

void add(std::optional<RetentionStatus>& sum, const std::optional<RetentionStatus>& s) {
    if (!sum || !s) {
        if (s) sum = s;
        return;
    }
    sum->day = std::min(sum->day, s->day);
    sum->began = std::min(sum->began, s->began);
    if (sum->ended) sum->ended = s->ended ? std::max(sum->ended, s->ended) : std::nullopt;
    sum->waits_for_people = sum->waits_for_people || s->waits_for_people;
}

}  // namespace

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
        if (out.refuses_new_work.empty()) out.refuses_new_work = s.refuses_new_work;
        out.orphans += s.orphans;
        if (!out.restored) out.restored = s.restored;
        add(out.retention, s.retention);
        add(out.vault, s.vault);
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

ShardRouter::ShardRouter(std::vector<ShardInbox*> shards, ShardMap map)
    : inboxes_(std::move(shards)), map_(std::move(map)) {
    ENSURE(!inboxes_.empty() && inboxes_.size() == map_.size());
}

void ShardRouter::take(RequestArrived request) {
    ShardInbox& shard = *inboxes_[map_.of(request.request.merchant)];
    shard.take(std::move(request));
}

ShardInbox& ShardRouter::asked_by(const Event& event) const {
    const auto* reply = std::get_if<IssuerReplyArrived>(&event);
    // What no shard has given answers nothing: the first says so (R63).
    return *inboxes_[reply == nullptr
                         ? 0
                         : ledger::shard_of_stan(reply->reply.stan, inboxes_.size()).value_or(0)];
}

bool ShardRouter::take(Event event) {
    if (inboxes_.size() == 1) return inboxes_.front()->take(std::move(event));
    if (std::holds_alternative<IssuerReplyArrived>(event) ||
        std::holds_alternative<IssuerKeyOffered>(event)) {
        ShardInbox& asked = asked_by(event);
        return asked.take(std::move(event));
    }
    bool taken = true;
    for (std::size_t index = 0; index < inboxes_.size(); ++index) {
        Event theirs = event;
        if (auto* replaced = std::get_if<ConfigReplaced>(&theirs))
            replaced->configuration = part_of_shard(replaced->configuration, index, inboxes_.size());
        taken = inboxes_[index]->take(std::move(theirs)) && taken;
    }
    return taken;
}

void ShardRouter::tell(std::size_t from, const TellShards& told) {
    for (std::size_t index = 0; index < inboxes_.size(); ++index)
        if ((index == 0) != (from == 0)) static_cast<void>(inboxes_[index]->take(ShardTold{from, told.word}));
}

void ShardRouter::command(OperatorCommanded commanded, const Configuration& configuration) {
    const CommandPlace place = place_of(commanded.command, map_, configuration);
    if (place.where == CommandPlace::Where::one)
        return static_cast<void>(inboxes_.at(place.shard)->take(Event(std::move(commanded))));
    Commanded& asked = commanded_[commanded.ticket];
    asked.answers.resize(inboxes_.size());
    asked.where = place.where;
    if (place.where != CommandPlace::Where::others_first)
        return static_cast<void>(take(Event(std::move(commanded))));
    for (std::size_t index = 1; index < inboxes_.size(); ++index)
        static_cast<void>(inboxes_[index]->take(Event(commanded)));
    asked.then_first = std::move(commanded);
}

std::optional<OperatorAnswer> ShardRouter::answered(std::size_t shard, const AnswerOperator& answer) {
    const auto at = commanded_.find(answer.ticket);
    if (at == commanded_.end()) return answer.answer;
    at->second.answers.at(shard) = answer.answer;
    std::vector<OperatorAnswer> answers;
    for (const auto& given : at->second.answers)
        if (given) answers.push_back(*given);
    const bool first_is_next = at->second.then_first.has_value();
    if (answers.size() < inboxes_.size() - (first_is_next ? 1 : 0)) return std::nullopt;
    const Commanded asked = std::move(at->second);
    commanded_.erase(at);
    if (!asked.then_first) return merged(answers, asked.where);
    const auto against = std::find_if(answers.begin(), answers.end(), [](const auto& a) { return !a.done; });
    if (against != answers.end()) return *against;
    static_cast<void>(inboxes_.front()->take(Event(*asked.then_first)));
    return std::nullopt;
}

void ShardRouter::tell_others(const InstallIssuerKeys& keys) {
    for (std::size_t index = 1; index < inboxes_.size(); ++index)
        static_cast<void>(inboxes_[index]->take(ZonePinKeyTold{keys.route, keys.zpk}));
}

bool ShardRouter::take_requests() const {
    return std::all_of(inboxes_.begin(), inboxes_.end(),
                       [](const auto& shard) { return shard->takes_requests(); });
}

std::pair<iso8583::Stan, iso8583::TransmissionTime> ShardRouter::next_session_numbers(
    routing::RouteId route, const iso8583::Now& now) {
    if (inboxes_.size() == 1) return inboxes_.front()->next_issuer_numbers(route, now);
    // Not stored: where the row begins is the clock's, so that a restart within DE7's second goes on
    // elsewhere.
    if (session_stan_ == 0) session_stan_ = static_cast<std::uint32_t>(now.utc.ms % ledger::session_stans);
    session_stan_ = session_stan_ % ledger::session_stans + 1;
    session_time_ms_ = std::max(session_time_ms_, now.utc.ms);
    return {iso8583::Stan::of(session_stan_),
            iso8583::TransmissionTime::from_utc(iso8583::UtcTime{session_time_ms_})};
}

}  // namespace acquirer
