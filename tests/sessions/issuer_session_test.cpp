#include "switch/sessions/issuer_session.hpp"

#include <catch2/catch.hpp>

#include "tests/sessions/session_world.hpp"

using namespace session_test;
using acquirer::Event;
using acquirer::IssuerKeyOffered;
using acquirer::IssuerLinkDown;
using acquirer::IssuerLinkUp;
using acquirer::IssuerReplyArrived;
using acquirer::IssuerSession;
using acquirer::IssuerSessionSetup;
using acquirer::MacState;
using acquirer::SendToIssuer;

namespace {

constexpr routing::RouteId the_route{3};
constexpr acquirer::LinkId the_link{70};

/// One connection to an issuer that the test plays.
struct Desk {
    explicit Desk(std::string_view dialect_name = "iso87-ascii",
                  std::vector<hsm::KeyBlock> zaks = {zak_of(false)}, hsm::MacProfile profile = retail_mac)
        : how(dialect(dialect_name)),
          mac{hsm::KeyKind::zak, zaks.front(), profile},
          session(setup(how, zaks, profile), [this](const iso8583::Now& now) {
              return std::pair(iso8583::Stan::of(++stan), iso8583::TransmissionTime::from_utc(now.utc));
          }) {}

    static hsm::KeyBlock zak_of(bool aes) {
        return *hsm::KeyBlock::parse(aes ? hsm::test_keys::aes_zak : hsm::test_keys::zak);
    }
    static IssuerSessionSetup setup(const iso8583::Dialect& how, std::vector<hsm::KeyBlock> zaks,
                                    hsm::MacProfile profile) {
        IssuerSessionSetup s;
        s.link = the_link;
        s.route = the_route;
        s.dialect = &how;
        s.framing = how.framing();
        s.mac = profile;
        s.zaks = std::move(zaks);
        s.limits.network_reply_timeout_ms = 1'000;
        s.limits.echo_after_ms = 10'000;
        s.limits.request_timeout_ms = 3'000;
        s.limits.timeouts_max = 3;
        s.limits.probe_timeout_ms = 400;
        s.limits.input.half_frame_timeout_ms = 500;
        return s;
    }

    void arrive(const FieldValues& fields, const PeerMac* with, std::int64_t ms) {
        session.bytes_arrived(framed(how, encoded(hsm, how, fields, with).body), at_ms(ms));
    }
    std::vector<iso8583::Message> sent() {
        hsm.answer_all(session, at_ms(1));
        std::vector<iso8583::Message> messages;
        for (const iso8583::Frame& frame : sent_frames(how, session.outbox()))
            messages.push_back(decoded(how, frame.body));
        return messages;
    }
    std::vector<Event> events() {
        hsm.answer_all(session, at_ms(1));
        return session.take_events();
    }
    static FieldValues network_answer(const iso8583::Message& request, std::string_view code) {
        FieldValues f(*request.mti().response());
        for (const Field echoed : {Field::transmission_time, Field::stan, Field::network_management_code})
            f.set(echoed, request.get(echoed));
        f.set(Field::response_code, code);
        return f;
    }
    void sign_on() {
        session.connected(at_ms(0));
        const auto messages = sent();
        REQUIRE(messages.size() == 1);
        arrive(network_answer(messages[0], "00"), nullptr, 5);
        const auto told = events();
        REQUIRE(told.size() == 1);
        REQUIRE(std::holds_alternative<IssuerLinkUp>(told[0]));
        CHECK(std::get<IssuerLinkUp>(told[0]).route == the_route);
        CHECK(std::get<IssuerLinkUp>(told[0]).link == the_link);
    }

    HsmDesk hsm;
    const iso8583::Dialect& how;
    PeerMac mac;
    std::uint32_t stan = 100;
    IssuerSession session;
};

FieldValues refund_advice() {
    FieldValues f(Mti::of(220));
    f.set(Field::pan, card);
    f.set(Field::processing_code, "200000");
    f.set(Field::amount_transaction, "000000006000");
    f.set(Field::transmission_time, "1121140001");
    f.set(Field::stan, "000321");
    f.set(Field::rrn, "632500000002");
    f.set(Field::terminal, unionpay_terminal);
    f.set(Field::merchant, unionpay_merchant);
    f.set(Field::currency_transaction, "156");
    return f;
}
FieldValues advice_answer(std::string_view stan = "000321") {
    FieldValues f(Mti::of(230));
    f.set(Field::processing_code, "200000");
    f.set(Field::amount_transaction, "000000006000");
    f.set(Field::transmission_time, "1121140001");
    f.set(Field::stan, stan);
    f.set(Field::rrn, "632500000002");
    f.set(Field::response_code, "00");
    return f;
}

}  // namespace

