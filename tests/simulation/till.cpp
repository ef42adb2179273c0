#include "tests/simulation/till.hpp"

#include "iso8583/values/ensure.hpp"

namespace simulation {

using namespace acquirer;

namespace {

/// Each terminal has an address of its own in 10.0.0.0/8.
PeerAddress address_of(const peers::Terminal& terminal) {
    const std::uint32_t number = static_cast<std::uint32_t>(std::stoul(terminal.config().terminal.str()));
    return PeerAddress("10." + std::to_string(number >> 16 & 0xFF) + "." +
                       std::to_string(number >> 8 & 0xFF) + "." + std::to_string(number & 0xFF));
}

}  // namespace

Till::Till(World& world, peers::TerminalConfig config) : world_(world), terminal_(std::move(config)) {
    for (std::size_t i = 0; i < lines; ++i) lines_.push_back({0, iso8583::FrameReader(terminal_.framing())});
}

Profile Till::profile() const {
    return terminal_.config().profile == peers::TerminalProfile::unionpay_pos ? Profile::unionpay_pos
                                                                              : Profile::iso87;
}

iso8583::UtcTime Till::utc() const { return world_.now().utc; }

Till::Asked& Till::ask(peers::Outgoing out, std::size_t line) {
    Asked& asked = ask_in_vain(std::move(out));
    transmit({&asked.tries.back()}, line);
    return asked;
}

Till::Asked& Till::ask_in_one_piece(peers::Outgoing first, peers::Outgoing second, std::size_t line) {
    const Asked& before = ask_in_vain(std::move(first));
    Asked& behind = ask_in_vain(std::move(second));
    transmit({&before.tries.back(), &behind.tries.back()}, line);
    return behind;
}

Till::Asked& Till::ask_in_vain(peers::Outgoing out) {
    if (asked_.size() == asked_max) asked_.pop_front();
    Asked& asked = asked_.emplace_back();
    asked.first_sent = world_.now().instant;
    asked.tries.push_back(std::move(out));
    return asked;
}

void Till::ask_again(Asked& asked, bool repeat_mti, std::size_t line) {
    asked.tries.push_back(terminal_.again(asked.tries.back(), repeat_mti));
    transmit({&asked.tries.back()}, line);
}

bool Till::transmit(std::initializer_list<const peers::Outgoing*> outs, std::size_t line_number) {
    Line& line = lines_.at(line_number);
    if (line.connection == 0) {
        Network::End end;
        end.bytes = [this, line_number](std::uint64_t connection, iso8583::ByteView bytes) {
            Line& l = lines_[line_number];
            if (l.connection != connection) return;
            l.reader.feed(bytes);
            for (auto next = l.reader.next(); next; next = l.reader.next()) {
                if (!*next)
                    return world_.checkers().wire_breach("frames towards a terminal: " + next->error().what,
                                                         world_.now().instant);
                if (world_.on_terminal_traffic) {
                    iso8583::Bytes frame;
                    iso8583::write_frame(terminal_.framing(), **next, frame);
                    world_.on_terminal_traffic(*this, Side::switch_side, frame);
                }
                frame_arrived(**next);
            }
        };
        end.closed = [this, line_number](std::uint64_t connection) {
            if (lines_[line_number].connection != connection) return;
            lines_[line_number].connection = 0;
            if (on_closed) on_closed();
        };
        const auto connection = world_.connect_terminal(profile(), std::move(end), address_of(terminal_));
        if (!connection) return false;
        world_.honest().connected(*connection);
        line.connection = *connection;
        line.reader = iso8583::FrameReader(terminal_.framing());
    }
    iso8583::Bytes piece;
    for (const peers::Outgoing* out : outs) {
        if (world_.tracing())
            world_.trace("   terminal " + terminal_.config().terminal.str() + " sends " +
                         std::string(peers::name(out->transaction)) + " " + out->fields.mti().str() +
                         " DE11=" + out->stan.str() + " " + std::to_string(out->amount));
        world_.honest().sent(terminal_.dialect(), out->frame);
        world_.naive_books().asked(*out);
        if (world_.on_terminal_traffic) world_.on_terminal_traffic(*this, Side::peer_side, out->frame);
        piece.insert(piece.end(), out->frame.begin(), out->frame.end());
    }
    world_.network.write(line.connection, Side::peer_side, piece);
    return true;
}

void Till::drop_line(std::size_t line_number) {
    Line& line = lines_.at(line_number);
    if (line.connection == 0) return;
    world_.network.close(std::exchange(line.connection, 0), Side::peer_side);
}

void Till::frame_arrived(const iso8583::Frame& frame) {
    const auto address = peers::Terminal::address(terminal_.dialect(), frame);
    if (!address || address->terminal != terminal_.config().terminal)
        return world_.checkers().wire_breach("a terminal got a message that is not for it",
                                             world_.now().instant);
    // Requests under one trace are told apart by whose answer this can be.
    std::string breaches;
    for (auto at = asked_.rbegin(); at != asked_.rend(); ++at) {
        const peers::Outgoing& sent = at->sent();
        if (sent.stan != address->stan || sent.fields.mti().response() != address->mti) continue;
        if (judge(*at, frame, breaches)) return;
    }
    if (breaches.empty() && asked_.size() < asked_max) breaches = "a reply that answers no request";
    if (!breaches.empty())
        world_.checkers().wire_breach("terminal " + terminal_.config().terminal.str() + ": " + breaches,
                                      world_.now().instant);
}

bool Till::judge(Asked& asked, const iso8583::Frame& frame, std::string& breaches) {
    const peers::Transaction what = asked.sent().transaction;
    const bool financial = what == peers::Transaction::sale || what == peers::Transaction::void_sale ||
                           what == peers::Transaction::refund || what == peers::Transaction::reversal ||
                           what == peers::Transaction::authorization ||
                           what == peers::Transaction::void_authorization ||
                           what == peers::Transaction::completion;
    // A second answer to what changes keys or batches must not change them again.
    if (asked.answered() && !financial) return true;
    for (auto sent = asked.tries.rbegin(); sent != asked.tries.rend(); ++sent) {
        auto outcome = terminal_.receive(*sent, frame);
        if (!outcome) {
            const std::string own = std::string(peers::name(what)) + ": " + outcome.error().what;
            if (is_excused(own)) return true;
            if (breaches.empty()) breaches = own;
            continue;
        }
        last_answer_ = *outcome;
        if (const auto wrong = world_.naive_books().told(*sent, *outcome))
            world_.checkers().broken("naive", *wrong, world_.now().instant);
        asked.answers.push_back(std::move(*outcome));
        if (on_answer) on_answer(asked);
        return true;
    }
    return false;
}

bool Till::is_excused(const std::string& breach) const {
    // An issuer's 01 is no case, and an odd one sends no DE38.
    if (world_.issuers_are_odd && (breach.ends_with(": DE38 of an approved sale is missing") ||
                                   breach.ends_with(": the case number in DE44 is missing")))
        return true;
    // While the store takes no new work nothing is recorded, so a refusal then has no DE37 (R62).
    if (world_.store_was_full() && breach.ends_with(": DE37 is missing")) return true;
    // When the HSM could not say which key a request was under, the answer takes the newest: not every
    // terminal's (R64).
    return world_.hsm_has_failed() && breach.ends_with(": the MAC is wrong");
}

peers::TerminalConfig till_config(const World& world, std::uint32_t number) {
    peers::TerminalConfig config;
    config.terminal = iso8583::TerminalId::parse(std::to_string(number)).value();
    const TerminalRange* range = world.configuration().find_terminal(config.terminal);
    ENSURE(range != nullptr);
    config.merchant = range->merchant;
    config.mac = range->mac;
    config.profile = range->profile == Profile::unionpay_pos ? peers::TerminalProfile::unionpay_pos
                                                             : peers::TerminalProfile::iso87_ascii;
    // TEST KEYS of docs/interfaces.md, as a terminal holds them.
    config.tmk_hex = "0123456789ABCDEFFEDCBA9876543210";
    config.tak_hex = "10101010101010102323232323232323";
    config.tpk_hex = "32323232323232324545454545454545";
    return config;
}

}  // namespace simulation
