// Several exchanges in flight on one connection; the header, which the HSM echoes, tells answers apart.
#include <algorithm>

#include "hsm_sim/payshield.hpp"
#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

constexpr std::uint32_t header_digits = 36;  // 0-9 and A-Z

/// How many questions a header of this length can tell apart.
std::size_t headers_of(std::size_t length) {
    return length == 0 ? 1 : length == 1 ? header_digits : PayshieldLink::in_flight_max;
}

}  // namespace

PayshieldLink::PayshieldLink(PayshieldFormat format)
    : format_(std::move(format)), headers_max_(headers_of(format_.header_length)) {
    ENSURE(format_.header_length <= PayshieldFormat::header_length_max);
}

bool PayshieldLink::ask(Ticket ticket, const Request& request) {
    return begin(ticket, PayshieldExchange(request, format_));
}

bool PayshieldLink::check_health(Ticket ticket) {
    return begin(ticket, PayshieldExchange::health_check(format_));
}

bool PayshieldLink::begin(Ticket ticket, PayshieldExchange exchange) {
    if (open_.size() + forgotten_.size() >= headers_max_) return false;
    std::string header = next_header();
    Open open{ticket, std::move(exchange)};
    if (pump(header, open)) open_.emplace(std::move(header), std::move(open));
    return true;
}

/// Sends what there is to send; false when the exchange has ended.
bool PayshieldLink::pump(const std::string& header, Open& open) {
    if (open.exchange.done()) {
        answered_.push_back(
            {open.ticket, open.exchange.reply(), open.exchange.healthy(), open.exchange.lmk_check_value()});
        return false;
    }
    const auto command = open.exchange.next_command();
    if (command) output_ += make_frame(header, *command);
    return true;
}

std::string PayshieldLink::next_header() {
    static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    // The bound in begin() leaves at least one header free, so this ends.
    for (;;) {
        std::string header(format_.header_length, '0');
        std::uint32_t number = sequence_++;
        for (std::size_t i = header.size(); i > 0; --i) {
            header[i - 1] = digits[number % header_digits];
            number /= header_digits;
        }
        if (open_.count(header) == 0 && forgotten_.count(header) == 0) return header;
    }
}

bool PayshieldLink::received(std::string_view bytes) {
    input_ += bytes;
    std::size_t used = 0;
    for (;;) {
        const FrameSplit split = split_frame(std::string_view(input_).substr(used));
        if (split.state == FrameSplit::State::too_long) return false;
        if (split.state == FrameSplit::State::incomplete) break;
        used += split.bytes_used;
        if (split.frame.size() < format_.header_length) return false;
        const std::string_view header = split.frame.substr(0, format_.header_length);
        const auto late = forgotten_.find(header);
        if (late != forgotten_.end()) {
            forgotten_.erase(late);
            continue;
        }
        const auto found = open_.find(header);
        if (found == open_.end()) return false;  // an answer to nothing: do not trust the rest either
        found->second.exchange.answered(split.frame.substr(format_.header_length));
        if (!found->second.exchange.made_sense()) {
            misanswered_ = found->second.ticket;
            return false;
        }
        if (!pump(found->first, found->second)) open_.erase(found);
    }
    input_.erase(0, used);
    return true;
}

void PayshieldLink::forget(Ticket ticket) {
    for (auto at = open_.begin(); at != open_.end(); ++at)
        if (at->second.ticket == ticket) {
            forgotten_.insert(at->first);
            open_.erase(at);
            return;
        }
}

std::vector<Ticket> PayshieldLink::lost() {
    std::vector<Ticket> tickets;
    for (const auto& [header, open] : open_) tickets.push_back(open.ticket);
    open_.clear();
    forgotten_.clear();
    misanswered_.reset();
    input_.clear();
    output_.clear();
    return tickets;
}

}  // namespace hsm
