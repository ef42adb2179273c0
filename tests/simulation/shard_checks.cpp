#include "tests/simulation/shard_checks.hpp"

#include <algorithm>

#include "ledger/key_layout.hpp"
#include "ledger/number_plan.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Instant;
using ledger::KeyPrefix;

namespace {

// So long a key that was changed may be met still: in queues, turns and what waits for the shell.
constexpr std::int64_t key_is_told_ms = 15'000;

std::string place(std::size_t shard) { return "shard " + std::to_string(shard); }

/// Of no merchant, transaction or number: every shard has its part in it; or may have, and says so.
enum class Concerns : std::uint8_t { one, all, who_has_some };
Concerns concerns(const OperatorCommand& command) {
    if (const auto* change = std::get_if<ChangeException>(&command))
        return change->to == ChangeException::To::resolve_all ? Concerns::who_has_some : Concerns::one;
    if (std::holds_alternative<MoveRoute>(command) || std::holds_alternative<PutFile>(command))
        return Concerns::all;
    const bool is_said_by_each =
        std::holds_alternative<ReleaseStale>(command) || std::holds_alternative<AcceptRestore>(command);
    return is_said_by_each ? Concerns::who_has_some : Concerns::one;
}

/// What people count, as they say it; empty: the key is not of such a thing. An exception's id has its RRN
/// before its number.
std::string number_in(std::string_view key) {
    switch (static_cast<KeyPrefix>(key.front())) {
        case KeyPrefix::transaction:
            return "RRN " + std::string(key.substr(1));
        case KeyPrefix::exception:
            return "exception " + std::string(key.substr(key.find('-') + 1));
        case KeyPrefix::proposal:
            return "proposal " + std::string(key.substr(1));
        case KeyPrefix::dispute:
            return "dispute " + std::string(key.substr(1));
        case KeyPrefix::refund_batch:
            return "batch " + std::string(key.substr(1));
        case KeyPrefix::notice:
            return "notice " + iso8583::to_hex(iso8583::as_bytes(key.substr(1)));
        default:
            return {};
    }
}

std::uint32_t in_flight(const CoreStatus& status, const std::string& route) {
    for (const RouteStatus& r : status.routes)
        if (r.name == route) return r.in_flight;
    return 0;
}

}  // namespace

void ShardChecks::has_merchant(std::size_t shard, const iso8583::MerchantId& merchant, Instant at) {
    const auto [known, is_new] = shard_of_.emplace(merchant, shard);
    if (known->second == shard) return;
    broken("merchant " + merchant.str() + " has work in " + place(known->second) + " and in " + place(shard),
           at);
}

void ShardChecks::given(std::size_t shard, const std::string& number, Instant at) {
    const auto [known, is_new] = given_by_.emplace(number, shard);
    if (known->second != shard)
        broken(number + " was given by " + place(known->second) + " and by " + place(shard), at);
}

void ShardChecks::batch_durable(std::size_t shard, const ledger::Batch& batch, Instant at) {
    for (const ledger::Mutation& m : batch.mutations) {
        if (m.key.bytes.empty() || !m.value) continue;
        const std::string_view key = m.key.bytes;
        if (const std::string number = number_in(key); !number.empty()) given(shard, number, at);
        const auto prefix = static_cast<KeyPrefix>(key.front());
        if (prefix == KeyPrefix::transaction) {
            if (const auto record = ledger::decode_transaction_record(*m.value))
                has_merchant(shard, record->merchant, at);
        } else if (prefix == KeyPrefix::merchant_of_shard) {
            if (const auto merchant = iso8583::MerchantId::parse(key.substr(1)))
                has_merchant(shard, *merchant, at);
        }
    }
}

void ShardChecks::offering(std::size_t shard, const Event& event, Instant at) {
    if (const auto* commanded = std::get_if<OperatorCommanded>(&event))
        if (const Concerns whom = concerns(commanded->command); whom != Concerns::one) {
            Commanded& all = commanded_[commanded->ticket];
            all.done.resize(shards_);
            all.one_will_do = whom == Concerns::who_has_some;
        }
    const auto* arrived = std::get_if<IssuerReplyArrived>(&event);
    if (arrived == nullptr) return;
    const auto asked = ledger::shard_of_stan(arrived->reply.stan, shards_);
    if (asked && *asked != shard)
        broken("the answer to what " + place(*asked) + " sent with DE11 " + arrived->reply.stan.str() +
                   " was given to " + place(shard),
               at);
}

