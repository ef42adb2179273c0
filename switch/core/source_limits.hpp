// SourceLimits: what strangers may do at the doors: sign-ons are limited, wrong MACs are slowed. Counted per
// terminal and address it came from, so that a stranger's tries cost the honest terminal nothing.
//
// Owner: SwitchCore. Thread: the core's. In memory alone: a restart forgets, and the buckets are full again.
// Bounds: sources_max of each kind. Source: docs/wire.md (sign-ons); refund_rules.md R40.
#pragma once

#include <map>
#include <optional>

#include "switch/core/core_context.hpp"

namespace acquirer {

/// A token bucket as one number: when it would be full again.
class TokenBucket {
  public:
    /// Takes one of `burst`, of which one comes back every `refill_us` microseconds; false when none is left.
    bool take(std::int64_t burst, std::int64_t refill_us, const iso8583::Instant& now);
    [[nodiscard]] bool is_full(const iso8583::Instant& now) const { return full_at_us_ <= now.ms * 1'000; }

  private:
    std::int64_t full_at_us_ = 0;
};

class SourceLimits {
  public:
    explicit SourceLimits(CoreContext& context) : c_(context) {}

    /// The address that asked for the terminal's keys that verified last is its home: it has a bucket
    /// whatever others do.
    enum class Address : std::uint8_t { other, home };
    /// May this terminal be given new keys?
    bool sign_on_allowed(const iso8583::TerminalId& terminal, const PeerAddress& peer, Address address);

    /// R40: a message whose MAC is wrong is answered, at once or, from the bound on, held back a second, one
    /// after the other. What comes while held_back_max wait already is not answered: it must not close a
    /// connection that others share, and the session's bound on unanswered requests ends a flood.
    void answer_wrong_mac(SendReply reply, const iso8583::TerminalId& terminal);
    void on_deadline(std::uint64_t number);

  private:
    static constexpr std::size_t sources_max = 65'536;
    static constexpr std::size_t held_back_max = 16;  // answers of one source that wait
    static constexpr std::int64_t held_back_ms = 1'000;
    static constexpr std::int64_t minute_ms = 60'000;

    using Source = std::pair<iso8583::TerminalId, PeerAddress>;
    struct WrongMacs {
        iso8583::Instant minute_began;
        std::uint32_t in_minute = 0;
        iso8583::Instant last_leaves;  // when the last answer that waits leaves
        std::size_t waiting = 0;
    };
    struct HeldBack {
        Source source;
        SendReply reply;
    };
    WrongMacs& wrong_macs(const Source& source);
    void alarm(const Source& source, std::uint64_t link);

    CoreContext& c_;
    std::map<Source, TokenBucket> sign_ons_;
    std::map<PeerAddress, TokenBucket> sign_ons_of_address_;
    std::map<Source, WrongMacs> wrong_macs_;
    std::map<std::uint64_t, HeldBack> held_back_;
    std::uint64_t last_number_ = 0;
};

}  // namespace acquirer
