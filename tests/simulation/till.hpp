// Till: a terminal model on its connections. It sends what it is told, finds the request that a reply
// answers, and hands every breach of the wire to the checkers. What it asks, and when it gives up, is its
// user's business: a script (tests/flow) or a cashier (cashier.hpp).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/framing.hpp"
#include "tests/peers/terminal_model.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

class Till {
  public:
    /// One request, with all its tries and all its answers.
    struct Asked {
        std::vector<peers::Outgoing> tries;
        std::vector<peers::Outcome> answers;
        iso8583::Instant first_sent;
        [[nodiscard]] const peers::Outgoing& sent() const { return tries.back(); }
        [[nodiscard]] bool answered() const { return !answers.empty(); }
        [[nodiscard]] std::string code() const { return answers.empty() ? "" : answers.front().code.str(); }
    };
    static constexpr std::size_t lines = 2;        // connections a terminal may hold
    static constexpr std::size_t asked_max = 512;  // older ones are forgotten

    Till(World& world, peers::TerminalConfig config);

    [[nodiscard]] peers::Terminal& terminal() { return terminal_; }
    [[nodiscard]] acquirer::Profile profile() const;
    /// Sends a new request; false when there is no connection. The reference lives until asked_max more were
    /// sent.
    Asked& ask(peers::Outgoing out, std::size_t line = 0);
    /// Two requests in one piece: nothing comes between them. The second one.
    Asked& ask_in_one_piece(peers::Outgoing first, peers::Outgoing second, std::size_t line = 0);
    /// A request that never arrives.
    Asked& ask_in_vain(peers::Outgoing out);
    /// The same request once more, its MAC under the newest key.
    void ask_again(Asked& asked, bool repeat_mti, std::size_t line = 0);
    void drop_line(std::size_t line);
    /// Every answer that was in order; the first one of a request has answers.size() 1.
    std::function<void(Asked&)> on_answer;
    std::function<void()> on_closed;
    [[nodiscard]] World& world() { return world_; }
    [[nodiscard]] iso8583::UtcTime utc() const;
    [[nodiscard]] const peers::Outcome& last_answer() const { return last_answer_; }

  private:
    struct Line {
        std::uint64_t connection = 0;
        iso8583::FrameReader reader;
    };
    bool transmit(std::initializer_list<const peers::Outgoing*> outs, std::size_t line);
    void frame_arrived(const iso8583::Frame& frame);
    /// True when the frame is in order as an answer to it; else what is wrong is added to `breaches` once.
    bool judge(Asked& asked, const iso8583::Frame& frame, std::string& breaches);
    /// Is this breach what the world's own faults bring about?
    [[nodiscard]] bool is_excused(const std::string& breach) const;

    World& world_;
    peers::Terminal terminal_;
    std::vector<Line> lines_;
    std::deque<Asked> asked_;
    peers::Outcome last_answer_;
};

/// A terminal of the world's configuration, by its number.
[[nodiscard]] peers::TerminalConfig till_config(const World& world, std::uint32_t number);

}  // namespace simulation
