// The engine behind the switch's HSM port: what is answered at once, what together, and that each is answered
// once.
#include "switch/io/embedded_hsm.hpp"

#include <catch2/catch.hpp>

#include "hsm_sim/openssl_random.hpp"
#include "hsm_sim/test_keys.hpp"

using namespace acquirer;

namespace {

hsm::GenerateMac mac_question(hsm::MacAlgorithm algorithm, std::size_t bytes) {
    return {hsm::KeyKind::tak,
            *hsm::KeyBlock::parse(hsm::test_keys::tak),
            {algorithm, hsm::MacPadding::zeros},
            iso8583::Bytes(bytes, 0x31)};
}

struct Desk {
    hsm::OpensslRandom random;
    hsm::HsmEngine engine{hsm::Lmk::test(), random};
    EmbeddedHsm embedded{engine};
    std::vector<std::pair<hsm::Ticket, hsm::Mac>> answered{};

    Desk() {
        embedded.on_reply([this](const HsmAsker& asker, const hsm::Reply& reply) {
            answered.emplace_back(asker.ticket, std::get<hsm::MacGenerated>(reply.value()).mac);
        });
    }
    bool at_once(hsm::Ticket ticket, hsm::MacAlgorithm algorithm, std::size_t bytes) {
        return embedded.ask({LinkId{1}, ticket}, mac_question(algorithm, bytes)).has_value();
    }
};

}  // namespace

TEST_CASE("a retail MAC waits for the flush, another does not") {
    Desk desk;
    CHECK(desk.at_once(1, hsm::MacAlgorithm::unionpay_ecb, 100));
    CHECK_FALSE(desk.at_once(2, hsm::MacAlgorithm::retail, 100));
    CHECK(desk.embedded.waiting() == 1);
    CHECK(desk.answered.empty());
    desk.embedded.flush();
    CHECK(desk.embedded.waiting() == 0);
    REQUIRE(desk.answered.size() == 1);
    CHECK(desk.answered.front().first == 2);
    desk.embedded.flush();
    CHECK(desk.answered.size() == 1);
}

TEST_CASE("each question gets its own answer, once and in its order, however many there are") {
    for (const std::size_t count : {1U, 15U, 16U, 129U, 1'000U}) {
        INFO(count << " questions");
        Desk desk;
        for (hsm::Ticket ticket = 1; ticket <= count; ++ticket)
            REQUIRE_FALSE(desk.at_once(ticket, hsm::MacAlgorithm::retail, ticket % 37));
        CHECK(desk.embedded.flush_is_due() == (count >= EmbeddedHsm::together_max));
        desk.embedded.flush();
        REQUIRE(desk.answered.size() == count);
        for (hsm::Ticket ticket = 1; ticket <= count; ++ticket) {
            const auto alone = desk.engine.perform(mac_question(hsm::MacAlgorithm::retail, ticket % 37));
            CHECK(desk.answered[ticket - 1].first == ticket);
            CHECK(desk.answered[ticket - 1].second == std::get<hsm::MacGenerated>(alone.value()).mac);
        }
    }
}

TEST_CASE("what a reply leads to is answered by the same flush") {
    Desk desk;
    desk.embedded.on_reply([&](const HsmAsker& asker, const hsm::Reply& reply) {
        desk.answered.emplace_back(asker.ticket, std::get<hsm::MacGenerated>(reply.value()).mac);
        if (asker.ticket < 5)
            REQUIRE_FALSE(desk.at_once(asker.ticket + 1, hsm::MacAlgorithm::retail, 8 * asker.ticket));
    });
    REQUIRE_FALSE(desk.at_once(1, hsm::MacAlgorithm::retail, 8));
    desk.embedded.flush();
    CHECK(desk.answered.size() == 5);
    CHECK(desk.embedded.waiting() == 0);
}
