// BentTraffic: two terminals, one of each profile, and both issuers, whose valid frames are bent on their way
// to the switch. Each kind of message of each dialect is the start of some: from terminals sale, refund,
// void, reversal, settlement, batch upload and its end, sign-on, sign-off and echo; from issuers the answers
// to all that the switch sends, and 0800s of their own. What comes back is judged (reply_judge.hpp).
//
// Owner: the play. One thread. A breach is told with a sentence.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/bent_frame.hpp"
#include "tests/simulation/reply_judge.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {

class BentTraffic {
  public:
    using Breach = std::function<void(const std::string& what)>;

    /// Both terminals sign on and sell to both issuers, so that there is something to refund, void and
    /// reverse.
    BentTraffic(World& world, Breach breach);
    ~BentTraffic();
    BentTraffic(const BentTraffic&) = delete;
    BentTraffic& operator=(const BentTraffic&) = delete;

    void terminal_frame(Choices& choices);
    void honest_frame(Choices& choices);
    /// What the issuer of a route says next will be bent.
    void bend_next_of_issuer(Choices& choices);
    /// An 0800 of an issuer's own.
    void issuer_request(Choices& choices);
    /// An effect has left: no sale is approved on an answer that no issuer gave with a right MAC.
    void released(const acquirer::Effect& effect);

  private:
    struct Side {
        Till* till = nullptr;
        std::uint64_t connection = 0;
        bool disturbed = false;  // the switch no longer reads frames where they begin
        std::unique_ptr<ReplyJudge> judge;
        std::vector<Till::Asked*> sales;
    };
    /// An 0800 as it left an issuer.
    struct OwnRequest {
        iso8583::Message message;
        bool decodes = false;
        bool verifies = false;
    };
    struct Issuer {
        std::optional<iso8583::Bytes> recipe;  // of how its next frame is bent
        std::vector<OwnRequest> requests;
        std::set<std::pair<std::string, std::string>> approved;  // DE7 and DE11 of approvals with a right MAC
    };

    void sell(Side& side, bool to_a, std::int64_t amount);
    peers::Outgoing valid_frame(Side& side, Choices& choices);
    void write(Side& side, iso8583::Bytes bytes);
    void leaving(routing::RouteId route, iso8583::Bytes& frame);
    void note_leaving(routing::RouteId route, iso8583::ByteView frame, bool intact);
    void arrived(routing::RouteId route, const iso8583::Message& message);
    [[nodiscard]] std::optional<hsm::Mac> issuer_mac(routing::RouteId route, iso8583::ByteView covered);
    [[nodiscard]] bool verifies(routing::RouteId route, const iso8583::Message& message);
    [[nodiscard]] const iso8583::Dialect& dialect_of(routing::RouteId route);

    World& world_;
    Breach breach_;
    Side sides_[2];  // unionpay-pos, iso87-ascii
    std::map<routing::RouteId, Issuer> issuers_;
};

}  // namespace simulation
