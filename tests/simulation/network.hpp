// Network: connections between the switch and its peers, as bytes in order with everything that happens to
// them on the way: cut in pieces, held back and delivered together, delayed differently on different
// connections, whole messages lost or doubled by a concentrator, connections broken with bytes still on the
// way.
//
// No sockets and no clock: deliveries are written into the agenda. One thread; belongs to one world.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/time_fields.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/chance.hpp"

namespace simulation {

struct NetworkFaults {
    std::int64_t delay_ms_min = 0;
    std::int64_t delay_ms_max = 0;
    std::uint32_t fragment_permille = 0;   // a write arrives in pieces
    std::uint32_t stall_permille = 0;      // … seconds later, together with what follows
    std::uint32_t drop_permille = 0;       // a write never arrives
    std::uint32_t duplicate_permille = 0;  // … arrives twice
    std::uint32_t break_permille = 0;      // … breaks its connection, and part of it may arrive
};

enum class Side : std::uint8_t { switch_side, peer_side };

class Network {
  public:
    /// What one end hears, with the connection's number. `closed` comes once and last.
    struct End {
        std::function<void(std::uint64_t, iso8583::ByteView)> bytes;
        std::function<void(std::uint64_t)> closed;
    };

    Network(Agenda& agenda, const iso8583::Instant& clock, Chance chance)
        : agenda_(agenda), clock_(clock), chance_(chance) {}

    std::uint64_t open(End switch_end, End peer_end);
    void write(std::uint64_t connection, Side from, iso8583::Bytes bytes);
    /// `from` ends it; the other end hears of it after a delay, and perhaps some of what was on its way.
    void close(std::uint64_t connection, Side from);
    [[nodiscard]] bool is_open(std::uint64_t connection) const { return connections_.contains(connection); }

    NetworkFaults faults;

  private:
    struct Direction {
        iso8583::Instant last_arrival;
        std::uint32_t on_the_way = 0;
    };
    struct Connection {
        End ends[2];
        Direction towards[2];           // by receiving side
        bool over[2] = {false, false};  // that end neither sends nor hears
        bool told[2] = {false, false};  // … and knows it
    };
    void deliver(std::uint64_t connection, Side to, const iso8583::Bytes& bytes);
    void end_from(std::uint64_t connection, Side from);
    void forget_when_over(std::uint64_t connection);
    void hear_of_the_end(std::uint64_t connection, Side to);
    void send_piece(std::uint64_t connection, Side to, iso8583::Bytes piece, std::int64_t extra_ms);

    Agenda& agenda_;
    const iso8583::Instant& clock_;
    Chance chance_;
    std::map<std::uint64_t, Connection> connections_;
    std::uint64_t next_ = 1;
};

}  // namespace simulation