TEST_CASE("a connection signs on before the core hears of it") {
    Desk desk;
    desk.session.connected(at_ms(0));
    const auto messages = desk.sent();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].mti() == Mti::of(800));
    CHECK(messages[0].get(Field::network_management_code) == "001");
    CHECK(messages[0].get(Field::stan) == "000101");
    CHECK(messages[0].get(Field::transmission_time).size() == 10);
    CHECK_FALSE(messages[0].mac_field());
    CHECK(desk.events().empty());
    CHECK_FALSE(desk.session.signed_on());

    SECTION("refused: closed, and the core, which never heard of it, hears nothing") {
        desk.arrive(Desk::network_answer(messages[0], "91"), nullptr, 5);
        REQUIRE(desk.session.closed());
        CHECK(desk.session.closed()->find("91") != std::string::npos);
        CHECK(desk.events().empty());
    }
    SECTION("an answer to another 0800 does not count") {
        FieldValues other = Desk::network_answer(messages[0], "00");
        other.set(Field::stan, "000999");
        desk.arrive(other, nullptr, 5);
        CHECK_FALSE(desk.session.signed_on());
        CHECK(desk.session.take_complaints().size() == 1);
    }
    SECTION("unanswered") {
        REQUIRE(desk.session.next_deadline());
        CHECK(desk.session.next_deadline()->ms == 1'000);
        desk.session.pass_deadlines(at_ms(1'000));
        CHECK(desk.session.closed());
    }
    SECTION("nothing is sent before") {
        desk.session.send(SendToIssuer{the_route, the_link, refund_advice()}, at_ms(1));
        CHECK(desk.sent().empty());
    }
}

TEST_CASE("requests carry a MAC under the ZAK, answers are verified under it") {
    struct Row {
        const char* dialect;
        bool aes;
        hsm::MacProfile profile;
    };
    const Row rows[] = {
        {"iso87-ascii", false, retail_mac},
        {"iso87-bcd", true, {hsm::MacAlgorithm::aes_cmac, hsm::MacPadding::bit}},
    };
    const Row& row = rows[GENERATE(0U, 1U)];
    Desk desk(row.dialect, {Desk::zak_of(row.aes)}, row.profile);
    desk.sign_on();
    desk.session.send(SendToIssuer{the_route, the_link, refund_advice()}, at_ms(10));
    const auto messages = desk.sent();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].get(Field::pan) == card);
    CHECK(mac_is_right(desk.hsm, messages[0], desk.mac));

    desk.arrive(advice_answer(), &desk.mac, 20);
    auto told = desk.events();
    REQUIRE(told.size() == 1);
    const auto& reply = std::get<IssuerReplyArrived>(told[0]);
    CHECK(reply.mac == MacState::verified);
    CHECK(reply.route == the_route);
    CHECK(reply.link == the_link);
    CHECK(reply.reply.mti == Mti::of(230));
    CHECK(reply.reply.stan.str() == "000321");
    REQUIRE(reply.reply.code);
    CHECK(reply.reply.code->view() == "00");
    CHECK(reply.reply.amount_minor == 6'000);
}

TEST_CASE(
    "an answer with a bad MAC is delivered as such (R61), one without as missing, without HSM as unknown") {
    Desk desk;
    desk.sign_on();
    SECTION("wrong") {
        iso8583::EncodedMessage answer = encoded(desk.hsm, desk.how, advice_answer(), &desk.mac);
        answer.body.back() = answer.body.back() == '0' ? '1' : '0';
        desk.session.bytes_arrived(framed(desk.how, answer.body), at_ms(20));
        const auto told = desk.events();
        REQUIRE(told.size() == 1);
        CHECK(std::get<IssuerReplyArrived>(told[0]).mac == MacState::wrong);
    }
    SECTION("missing") {
        desk.arrive(advice_answer(), nullptr, 20);
        const auto told = desk.events();
        REQUIRE(told.size() == 1);
        CHECK(std::get<IssuerReplyArrived>(told[0]).mac == MacState::missing);
    }
    SECTION("HSM down (R64)") {
        desk.arrive(advice_answer(), &desk.mac, 20);
        desk.hsm.collect(desk.session);
        desk.hsm.fail(desk.session, 0, hsm::HsmFault::unavailable, at_ms(21));
        const auto told = desk.session.take_events();
        REQUIRE(told.size() == 1);
        CHECK(std::get<IssuerReplyArrived>(told[0]).mac == MacState::hsm_down);
    }
    CHECK_FALSE(desk.session.closed());
}

TEST_CASE("the previous ZAK verifies during its grace period, the newest makes MACs") {
    const hsm::KeyBlock old_zak = Desk::zak_of(false);
    Desk desk("iso87-ascii", {old_zak, old_zak}, retail_mac);
    desk.sign_on();
    FieldValues answer = advice_answer();
    iso8583::EncodedMessage message = encoded(desk.hsm, desk.how, answer, &desk.mac);
    message.body.back() = message.body.back() == '0' ? '1' : '0';
    desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(20));
    desk.hsm.collect(desk.session);
    REQUIRE(desk.hsm.asked() == 1);
    desk.hsm.answer(desk.session, 0, at_ms(21));
    desk.hsm.collect(desk.session);
    REQUIRE(desk.hsm.asked() == 1);  // the second key is tried before the verdict
    CHECK(desk.session.take_events().empty());
    desk.hsm.answer(desk.session, 0, at_ms(22));
    const auto told = desk.session.take_events();
    REQUIRE(told.size() == 1);
    CHECK(std::get<IssuerReplyArrived>(told[0]).mac == MacState::wrong);
}

