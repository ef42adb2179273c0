#include "switch/io/hsm_client.hpp"

#include <algorithm>

namespace acquirer {

using hsm::HsmFault;
using iso8583::Instant;

namespace {

/// Faults of the HSM, not of the question: another one may do better.
bool is_trouble_of_the_hsm(HsmFault fault) {
    return fault == HsmFault::internal || fault == HsmFault::storage || fault == HsmFault::lmk ||
           fault == HsmFault::command_disabled;
}

}  // namespace

HsmClient::HsmClient(Reactor& reactor, Log& log, WallClock& clock, HsmClientSetup setup)
    : reactor_(reactor), log_(log), clock_(clock), setup_(std::move(setup)) {
    alarm_ = reactor_.alarm([this] {
        armed_.reset();
        pass_deadlines();
    });
    health_alarm_ = reactor_.alarm([this] {
        for (std::size_t i = 0; i < connections_.size(); ++i)
            if (connections_[i].stream) check_health(i, setup_.reply_timeout_ms);
        flush();
        health_alarm_->set(Reactor::now().plus_ms(setup_.health_every_ms));
    });
    for (const SocketAddress& address : setup_.addresses)
        for (std::uint32_t i = 0; i < setup_.connections; ++i) want(address);
    distrusted_until_.resize(setup_.addresses.size());
    for (const Connection& c : connections_) c.redial->connect();
    health_alarm_->set(Reactor::now().plus_ms(setup_.health_every_ms));
}

HsmClient::~HsmClient() {
    for (Connection& c : connections_)
        if (c.stream) c.stream->close();
}

void HsmClient::want(const SocketAddress& address) {
    const std::size_t index = connections_.size();
    RedialSetup setup;
    setup.address = address;
    setup.channel = setup_.channel;
    setup.connect_timeout_ms = setup_.connect_timeout_ms;
    setup.first_ms = setup_.reconnect_first_ms;
    setup.longest_ms = setup_.reconnect_longest_ms;
    setup.salt = index;
    Redial::Calls calls;
    calls.connected = [this, index](std::shared_ptr<Stream> stream) { connected(index, std::move(stream)); };
    calls.failed = [this, index](const std::string& why, std::int32_t) {
        log_.line(Severity::warning, "hsm_connection_lost",
                  {{"address", connections_[index].redial->address().str()}, {"detail", why}}, clock_.now());
    };
    auto redial = std::make_unique<Redial>(reactor_, std::move(setup), std::move(calls));
    connections_.push_back({hsm::PayshieldLink(setup_.format), std::move(redial), nullptr, 0, false, false});
}

void HsmClient::connected(std::size_t index, std::shared_ptr<Stream> stream) {
    Connection& c = connections_[index];
    c.stream = std::move(stream);
    c.link = hsm::PayshieldLink(setup_.format);
    c.unanswered = 0;
    c.stream->start(*this, index, setup_.read_bytes);
    check_health(index, setup_.reply_timeout_ms);
    flush();
}

void HsmClient::check_health(std::size_t index, std::int32_t timeout_ms) {
    Connection& c = connections_[index];
    const hsm::Ticket ticket = ++last_ticket_ | health_bit;
    if (!c.link.check_health(ticket)) return;  // at its bound: the questions themselves tell whether it lives
    health_checks_[ticket] = index;
    deadlines_.set(ticket, Reactor::now().plus_ms(timeout_ms));
    c.dirty = true;
    arm();
}

void HsmClient::health_answered(std::size_t index, bool healthy, const std::string& lmk_check_value) {
    Connection& c = connections_[index];
    if (!healthy) return lost(index, "the health check was refused");
    if (!setup_.refused_lmk.empty() && lmk_check_value == setup_.refused_lmk) {
        log_.line(Severity::alarm, "hsm_test_lmk", {{"address", c.redial->address().str()}}, clock_.now());
        const std::string why = "it has the published test LMK, and the configuration says production = true";
        unfit_ = "HSM " + c.redial->address().str() + " is not used: " + why;
        return lost(index, why);
    }
    if (lmk_check_value_.empty()) lmk_check_value_ = lmk_check_value;
    if (lmk_check_value != lmk_check_value_) {
        log_.line(Severity::alarm, "hsm_other_lmk", {{"address", c.redial->address().str()}}, clock_.now());
        return lost(index, "it has another LMK than the others");
    }
    if (!c.usable && !setup_.warned_lmk.empty() && lmk_check_value == setup_.warned_lmk)
        log_.line(Severity::warning, "test_keys",
                  {{"address", c.redial->address().str()},
                   {"detail", "the HSM runs under the published test LMK: its keys protect nothing"}},
                  clock_.now());
    if (!c.usable)
        log_.line(Severity::info, "hsm_connected", {{"address", c.redial->address().str()}}, clock_.now());
    c.usable = true;
    c.redial->stands();
}

std::size_t HsmClient::usable_connections() const {
    return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                  [](const Connection& c) { return c.usable; }));
}

