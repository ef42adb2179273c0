// HsmClient: payShield-style host commands over TCP, to several HSMs, several connections to each, many
// commands in flight. An HSM is used once its health check has been answered with the LMK that all have.
// Questions are spread: each goes to the least busy connection of those HSMs that are trusted.
//
// Every question may be asked twice. When an HSM is lost, answers without sense, says that it is in trouble
// itself, or takes more than its share of the question's time, the question goes to another one, and that HSM
// is asked last for a while.
//
// Thread: the core's. Errors: what no HSM answers in time is HsmFault::unavailable (R64). Source:
// docs/hsm.md.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "hsm_sim/payshield.hpp"
#include "switch/core/deadline_queue.hpp"
#include "switch/io/hsm_access.hpp"
#include "switch/io/log.hpp"
#include "switch/io/reactor.hpp"
#include "switch/io/redial.hpp"
#include "switch/io/wall_clock.hpp"

namespace acquirer {

struct HsmClientSetup {
    std::vector<SocketAddress> addresses;  // one for each HSM
    std::uint32_t connections = 2;         // to each address
    hsm::PayshieldFormat format;
    std::int32_t reply_timeout_ms = 2'000;
    std::int32_t connect_timeout_ms = 2'000;
    std::int32_t health_every_ms = 5'000;
    /// After so many questions in a row without an answer a connection is asked whether it lives; it is given
    /// up when that is not answered within probe_ms.
    std::uint32_t timeouts_max = 3;
    std::int32_t probe_ms = 2'000;
    std::int32_t reconnect_first_ms = 200;
    std::int32_t reconnect_longest_ms = 10'000;
    /// How long an HSM that failed a question is asked only when no other can be.
    std::int32_t distrust_ms = 5'000;
    /// Questions that await an answer, over all connections; beyond it they are unavailable at once.
    std::size_t waiting_max = 4'096;
    std::size_t read_bytes = 65'536;
    MakeChannel channel = plain_channel;
    /// An HSM whose LMK has this check value, as NC gives it, is never used; empty: there is none such.
    std::string refused_lmk;
    /// One whose LMK has this check value is used, and the log warns of it; empty: there is none such.
    std::string warned_lmk;
};

class HsmClient final : public HsmAccess, private StreamOwner {
  public:
    /// Questions in a row that a connection may leave unanswered; then it is closed and opened anew.
    static constexpr std::uint32_t unanswered_max = 16;
    /// Questions that were given up on a connection and whose late answers have not come.
    static constexpr std::size_t overdue_max = hsm::PayshieldLink::in_flight_max / 2;
    /// How often one question is asked, whatever happens to the HSMs meanwhile.
    static constexpr std::uint32_t asks_max = 4;

    HsmClient(Reactor& reactor, Log& log, WallClock& clock, HsmClientSetup setup);
    ~HsmClient() override;

    void on_reply(OnReply call) override { on_reply_ = std::move(call); }
    std::optional<hsm::Reply> ask(const HsmAsker& asker, hsm::Request request) override;
    void flush() override;
    [[nodiscard]] bool available() const override { return usable_connections() > 0; }
    [[nodiscard]] std::string why_unfit() const override { return available() ? std::string() : unfit_; }
    [[nodiscard]] std::size_t usable_connections() const;
    [[nodiscard]] std::size_t waiting() const override { return questions_.size(); }

  private:
    struct Connection {
        hsm::PayshieldLink link;
        std::unique_ptr<Redial> redial;
        std::shared_ptr<Stream> stream;  // while connected
        std::uint32_t unanswered = 0;    // questions in a row
        bool usable = false;
        bool dirty = false;
    };
    struct Question {
        HsmAsker asker;
        hsm::Request request;
        iso8583::Instant until;
        std::size_t connection = 0;
        std::uint32_t asks = 0;
        std::vector<std::size_t> failed_at;  // HSMs that had it and did not answer it
    };

    void bytes_arrived(Stream& stream, iso8583::ByteView bytes) override;
    void stream_ended(Stream& stream, const std::string& why) override;
    void want(const SocketAddress& address);
    void connected(std::size_t index, std::shared_ptr<Stream> stream);
    void lost(std::size_t index, const std::string& why);
    void check_health(std::size_t index, std::int32_t timeout_ms);
    void health_answered(std::size_t index, bool healthy, const std::string& lmk_check_value);
    [[nodiscard]] std::size_t hsm_of(std::size_t connection) const { return connection / setup_.connections; }
    [[nodiscard]] bool may_ask(const Question& question, std::size_t connection) const;
    [[nodiscard]] std::optional<std::size_t> best_for(const Question& question,
                                                      const std::vector<std::size_t>& full) const;
    [[nodiscard]] iso8583::Instant patience(const Question& question) const;
    bool place(hsm::Ticket ticket, Question& question);
    bool place_elsewhere(hsm::Ticket ticket, Question& question);
    void distrust(std::size_t index, const std::string& why);
    void take_answered(std::size_t index);
    void answered(std::size_t index, hsm::Ticket ticket, const hsm::Reply& reply);
    void answer(hsm::Ticket ticket, const hsm::Reply& reply);
    void question_overdue(hsm::Ticket ticket, Question& question);
    void pass_deadlines();
    void arm();

    static constexpr hsm::Ticket health_bit = hsm::Ticket{1} << 63;

    Reactor& reactor_;
    Log& log_;
    WallClock& clock_;
    HsmClientSetup setup_;
    OnReply on_reply_;
    std::vector<Connection> connections_;
    std::vector<iso8583::Instant> distrusted_until_;  // by HSM
    std::size_t next_connection_ = 0;                 // where the search for the least busy one begins
    std::unordered_map<hsm::Ticket, Question> questions_;
    std::unordered_map<hsm::Ticket, std::size_t> health_checks_;
    DeadlineQueue<hsm::Ticket> deadlines_;
    std::unique_ptr<Alarm> alarm_;
    std::optional<iso8583::Instant> armed_;
    std::unique_ptr<Alarm> health_alarm_;
    hsm::Ticket last_ticket_ = 0;
    std::string unfit_;            // why the last that answered is not used
    std::string lmk_check_value_;  // of the first HSM that answered: all must have it
};

}  // namespace acquirer
