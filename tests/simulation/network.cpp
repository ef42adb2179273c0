#include "tests/simulation/network.hpp"

#include <algorithm>

namespace simulation {
namespace {

std::size_t index(Side side) { return static_cast<std::size_t>(side); }
Side other(Side side) { return side == Side::switch_side ? Side::peer_side : Side::switch_side; }
constexpr std::int64_t stall_ms_max = 8'000;

}  // namespace

std::uint64_t Network::open(End switch_end, End peer_end) {
    Connection c;
    c.ends[index(Side::switch_side)] = std::move(switch_end);
    c.ends[index(Side::peer_side)] = std::move(peer_end);
    c.towards[0].last_arrival = c.towards[1].last_arrival = clock_;
    connections_.emplace(next_, std::move(c));
    return next_++;
}

void Network::write(std::uint64_t connection, Side from, iso8583::Bytes bytes) {
    const auto at = connections_.find(connection);
    if (at == connections_.end() || bytes.empty()) return;
    const Side to = other(from);
    if (at->second.over[index(from)] || at->second.over[index(to)]) return;
    if (chance_.permille(faults.drop_permille)) return;
    if (chance_.permille(faults.break_permille)) {
        bytes.resize(chance_.below(static_cast<std::uint32_t>(bytes.size()) + 1));
        send_piece(connection, to, std::move(bytes), 0);
        end_from(connection, from);
        // The end that wrote hears of the broken connection as well.
        agenda_.at(clock_, [this, connection, from] { hear_of_the_end(connection, from); });
        return;
    }
    const std::int64_t stall = chance_.permille(faults.stall_permille) ? chance_.between(0, stall_ms_max) : 0;
    const bool twice = chance_.permille(faults.duplicate_permille);
    for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
        iso8583::Bytes rest = bytes;
        while (rest.size() > 1 && chance_.permille(faults.fragment_permille)) {
            const std::size_t cut = 1 + chance_.below(static_cast<std::uint32_t>(rest.size() - 1));
            send_piece(connection, to,
                       iso8583::Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(cut)), stall);
            rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(cut));
        }
        send_piece(connection, to, std::move(rest), stall);
    }
}

void Network::send_piece(std::uint64_t connection, Side to, iso8583::Bytes piece, std::int64_t extra_ms) {
    Direction& way = connections_.at(connection).towards[index(to)];
    const std::int64_t delay = chance_.between(faults.delay_ms_min, faults.delay_ms_max) + extra_ms;
    way.last_arrival = std::max(way.last_arrival, clock_.plus_ms(delay));
    ++way.on_the_way;
    agenda_.at(way.last_arrival,
               [this, connection, to, piece = std::move(piece)] { deliver(connection, to, piece); });
}

void Network::deliver(std::uint64_t connection, Side to, const iso8583::Bytes& bytes) {
    const auto at = connections_.find(connection);
    if (at == connections_.end()) return;
    Direction& way = at->second.towards[index(to)];
    --way.on_the_way;
    if (at->second.over[index(to)]) return;
    // A copy: what the end does may close the connection.
    const auto hear = at->second.ends[index(to)].bytes;
    hear(connection, bytes);
}

void Network::close(std::uint64_t connection, Side from) {
    const auto at = connections_.find(connection);
    if (at == connections_.end() || at->second.told[index(from)]) return;
    at->second.told[index(from)] = true;
    end_from(connection, from);
    forget_when_over(connection);
}

void Network::end_from(std::uint64_t connection, Side from) {
    Connection& c = connections_.at(connection);
    c.over[index(from)] = true;
    const Side to = other(from);
    Direction& way = c.towards[index(to)];
    // What is on its way may be lost with the connection: then the other end hears of the end first.
    const bool lost = way.on_the_way > 0 && chance_.permille(faults.break_permille == 0 ? 0 : 300);
    const std::int64_t delay = chance_.between(faults.delay_ms_min, faults.delay_ms_max);
    const iso8583::Instant when =
        lost ? clock_.plus_ms(delay) : std::max(way.last_arrival, clock_.plus_ms(delay));
    way.last_arrival = std::max(way.last_arrival, when);
    agenda_.at(when, [this, connection, to] { hear_of_the_end(connection, to); });
}

void Network::hear_of_the_end(std::uint64_t connection, Side to) {
    const auto at = connections_.find(connection);
    if (at == connections_.end() || at->second.told[index(to)]) return;
    at->second.over[index(to)] = at->second.told[index(to)] = true;
    const auto closed = at->second.ends[index(to)].closed;
    forget_when_over(connection);
    closed(connection);
}

void Network::forget_when_over(std::uint64_t connection) {
    const auto at = connections_.find(connection);
    if (at != connections_.end() && at->second.told[0] && at->second.told[1]) connections_.erase(at);
}

}  // namespace simulation
