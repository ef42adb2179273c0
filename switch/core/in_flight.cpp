#include "switch/core/in_flight.hpp"

#include "iso8583/values/ensure.hpp"

namespace acquirer {

bool belongs_to_a_batch(const ledger::TransactionRecord& record) {
    return !record.from_operations && record.checker.empty();
}

void InFlight::begin(const ledger::TransactionRecord& record, int message_class, LinkId link,
                     std::int64_t reply_timeout_ms, std::vector<Asker> askers) {
    const routing::RouteId route{record.route};
    Request request;
    request.key = {route, message_class, record.issuer_stan, record.issuer_transmission_time};
    request.link = link;
    request.askers = std::move(askers);
    if (belongs_to_a_batch(record)) {
        request.batch = BatchOf{record.terminal, record.batch};
        ++batches_[*request.batch].requests;
    }
    ++requests_of_route_[route];
    awaited_[request.key] = {Awaited::What::request, record.rrn, link};
    await_until({DeadlineId::Kind::request_reply, record.rrn, 0}, reply_timeout_ms);
    const std::size_t before = requests_.size();
    requests_.emplace_hint(requests_.end(), record.rrn, std::move(request));  // nearly always the last
    ENSURE(requests_.size() == before + 1);
}

bool InFlight::join(const iso8583::Rrn& rrn, Asker asker, std::size_t askers_max) {
    const auto at = requests_.find(rrn);
    if (at == requests_.end()) return false;
    if (at->second.askers.size() < askers_max) at->second.askers.push_back(std::move(asker));
    return true;
}

std::vector<Asker> InFlight::end(const iso8583::Rrn& rrn) {
    const auto at = requests_.find(rrn);
    if (at == requests_.end()) return {};
    const Request& request = at->second;
    awaited_.erase(request.key);
    --requests_of_route_.at(request.key.route);
    deadlines_.cancel({DeadlineId::Kind::request_reply, rrn, 0});
    if (request.batch) leave_batch(*request.batch);
    std::vector<Asker> askers = std::move(at->second.askers);
    requests_.erase(at);
    return askers;
}

void InFlight::leave_batch(const BatchOf& batch) {
    const auto at = batches_.find(batch);
    if (--at->second.requests != 0) return;
    if (at->second.watched) ended_.push_back(batch);
    batches_.erase(at);
}

std::vector<iso8583::Rrn> InFlight::lost(routing::RouteId route, LinkId link) const {
    std::vector<iso8583::Rrn> found;
    for (const auto& [rrn, request] : requests_)
        if (request.key.route == route && request.link == link) found.push_back(rrn);
    return found;
}

void InFlight::forget_askers(LinkId link) {
    for (auto& [rrn, request] : requests_)
        std::erase_if(request.askers, [&](const Asker& asker) { return asker.to.link == link; });
}

std::uint32_t InFlight::requests_of(routing::RouteId route) const {
    const auto at = requests_of_route_.find(route);
    return at == requests_of_route_.end() ? 0 : at->second;
}

std::uint32_t InFlight::requests_of(const iso8583::TerminalId& terminal) const {
    std::uint32_t requests = 0;
    for (auto at = batches_.lower_bound({terminal, {}});
         at != batches_.end() && at->first.terminal == terminal; ++at)
        requests += at->second.requests;
    return requests;
}

const Awaited* InFlight::find(const IssuerKey& key) const {
    const auto at = awaited_.find(key);
    return at == awaited_.end() ? nullptr : &at->second;
}

bool InFlight::uses(routing::RouteId route, const ledger::Ledger::IssuerNumbers& numbers) const {
    for (const int message_class : {1, 2, 4, 8})
        if (awaited_.contains(
                {route, message_class, numbers.stan.value(), numbers.transmission_time.value()}))
            return true;
    return false;
}

std::set<DeadlineId> InFlight::departing() const {
    std::set<DeadlineId> ids;
    for (const auto& [id, after_ms] : departing_) ids.insert(id);
    for (const Departure& d : closed_) ids.insert(d.id);
    return ids;
}

void InFlight::turn_closed(std::uint64_t turn) {
    for (const auto& [id, after_ms] : departing_) closed_.push_back({turn, id, after_ms});
    departing_.clear();
}

void InFlight::effects_left(std::uint64_t turn, iso8583::Instant now) {
    // One that was answered or given up meanwhile finds nothing when it falls due.
    for (; !closed_.empty() && closed_.front().turn <= turn; closed_.pop_front())
        deadlines_.set(closed_.front().id, now.plus_ms(closed_.front().after_ms));
}

}  // namespace acquirer