TEST_CASE("a half-open link: n requests in a row unheard, an echo at once, then the end of it") {
    Desk desk;
    desk.sign_on();  // heard at 5
    const auto send = [&](std::int64_t ms) {
        desk.session.send(SendToIssuer{the_route, the_link, refund_advice(), acquirer::IssuerMac::with},
                          at_ms(ms));
        CHECK(desk.sent().size() == 1);
    };
    send(100);
    send(1'000);
    CHECK(desk.session.next_deadline()->ms == 10'005);  // two: the idle echo's time
    send(2'000);
    send(2'500);
    CHECK(desk.session.next_deadline()->ms == 5'000);  // the third one's time-out
    SECTION("an answer to anything in between is a sign of life") {
        desk.arrive(advice_answer(), &desk.mac, 4'000);
        CHECK(desk.session.next_deadline()->ms == 14'000);
        desk.session.pass_deadlines(at_ms(5'000));
        CHECK(desk.sent().empty());
    }
    SECTION("the echo") {
        desk.session.pass_deadlines(at_ms(4'999));
        CHECK(desk.sent().empty());
        desk.session.pass_deadlines(at_ms(5'000));
        const auto messages = desk.sent();
        REQUIRE(messages.size() == 1);
        CHECK(messages[0].get(Field::network_management_code) == "301");
        CHECK(desk.session.next_deadline()->ms == 5'400);
        SECTION("unanswered: closed, and the core told") {
            desk.session.pass_deadlines(at_ms(5'400));
            REQUIRE(desk.session.closed());
            CHECK(*desk.session.closed() ==
                  "3 requests in a row without an answer, nor to an echo within 400 ms");
            REQUIRE(desk.events().size() == 1);
        }
        SECTION("answered: it stays, and counts from here") {
            desk.arrive(Desk::network_answer(messages[0], "00"), nullptr, 5'300);
            CHECK_FALSE(desk.session.closed());
            CHECK(desk.session.next_deadline()->ms == 15'300);
        }
        SECTION("bytes, but no answer to the echo yet: it has as long as any echo") {
            desk.arrive(advice_answer(), &desk.mac, 5'300);
            desk.session.pass_deadlines(at_ms(5'400));
            CHECK_FALSE(desk.session.closed());
            CHECK(desk.session.next_deadline()->ms == 6'300);
        }
    }
}

TEST_CASE("an idle connection is echoed, an unanswered echo is the end of it") {
    Desk desk;
    desk.sign_on();
    REQUIRE(desk.session.next_deadline());
    CHECK(desk.session.next_deadline()->ms == 10'005);
    desk.session.pass_deadlines(at_ms(10'005));
    const auto messages = desk.sent();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].get(Field::network_management_code) == "301");
    SECTION("answered") {
        desk.arrive(Desk::network_answer(messages[0], "00"), nullptr, 10'100);
        CHECK_FALSE(desk.session.closed());
        CHECK(desk.session.next_deadline()->ms == 20'100);
        CHECK(desk.events().empty());
    }
    SECTION("unanswered") {
        desk.session.pass_deadlines(at_ms(11'005));
        REQUIRE(desk.session.closed());
        const auto told = desk.events();
        REQUIRE(told.size() == 1);
        const auto& down = std::get<IssuerLinkDown>(told[0]);
        CHECK(down.link == the_link);
        CHECK(down.reason.find("301") != std::string::npos);
    }
    SECTION("refused: the issuer has forgotten our sign-on") {
        desk.arrive(Desk::network_answer(messages[0], "58"), nullptr, 10'100);
        CHECK(desk.session.closed());
    }
}

TEST_CASE("the issuer's own 0800") {
    Desk desk;
    desk.sign_on();
    struct Row {
        const char* code;
        const char* answer;
        bool closes;
    };
    const auto row = GENERATE(
        values<Row>({{"301", "00", false}, {"001", "00", false}, {"002", "00", true}, {"162", "40", false}}));
    INFO(row.code);
    FieldValues request(Mti::of(800));
    request.set(Field::transmission_time, "1121140200");
    request.set(Field::stan, "777777");
    request.set(Field::network_management_code, row.code);
    desk.arrive(request, nullptr, 50);
    const auto messages = desk.sent();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].mti() == Mti::of(810));
    CHECK(messages[0].get(Field::stan) == "777777");
    CHECK(messages[0].get(Field::transmission_time) == "1121140200");
    CHECK(messages[0].get(Field::network_management_code) == row.code);
    CHECK(messages[0].get(Field::response_code) == row.answer);
    CHECK(desk.session.closed().has_value() == row.closes);
    CHECK(desk.events().size() == (row.closes ? 1U : 0U));
}

TEST_CASE("what cannot be used is complained of and not delivered (R63)") {
    Desk desk;
    desk.sign_on();
    SECTION("no DE11") {
        FieldValues answer = advice_answer();
        answer.erase(Field::stan);
        desk.arrive(answer, &desk.mac, 20);
    }
    SECTION("a request") {
        FieldValues request = refund_advice();
        desk.arrive(request, &desk.mac, 20);
    }
    SECTION("does not decode") {
        iso8583::EncodedMessage answer = encoded(desk.hsm, desk.how, advice_answer(), &desk.mac);
        answer.body.pop_back();
        desk.session.bytes_arrived(framed(desk.how, answer.body), at_ms(20));
    }
    CHECK(desk.events().empty());
    CHECK(desk.session.take_complaints().size() == 1);
    CHECK_FALSE(desk.session.closed());
}

TEST_CASE("requests leave in order, and a MAC that cannot be made takes the link down") {
    Desk desk;
    desk.sign_on();
    FieldValues second = refund_advice();
    second.set(Field::stan, "000322");
    desk.session.send(SendToIssuer{the_route, the_link, refund_advice()}, at_ms(10));
    desk.session.send(SendToIssuer{the_route, the_link, second}, at_ms(10));
    desk.hsm.collect(desk.session);
    REQUIRE(desk.hsm.asked() == 2);
    SECTION("answered backwards") {
        desk.hsm.answer(desk.session, 1, at_ms(11));
        CHECK(desk.session.outbox().empty());
        desk.hsm.answer(desk.session, 0, at_ms(11));
        const auto messages = desk.sent();
        REQUIRE(messages.size() == 2);
        CHECK(messages[0].get(Field::stan) == "000321");
        CHECK(messages[1].get(Field::stan) == "000322");
    }
    SECTION("HSM down") {
        desk.hsm.fail(desk.session, 0, hsm::HsmFault::unavailable, at_ms(11));
        CHECK(desk.session.closed());
        CHECK(desk.session.outbox().empty());
        const auto told = desk.session.take_events();
        REQUIRE(told.size() == 1);
        CHECK(std::holds_alternative<IssuerLinkDown>(told[0]));
    }
}

TEST_CASE("the core hears of the end of a link once") {
    Desk desk;
    desk.sign_on();
    desk.session.close("the issuer closed the connection");
    desk.session.close("again");
    const auto told = desk.events();
    REQUIRE(told.size() == 1);
    CHECK(std::get<IssuerLinkDown>(told[0]).reason == "the issuer closed the connection");
    CHECK_FALSE(desk.session.next_deadline());
}

TEST_CASE("an 0800 that changes a key is the core's, with what its MAC is worth") {
    Desk desk;
    desk.sign_on();
    FieldValues request(Mti::of(800));
    request.set(Field::transmission_time, "1121140200");
    request.set(Field::stan, "777777");
    request.set(Field::network_management_code, "161");
    request.set(Field::additional_data, "ZAKU22EB30F2EA59A1A842FB5D1DF393237F");
    struct Row {
        const PeerMac* mac;
        MacState state;
    };
    const Row rows[] = {{&desk.mac, MacState::verified}, {nullptr, MacState::missing}};
    for (const Row& row : rows) {
        desk.arrive(request, row.mac, 50);
        CHECK(desk.sent().empty());
        const auto events = desk.events();
        REQUIRE(events.size() == 1);
        const auto& offered = std::get<IssuerKeyOffered>(events[0]);
        CHECK(offered.mac == row.state);
        CHECK(offered.link == the_link);
        CHECK(offered.request.get(Field::additional_data) == "ZAKU22EB30F2EA59A1A842FB5D1DF393237F");
    }
    SECTION("the core's 0810 carries a MAC") {
        FieldValues answer(Mti::of(810));
        answer.set(Field::transmission_time, "1121140200");
        answer.set(Field::stan, "777777");
        answer.set(Field::response_code, "00");
        answer.set(Field::network_management_code, "161");
        desk.session.send(SendToIssuer{the_route, the_link, answer}, at_ms(60));
        const auto messages = desk.sent();
        REQUIRE(messages.size() == 1);
        CHECK(messages[0].mac_field());
    }
    SECTION("the core's 0810 to one whose MAC did not verify carries none") {
        FieldValues answer(Mti::of(810));
        answer.set(Field::transmission_time, "1121140200");
        answer.set(Field::stan, "777777");
        answer.set(Field::response_code, "63");
        answer.set(Field::network_management_code, "161");
        desk.session.send(SendToIssuer{the_route, the_link, answer, acquirer::IssuerMac::without}, at_ms(60));
        const auto messages = desk.sent();
        REQUIRE(messages.size() == 1);
        CHECK_FALSE(messages[0].mac_field());
    }
    SECTION("the issuer's 0810 to a key change of ours is an answer for the core") {
        FieldValues answer(Mti::of(810));
        answer.set(Field::transmission_time, "1121140200");
        answer.set(Field::stan, "000900");
        answer.set(Field::response_code, "00");
        answer.set(Field::additional_data, "2588E0");
        answer.set(Field::network_management_code, "161");
        desk.arrive(answer, &desk.mac, 60);
        const auto events = desk.events();
        REQUIRE(events.size() == 1);
        const auto& arrived = std::get<IssuerReplyArrived>(events[0]);
        CHECK(arrived.mac == MacState::verified);
        CHECK(arrived.reply.additional_data == "2588E0");
    }
}

TEST_CASE("keys that are installed while the HSM verifies are tried before an answer counts as wrong") {
    const hsm::KeyBlock ours = Desk::zak_of(false);
    // TEST KEY: a ZAK 10101010101010102323232323232323.
    const hsm::KeyBlock other = *hsm::KeyBlock::parse("U7335962ECEE6328AE1B3402D4BAAB086");
    Desk desk;
    desk.sign_on();
    desk.session.install_keys({other});
    desk.arrive(advice_answer(), &desk.mac, 20);
    desk.hsm.collect(desk.session);  // asked under the other key, not answered yet
    SECTION("and now the right one comes") {
        desk.session.install_keys({other, ours});
        const auto events = desk.events();
        REQUIRE(events.size() == 1);
        CHECK(std::get<IssuerReplyArrived>(events[0]).mac == MacState::verified);
    }
    SECTION("and none comes") {
        const auto events = desk.events();
        REQUIRE(events.size() == 1);
        CHECK(std::get<IssuerReplyArrived>(events[0]).mac == MacState::wrong);
    }
}