void ShardChecks::released(std::size_t shard, const Effect& effect, Instant at) {
    if (const auto* asked = std::get_if<AskHsm>(&effect)) return check_pin_key(shard, *asked, at);
    if (const auto* keys = std::get_if<InstallIssuerKeys>(&effect)) return installed(*keys, at);
    if (const auto* answer = std::get_if<AnswerOperator>(&effect)) {
        const auto commanded = commanded_.find(answer->ticket);
        if (commanded != commanded_.end()) commanded->second.done[shard] = answer->answer.done;
        return;
    }
    const auto* message = std::get_if<SendToIssuer>(&effect);
    if (message == nullptr || message->fields.mti().is_response()) return;
    const auto stan = iso8583::Stan::parse(message->fields.get(iso8583::Field::stan));
    const ledger::NumberPlan plan = ledger::plan_of_shard(shard, shards_);
    if (!stan || stan->value() < plan.stan_from || stan->value() > plan.stan_to)
        broken(place(shard) + " sent DE11 " + std::string(message->fields.get(iso8583::Field::stan)) +
                   ", which is not of its range",
               at);
}

void ShardChecks::installed(const InstallIssuerKeys& keys, Instant at) {
    Keys& known = keys_[keys.route];
    if (known.zpk == keys.zpk) return;
    if (!known.zpk.empty()) {
        known.gone.emplace_back(known.zpk, at);
        checkers_.reached("keys of an issuer changed for several shards");
    }
    known.zpk = keys.zpk;
    std::erase_if(known.gone, [&keys](const auto& old) { return old.first == keys.zpk; });
}

void ShardChecks::check_pin_key(std::size_t shard, const AskHsm& asked, Instant at) {
    const auto* translate = std::get_if<hsm::TranslatePin>(&asked.request);
    if (translate == nullptr) return;
    // One key may be of two routes.
    const bool is_used = std::any_of(keys_.begin(), keys_.end(), [&](const auto& entry) {
        return entry.second.zpk == translate->destination && !wallets_.contains(entry.first);
    });
    for (const auto& [route, keys] : keys_) {
        for (const auto& [block, since] : is_used ? decltype(keys.gone){} : keys.gone)
            if (block == translate->destination && at.ms - since.ms > key_is_told_ms)
                broken(place(shard) + " puts PINs under a key of route " + std::to_string(route.value) +
                           " that was changed " + std::to_string(at.ms - since.ms) + " ms ago",
                       at);
        if (shard != 0 && keys.zpk == translate->destination && !keys.gone.empty())
            checkers_.reached("a shard beside the first uses a key that was changed");
    }
}

void ShardChecks::answered(std::uint64_t ticket, const OperatorAnswer& answer, Instant at) {
    const auto commanded = commanded_.extract(ticket);
    if (commanded.empty()) return;
    const std::vector<std::optional<bool>>& each = commanded.mapped().done;
    const auto done = static_cast<std::size_t>(std::count(each.begin(), each.end(), std::optional(true)));
    const auto answers = static_cast<std::size_t>(
        std::count_if(each.begin(), each.end(), [](const auto& a) { return a.has_value(); }));
    const bool is_done = commanded.mapped().one_will_do ? done > 0 : done == shards_;
    checkers_.reached(done == shards_ ? "done in all shards" : "not done in all shards");
    if (answers < shards_)
        broken("a command of all was answered before all had answered: " + answer.text, at);
    else if (answer.done != is_done)
        broken("a command of all was answered as " + std::string(answer.done ? "done" : "refused") +
                   ", and " + std::to_string(done) + " of " + std::to_string(shards_) +
                   " have done it: " + answer.text,
               at);
}

void ShardChecks::configured(const Configuration& configuration) {
    for (std::size_t shard = 0; shard < shards_; ++shard) {
        const routing::RouteTable part = configuration.routes.part(shard, shards_);
        for (const routing::Route& route : part.routes()) {
            std::uint32_t& allowed = allowed_[{shard, route.name}];
            allowed = std::max(allowed, route.in_flight_max);
            if (route.kind == routing::RouteKind::wallet) wallets_.insert(route.id);
        }
    }
}

void ShardChecks::check_bounds(const Configuration& configuration, const std::vector<CoreStatus>& all,
                               Instant at) {
    std::map<std::string, std::uint32_t> of_all;
    for (std::size_t shard = 0; shard < shards_; ++shard) {
        // One that has not heard of it yet may go by the bound before.
        const bool knows = all[shard].config_version == configuration.version;
        const routing::RouteTable parts = configuration.routes.part(shard, shards_);
        for (const routing::Route& part : parts.routes()) {
            const std::uint32_t now = in_flight(all[shard], part.name);
            std::uint32_t& allowed = allowed_[{shard, part.name}];
            if (now > allowed)
                broken(std::to_string(now) + " requests of " + place(shard) + " are in flight to " +
                           part.name + ", and its part of the bound is " + std::to_string(part.in_flight_max),
                       at);
            of_all[part.name] += now;
            if (knows) allowed = std::max(part.in_flight_max, std::min(allowed, now));
        }
    }
    for (const routing::Route& route : configuration.routes.routes())
        if (of_all[route.name] == route.in_flight_max)
            checkers_.reached("the bound of a route is reached by all shards");
}

void ShardChecks::crashed() { commanded_.clear(); }

}  // namespace simulation
