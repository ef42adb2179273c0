// What a stranger's bytes do at a terminal connection: MTIs that are no request's, keep-alives, answers that
// must not carry a MAC, sign-offs (docs/wire.md; docs/security.md).
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "switch/sessions/terminal_session.hpp"
#include "tests/sessions/session_world.hpp"

using namespace session_test;
using acquirer::MacState;
using acquirer::Profile;
using acquirer::RequestArrived;
using acquirer::TerminalKeySet;
using acquirer::TerminalKeyTable;
using acquirer::TerminalKeyVersion;
using acquirer::TerminalSession;
using acquirer::TerminalSessionSetup;

namespace {

struct Door {
    explicit Door(Profile profile, acquirer::TerminalSessionLimits limits = {},
                  std::function<bool(const std::vector<std::string>&)> peer_has_one_of = {})
        : how(dialect(profile == Profile::unionpay_pos ? "unionpay-pos" : "iso87-ascii")),
          session(TerminalSessionSetup{acquirer::LinkId{7}, acquirer::PeerAddress("192.0.2.7"), profile, &how,
                                       how.framing(), limits, std::move(peer_has_one_of)},
                  keys, config, at_ms(0)) {}

    void arrive(const FieldValues& fields, const PeerMac* mac = nullptr) {
        session.bytes_arrived(framed(how, encoded(hsm, how, fields, mac).body), at_ms(1));
    }
    std::vector<RequestArrived> requests() {
        hsm.answer_all(session, at_ms(2));
        return session.take_requests();
    }
    void install(std::vector<TerminalKeyVersion> versions, std::uint32_t proven) {
        keys.install(*iso8583::TerminalId::parse(unionpay_terminal),
                     TerminalKeySet{std::move(versions), proven});
    }

    HsmDesk hsm;
    TerminalKeyTable keys;
    acquirer::ConfigurationPtr config = configuration();
    const iso8583::Dialect& how;
    TerminalSession session;
};

}  // namespace

TEST_CASE("an ordinary request whose MTI is 9999 closes the connection and is not answered") {
    for (const Profile profile : {Profile::unionpay_pos, Profile::iso87}) {
        for (const int mti :
             {9999, 9990, 9910, 0, 210, 230, 310, 800 + 40, 299, 206, 3200, 7200, 2060, 290, 900}) {
            INFO(name(profile) << " " << mti);
            Door door(profile);
            FieldValues request = profile == Profile::unionpay_pos ? unionpay_refund() : iso_sale();
            request.set_mti(Mti::of(mti));
            door.arrive(request);
            CHECK(door.session.closed());
            CHECK(door.requests().empty());
            CHECK(door.session.outbox().empty());
        }
    }
}

TEST_CASE(
    "a connection whose certificate may not speak for a terminal is closed, before any MAC is asked about") {
    struct Row {
        std::string_view what;
        std::vector<std::string> range;
        std::optional<std::string> shown;
        bool served;
    };
    for (const Row& row : {Row{"nobody named: whoever the port lets in", {}, std::nullopt, true},
                           {"the one named", {"till.shop-1.test"}, "till.shop-1.test", true},
                           {"one of those named", {"a.test", "till.shop-1.test"}, "till.shop-1.test", true},
                           {"another one of the fleet", {"till.shop-1.test"}, "till.shop-2.test", false},
                           {"none shown", {"till.shop-1.test"}, std::nullopt, false}}) {
        INFO(row.what);
        Door door(Profile::unionpay_pos, {}, [&](const std::vector<std::string>& names) {
            return row.shown && std::find(names.begin(), names.end(), *row.shown) != names.end();
        });
        auto changed = std::make_shared<acquirer::Configuration>(*door.config);
        changed->terminals[0].certificate_names = row.range;
        door.config = changed;
        const TerminalKeyVersion key = door.hsm.new_terminal_keys(1);
        door.install({key}, 1);
        const PeerMac mac{hsm::KeyKind::tak, key.mac_key, unionpay_mac};
        door.arrive(unionpay_refund(), &mac);
        if (!row.served) {
            CHECK(door.session.closed());
            CHECK(door.session.peer_was_wrong());
            CHECK(door.session.spoke_for()->str() == unionpay_terminal);
            CHECK_FALSE(door.session.has_asks());
        } else {
            const auto requests = door.requests();
            REQUIRE(requests.size() == 1);
            CHECK(requests[0].mac == MacState::verified);
        }
    }
    // Without a channel that has certificates there is none.
    Door plain(Profile::unionpay_pos);
    auto changed = std::make_shared<acquirer::Configuration>(*plain.config);
    changed->terminals[0].certificate_names = {"till.shop-1.test"};
    plain.config = changed;
    plain.arrive(unionpay_sign_on());
    CHECK(plain.session.closed());
}

