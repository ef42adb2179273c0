// IssuerNode: an issuer model on its connections. Answers leave as the model says, or, for scripts, are held
// back until the script lets them go.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "iso8583/framing.hpp"
#include "routing/issuer_sim/issuer_model.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/network.hpp"

namespace simulation {

class IssuerNode {
  public:
    /// What it has received, newest last; network management left out.
    struct Received {
        iso8583::Mti mti;
        iso8583::FieldValues fields;
        iso8583::Instant at;
    };

    IssuerNode(routing::IssuerConfig config, hsm::HsmEngine& engine, Network& network, Agenda& agenda,
               std::function<iso8583::Now()> now);

    void connected(std::uint64_t connection);
    void bytes_arrived(std::uint64_t connection, iso8583::ByteView bytes);
    void closed(std::uint64_t connection);
    void drop_all();
    /// Its process ends and begins again, with its keys; without its books it has forgotten what it answered.
    void restart(bool with_books);
    [[nodiscard]] bool has_forgotten() const { return has_forgotten_; }

    [[nodiscard]] routing::IssuerModel& model() { return *model_; }
    [[nodiscard]] const routing::IssuerBooks& books() const { return model_->books(); }
    bool up = true;

    /// Answers to what arrives from now on wait (sign-on and echo do not).
    bool hold_answers = false;
    /// The oldest held answer leaves; on another connection when its own is gone. False when there is none.
    bool release_one();
    /// An answer that the issuer makes up, with a right MAC.
    void send(iso8583::FieldValues fields);
    /// A command of its control socket.
    std::string control(std::string_view line);
    /// Bytes as they are, on its first connection.
    void send_bytes(iso8583::Bytes bytes);
    /// May bend each frame that leaves towards the switch.
    std::function<void(iso8583::Bytes& frame)> on_leaving;
    /// Hears each message that arrives and decodes.
    std::function<void(const iso8583::Message& message)> on_arrived;
    void forget_held() { held_.clear(); }
    [[nodiscard]] std::size_t held() const { return held_.size(); }
    /// So many messages from now on are lost before they arrive (network management is not counted).
    std::uint32_t deaf_to = 0;
    /// Kept for scripts only.
    bool keep_received = false;
    std::deque<Received> received;
    std::uint64_t messages = 0;

  private:
    struct Held {
        std::uint64_t connection = 0;
        iso8583::Bytes frame;
    };
    void carry_out(std::uint64_t connection, std::vector<routing::IssuerAction>& actions,
                   bool network_management);
    void send_body(iso8583::Bytes body);

    hsm::HsmEngine& engine_;
    Network& network_;
    Agenda& agenda_;
    std::function<iso8583::Now()> now_;
    const iso8583::Dialect* dialect_;
    std::unique_ptr<routing::IssuerModel> model_;
    bool has_forgotten_ = false;
    std::uint32_t authorizations_begin_ = 0;
    std::map<std::uint64_t, iso8583::FrameReader> readers_;  // by connection
    std::deque<Held> held_;
};

}  // namespace simulation