std::optional<hsm::Reply> HsmClient::ask(const HsmAsker& asker, hsm::Request request) {
    if (questions_.size() >= setup_.waiting_max) return tl::unexpected(HsmFault::unavailable);
    const hsm::Ticket ticket = ++last_ticket_;
    Question question{asker, std::move(request), Reactor::now().plus_ms(setup_.reply_timeout_ms), 0, 0, {}};
    if (!place(ticket, question)) return tl::unexpected(HsmFault::unavailable);
    questions_.emplace(ticket, std::move(question));
    return std::nullopt;
}

bool HsmClient::may_ask(const Question& question, std::size_t connection) const {
    const auto& failed = question.failed_at;
    return connections_[connection].usable &&
           std::find(failed.begin(), failed.end(), hsm_of(connection)) == failed.end();
}

/// The least busy connection of the trusted HSMs, of the others when none is trusted.
std::optional<std::size_t> HsmClient::best_for(const Question& question,
                                               const std::vector<std::size_t>& full) const {
    const Instant now = Reactor::now();
    std::optional<std::size_t> best;
    const auto rank = [&](std::size_t i) {
        return std::pair(distrusted_until_[hsm_of(i)] > now, connections_[i].link.in_flight());
    };
    for (std::size_t k = 0; k < connections_.size(); ++k) {
        const std::size_t i = (next_connection_ + k) % connections_.size();
        if (!may_ask(question, i) || std::find(full.begin(), full.end(), i) != full.end()) continue;
        if (!best || rank(i) < rank(*best)) best = i;
    }
    return best;
}

/// Until when the HSM that has the question may take: its share when others are left, else all of the time.
Instant HsmClient::patience(const Question& question) const {
    std::vector<std::size_t> able = {hsm_of(question.connection)};
    for (std::size_t i = 0; i < connections_.size(); ++i)
        if (may_ask(question, i) && std::find(able.begin(), able.end(), hsm_of(i)) == able.end())
            able.push_back(hsm_of(i));
    const Instant now = Reactor::now();
    const std::int64_t left = std::max<std::int64_t>(0, question.until.ms - now.ms);
    return now.plus_ms(left / static_cast<std::int64_t>(able.size()));
}

bool HsmClient::place(hsm::Ticket ticket, Question& question) {
    if (question.asks >= asks_max) return false;
    std::vector<std::size_t> full;
    while (const auto i = best_for(question, full)) {
        if (!connections_[*i].link.ask(ticket, question.request)) {
            full.push_back(*i);
            continue;
        }
        next_connection_ = *i + 1;
        question.connection = *i;
        ++question.asks;
        connections_[*i].dirty = true;
        deadlines_.set(ticket, patience(question));
        arm();
        return true;
    }
    return false;
}

bool HsmClient::place_elsewhere(hsm::Ticket ticket, Question& question) {
    question.failed_at.push_back(hsm_of(question.connection));
    if (place(ticket, question)) return true;
    question.failed_at.pop_back();
    return false;
}