TEST_CASE("the peer's address goes to the core with its request") {
    Door door(Profile::unionpay_pos);
    door.arrive(unionpay_sign_on());
    const auto requests = door.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].from.peer.view() == "192.0.2.7");
}

TEST_CASE("keep-alives of length zero are skipped, and too many of them close the connection") {
    acquirer::TerminalSessionLimits limits;
    limits.input.keepalives_per_minute_max = 5;
    Door door(Profile::unionpay_pos, limits);
    const iso8583::Bytes two_empty(4, 0);
    door.session.bytes_arrived(two_empty, at_ms(1));
    door.arrive(unionpay_sign_on());
    CHECK(door.requests().size() == 1);
    CHECK(door.session.outbox().empty());
    // Another minute, another count.
    for (int i = 0; i < 2; ++i) door.session.bytes_arrived(two_empty, at_ms(60'002));
    CHECK_FALSE(door.session.closed());
    door.session.bytes_arrived(two_empty, at_ms(60'003));
    REQUIRE(door.session.closed());
    CHECK(*door.session.closed() == "more than 5 keep-alives in a minute");
}

TEST_CASE("half a keep-alive is a frame that was begun") {
    Door door(Profile::unionpay_pos);
    const iso8583::Bytes half(1, 0);
    door.session.bytes_arrived(half, at_ms(0));
    door.session.pass_deadlines(at_ms(10'000));
    CHECK(door.session.closed());
}

TEST_CASE("the MAC in hex counts in capitals alone") {
    Door door(Profile::iso87);
    const PeerMac mac{hsm::KeyKind::tak, *hsm::KeyBlock::parse(hsm::test_keys::tak), retail_mac};
    iso8583::Bytes body = encoded(door.hsm, door.how, iso_sale(), &mac).body;
    bool lowered = false;
    for (std::size_t i = body.size() - 16; i < body.size(); ++i)
        if (body[i] >= 'A' && body[i] <= 'F') {
            body[i] = static_cast<std::uint8_t>(body[i] - 'A' + 'a');
            lowered = true;
            break;
        }
    REQUIRE(lowered);
    door.session.bytes_arrived(framed(door.how, body), at_ms(1));
    const auto requests = door.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::wrong);
    CHECK(requests[0].from.mac_key.empty());
}

TEST_CASE("keys are tried in the order: of this connection, proven, of others") {
    Door door(Profile::unionpay_pos);
    TerminalKeyVersion proven = door.hsm.new_terminal_keys(1);
    TerminalKeyVersion of_others = door.hsm.new_terminal_keys(2);
    TerminalKeyVersion ours = door.hsm.new_terminal_keys(3);
    of_others.asked_on = 99;
    ours.asked_on = 7;
    door.install({of_others, ours, proven}, 1);
    struct Row {
        const TerminalKeyVersion* key;
        std::size_t asks;
    };
    for (const Row& row : {Row{&ours, 1}, Row{&proven, 2}, Row{&of_others, 3}}) {
        const PeerMac mac{hsm::KeyKind::tak, row.key->mac_key, unionpay_mac};
        door.arrive(unionpay_refund(), &mac);
        std::size_t asks = 0;
        for (door.hsm.collect(door.session); door.hsm.asked() > 0; door.hsm.collect(door.session)) {
            door.hsm.answer(door.session, 0, at_ms(2));
            ++asks;
        }
        CHECK(asks == row.asks);
        const auto requests = door.session.take_requests();
        REQUIRE(requests.size() == 1);
        CHECK(requests[0].key_version == row.key->version);
    }
}

TEST_CASE("keys of another algorithm are not tried: the terminal is told to sign on") {
    Door door(Profile::unionpay_pos);
    const TerminalKeyVersion tdes = door.hsm.new_terminal_keys(1);
    door.install({tdes}, 1);
    auto changed = std::make_shared<acquirer::Configuration>(*door.config);
    changed->terminals[0].mac.algorithm = hsm::MacAlgorithm::aes_cmac;
    door.config = changed;
    const PeerMac mac{hsm::KeyKind::tak, tdes.mac_key, unionpay_mac};
    door.arrive(unionpay_refund(), &mac);
    const auto requests = door.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::no_key);
}

TEST_CASE(
    "a terminal of a cmac range verifies under the AES key of its sign-on, and is answered with a CMAC") {
    Door door(Profile::unionpay_pos);
    auto changed = std::make_shared<acquirer::Configuration>(*door.config);
    changed->terminals[0].mac.algorithm = hsm::MacAlgorithm::aes_cmac;
    door.config = changed;
    const TerminalKeyVersion key = door.hsm.new_terminal_keys(4, hsm::MacAlgorithm::aes_cmac);
    CHECK(key.mac_key.is_aes());
    door.install({key}, 4);
    const PeerMac mac{hsm::KeyKind::tak, key.mac_key, {hsm::MacAlgorithm::aes_cmac, hsm::MacPadding::zeros}};
    door.arrive(unionpay_refund(), &mac);
    const auto requests = door.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::verified);
    FieldValues reply(Mti::of(230));
    reply.set(Field::stan, "000002");
    reply.set(Field::response_code, "00");
    door.session.send(acquirer::SendReply{requests[0].from, reply, false}, at_ms(3));
    door.hsm.answer_all(door.session, at_ms(3));
    const auto frames = sent_frames(door.how, door.session.outbox());
    REQUIRE(frames.size() == 1);
    CHECK(mac_is_right(door.hsm, decoded(door.how, frames[0].body), mac));
}

TEST_CASE("a sign-off says whether its terminal is known here") {
    Door door(Profile::unionpay_pos);
    TerminalKeyVersion key = door.hsm.new_terminal_keys(1);
    const TerminalKeyVersion other = door.hsm.new_terminal_keys(2);
    door.install({key}, 1);
    FieldValues off(Mti::of(820));
    off.set(Field::stan, "000009");
    off.set(Field::terminal, unionpay_terminal);
    off.set(Field::merchant, unionpay_merchant);
    off.set(Field::reserved_private_60, "00000001002");
    const PeerMac right{hsm::KeyKind::tak, key.mac_key, unionpay_mac};
    const PeerMac wrong{hsm::KeyKind::tak, other.mac_key, unionpay_mac};
    const auto ask = [&](const FieldValues& fields, const PeerMac* mac) {
        door.arrive(fields, mac);
        auto requests = door.requests();
        REQUIRE(requests.size() == 1);
        return std::move(requests[0]);
    };
    RequestArrived event = ask(off, nullptr);
    CHECK((event.mac == MacState::not_needed && !event.verified_here));
    event = ask(off, &wrong);
    CHECK((event.mac == MacState::wrong && !event.verified_here));
    event = ask(off, &right);
    CHECK((event.mac == MacState::verified && event.verified_here));
    // Under keys that were asked for elsewhere it may be anybody's, sent once more.
    ask(unionpay_refund(), &right);
    event = ask(off, nullptr);
    CHECK((event.mac == MacState::not_needed && !event.verified_here));
    key.asked_on = door.session.link().value;
    door.install({key}, 0);
    ask(unionpay_refund(), &right);
    event = ask(off, nullptr);
    CHECK((event.mac == MacState::not_needed && event.verified_here));
    CHECK(event.from.mac_key.empty());
}
