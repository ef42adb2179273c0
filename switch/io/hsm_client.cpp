#include "switch/io/hsm_client.hpp"

#include <algorithm>

#include "switch/io/issuer_links.hpp"

namespace acquirer {

using hsm::HsmFault;
using iso8583::Instant;

HsmClient::HsmClient(Reactor& reactor, Log& log, WallClock& clock, HsmClientSetup setup)
    : reactor_(reactor), log_(log), clock_(clock), setup_(std::move(setup)) {
    alarm_ = reactor_.alarm([this] {
        armed_.reset();
        pass_deadlines();
    });
    health_alarm_ = reactor_.alarm([this] {
        for (std::size_t i = 0; i < connections_.size(); ++i)
            if (connections_[i].stream) check_health(i);
        flush();
        health_alarm_->set(Reactor::now().plus_ms(setup_.health_every_ms));
    });
    for (const SocketAddress& address : setup_.addresses) {
        for (std::uint32_t i = 0; i < setup_.connections; ++i) {
            const std::size_t index = connections_.size();
            connections_.push_back({address, hsm::PayshieldLink(setup_.format), nullptr,
                                    reactor_.alarm([this, index] { connect(index); }), 0, false, false});
        }
    }
    for (std::size_t i = 0; i < connections_.size(); ++i) connect(i);
    health_alarm_->set(Reactor::now().plus_ms(setup_.health_every_ms));
}

HsmClient::~HsmClient() {
    for (Connection& c : connections_)
        if (c.stream) c.stream->close();
}

void HsmClient::connect(std::size_t index) {
    reactor_.connect(connections_[index].address, setup_.connect_timeout_ms,
                     [this, index](iso8583::Result<std::shared_ptr<Stream>> result) {
                         if (!result) return retry_later(index, result.error().what);
                         connected(index, std::move(*result));
                     });
}

void HsmClient::connected(std::size_t index, std::shared_ptr<Stream> stream) {
    Connection& c = connections_[index];
    c.stream = std::move(stream);
    c.link = hsm::PayshieldLink(setup_.format);
    c.stream->start(*this, index, setup_.read_bytes);
    check_health(index);
    flush();
}

void HsmClient::retry_later(std::size_t index, const std::string& why) {
    Connection& c = connections_[index];
    ++c.failures;
    const std::int32_t delay =
        reconnect_delay_ms(setup_.reconnect_first_ms, setup_.reconnect_longest_ms, c.failures, index);
    log_.line(Severity::warning, "hsm_connection_lost", {{"address", c.address.str()}, {"detail", why}},
              clock_.now());
    c.retry->set(Reactor::now().plus_ms(delay));
}

void HsmClient::check_health(std::size_t index) {
    Connection& c = connections_[index];
    const hsm::Ticket ticket = ++last_ticket_ | health_bit;
    if (!c.link.check_health(ticket)) return;  // at its bound: the questions themselves tell whether it lives
    health_checks_[ticket] = index;
    deadlines_.set(ticket, Reactor::now().plus_ms(setup_.reply_timeout_ms));
    c.dirty = true;
    arm();
}

void HsmClient::health_answered(std::size_t index, bool healthy, const std::string& lmk_check_value) {
    Connection& c = connections_[index];
    if (!healthy) return lost(index, "the health check was refused");
    if (lmk_check_value_.empty()) lmk_check_value_ = lmk_check_value;
    if (lmk_check_value != lmk_check_value_) {
        log_.line(Severity::alarm, "hsm_other_lmk", {{"address", c.address.str()}}, clock_.now());
        return lost(index, "it has another LMK than the others");
    }
    if (!c.usable) log_.line(Severity::info, "hsm_connected", {{"address", c.address.str()}}, clock_.now());
    c.usable = true;
    c.failures = 0;
}

std::size_t HsmClient::usable_connections() const {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const Connection& c) { return c.usable; }));
}