void HsmClient::distrust(std::size_t index, const std::string& why) {
    Instant& until = distrusted_until_[hsm_of(index)];
    const Instant now = Reactor::now();
    if (until <= now)
        log_.line(Severity::warning, "hsm_distrusted",
                  {{"address", connections_[index].redial->address().str()}, {"detail", why}}, clock_.now());
    until = now.plus_ms(setup_.distrust_ms);
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
    for (const auto& got : connections_[index].link.take_answered()) {
        if (got.reply) {
            answered(index, got.ticket, *got.reply);
        } else if (health_checks_.erase(got.ticket) != 0) {
            deadlines_.cancel(got.ticket);
            health_answered(index, got.healthy.value_or(false), got.lmk_check_value);
        }
    }
}

void HsmClient::answered(std::size_t index, hsm::Ticket ticket, const hsm::Reply& reply) {
    connections_[index].unanswered = 0;
    if (reply || !is_trouble_of_the_hsm(reply.error())) return answer(ticket, reply);
    distrust(index, "error " + std::string(hsm::code(reply.error())));
    const auto at = questions_.find(ticket);
    if (at == questions_.end() || place_elsewhere(ticket, at->second)) return;
    // A PIN block is not judged by it; who changes keys wants to know that the command is switched off.
    const bool says_why = reply.error() == HsmFault::command_disabled &&
                          !std::holds_alternative<hsm::TranslatePin>(at->second.request);
    answer(ticket, says_why ? reply : tl::unexpected(HsmFault::unavailable));
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
    distrust(index, why);
    const std::optional<hsm::Ticket> misanswered = c.link.misanswered();
    for (const hsm::Ticket ticket : c.link.lost()) {
        if (health_checks_.erase(ticket) != 0) {
            deadlines_.cancel(ticket);
            continue;
        }
        const auto at = questions_.find(ticket);
        if (at == questions_.end()) continue;
        // Another connection to the same HSM will do as well, because this one may have been cut on the way,
        // but not for a question that the HSM does not know how to answer: it would cost that one too.
        const bool placed =
            ticket == misanswered ? place_elsewhere(ticket, at->second) : place(ticket, at->second);
        if (!placed) answer(ticket, tl::unexpected(HsmFault::unavailable));
    }
    c.redial->lost(why);
    flush();
}

/// Its HSM has had its share of the time, or all of it.
void HsmClient::question_overdue(hsm::Ticket ticket, Question& question) {
    const std::size_t index = question.connection;
    const bool time_is_left = Reactor::now() < question.until;
    distrust(index, "no answer in time");
    if (time_is_left && !place_elsewhere(ticket, question)) {
        // The others are busy or gone meanwhile: this one may keep it for the rest of the time.
        deadlines_.set(ticket, question.until);
        return;
    }
    connections_[index].link.forget(ticket);
    if (++connections_[index].unanswered == setup_.timeouts_max)
        check_health(index, std::min(setup_.probe_ms, setup_.reply_timeout_ms));
    if (!time_is_left) answer(ticket, tl::unexpected(HsmFault::unavailable));
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
        if (at != questions_.end()) question_overdue(*ticket, at->second);
    }
    for (const std::size_t index : silent) lost(index, "no answer to a health check in time");
    // A connection that swallows questions is given up, so that an HSM that is back finds a fresh one.
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        const Connection& c = connections_[i];
        if (c.unanswered >= unanswered_max || c.link.overdue() >= overdue_max)
            lost(i, "questions stay without an answer");
        else if (c.unanswered > 0 && c.link.frame_unfinished())
            lost(i, "an answer does not end");
    }
    flush();
    arm();
}

void HsmClient::arm() {
    const auto next = deadlines_.next();
    if (!next || (armed_ && *armed_ <= *next)) return;
    armed_ = next;
    alarm_->set(*next);
}

}  // namespace acquirer