std::optional<hsm::Reply> HsmClient::ask(const HsmAsker& asker, const hsm::Request& request) {
    if (questions_.size() >= setup_.waiting_max) return tl::unexpected(HsmFault::unavailable);
    const hsm::Ticket ticket = ++last_ticket_;
    Question question{asker, request, 0};
    if (!place(ticket, question)) return tl::unexpected(HsmFault::unavailable);
    questions_.emplace(ticket, std::move(question));
    deadlines_.set(ticket, Reactor::now().plus_ms(setup_.reply_timeout_ms));
    arm();
    return std::nullopt;
}

// The least busy connection of the most preferred address that has one.
bool HsmClient::place(hsm::Ticket ticket, Question& question) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < connections_.size(); ++i)
        if (connections_[i].usable) order.push_back(i);
    const std::size_t per_address = setup_.connections;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (a / per_address != b / per_address) return a < b;
        return connections_[a].link.in_flight() < connections_[b].link.in_flight();
    });
    for (const std::size_t i : order) {
        if (!connections_[i].link.ask(ticket, question.request)) continue;
        question.connection = i;
        connections_[i].dirty = true;
        return true;
    }
    return false;
}

void HsmClient::flush() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        Connection& c = connections_[i];
        if (!c.dirty || !c.stream) continue;
        c.dirty = false;
        const std::string output = c.link.take_output();
        const iso8583::ByteView view = iso8583::as_bytes(output);
        iso8583::Bytes bytes(view.begin(), view.end());
        if (!bytes.empty()) c.stream->write(bytes);
        take_answered(i);  // a few questions need no HSM
    }
}

void HsmClient::bytes_arrived(Stream& stream, iso8583::ByteView bytes) {
    const std::size_t index = stream.tag();
    const bool understood = connections_[index].link.received(iso8583::as_text(bytes));
    take_answered(index);
    if (!understood) return lost(index, "it does not speak host commands");
    // An exchange of several commands may have the next one ready.
    connections_[index].dirty = true;
    flush();
}

void HsmClient::take_answered(std::size_t index) {
    for (const auto& answered : connections_[index].link.take_answered()) {
        if (answered.reply) {
            answer(answered.ticket, *answered.reply);
        } else if (health_checks_.erase(answered.ticket) != 0) {
            deadlines_.cancel(answered.ticket);
            health_answered(index, answered.healthy.value_or(false), answered.lmk_check_value);
        }
    }
}

void HsmClient::answer(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = questions_.find(ticket);
    if (at == questions_.end()) return;
    const HsmAsker asker = at->second.asker;
    questions_.erase(at);
    deadlines_.cancel(ticket);
    on_reply_(asker, reply);
}

void HsmClient::stream_ended(Stream& stream, const std::string& why) { lost(stream.tag(), why); }

void HsmClient::lost(std::size_t index, const std::string& why) {
    Connection& c = connections_[index];
    if (!c.stream) return;
    c.stream->close();
    c.stream.reset();
    c.usable = false;
    c.dirty = false;
    for (const hsm::Ticket ticket : c.link.lost()) {
        if (health_checks_.erase(ticket) != 0) {
            deadlines_.cancel(ticket);
            continue;
        }
        const auto at = questions_.find(ticket);
        if (at != questions_.end() && !place(ticket, at->second))
            answer(ticket, tl::unexpected(HsmFault::unavailable));
    }
    retry_later(index, why);
    flush();
}

void HsmClient::pass_deadlines() {
    const Instant now = Reactor::now();
    std::vector<std::size_t> silent;
    while (const auto ticket = deadlines_.pop_due(now)) {
        if (const auto health = health_checks_.find(*ticket); health != health_checks_.end()) {
            silent.push_back(health->second);
            health_checks_.erase(health);
            continue;
        }
        const auto at = questions_.find(*ticket);
        if (at == questions_.end()) continue;
        connections_[at->second.connection].link.forget(*ticket);
        answer(*ticket, tl::unexpected(HsmFault::unavailable));
    }
    for (const std::size_t index : silent) lost(index, "no answer to a health check in time");
    arm();
}

void HsmClient::arm() {
    const auto next = deadlines_.next();
    if (!next || (armed_ && *armed_ <= *next)) return;
    armed_ = next;
    alarm_->set(*next);
}

}  // namespace acquirer
