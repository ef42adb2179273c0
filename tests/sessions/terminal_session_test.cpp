#include "switch/sessions/terminal_session.hpp"

#include <catch2/catch.hpp>

#include "tests/sessions/session_world.hpp"

using namespace session_test;
using acquirer::MacState;
using acquirer::Profile;
using acquirer::RequestArrived;
using acquirer::SendReply;
using acquirer::TerminalKeySet;
using acquirer::TerminalKeyTable;
using acquirer::TerminalKeyVersion;
using acquirer::TerminalSession;
using acquirer::TerminalSessionSetup;

namespace {

/// One connection of one profile with its HSM, driven by hand.
struct Desk {
    explicit Desk(Profile profile, acquirer::TerminalSessionLimits limits = {})
        : how(dialect(profile == Profile::unionpay_pos ? "unionpay-pos" : "iso87-ascii")),
          session(TerminalSessionSetup{acquirer::LinkId{7}, {}, profile, &how, how.framing(), limits}, keys,
                  config, at_ms(0)) {}

    /// Signs the UnionPay terminal on with these versions, newest first.
    void install(std::vector<TerminalKeyVersion> versions, std::uint32_t proven) {
        keys.install(*iso8583::TerminalId::parse(unionpay_terminal),
                     TerminalKeySet{std::move(versions), proven});
    }
    void arrive(const FieldValues& fields, const PeerMac* mac) {
        session.bytes_arrived(framed(how, encoded(hsm, how, fields, mac).body), at_ms(1));
    }
    std::vector<RequestArrived> requests() {
        hsm.answer_all(session, at_ms(2));
        return session.take_requests();
    }
    static PeerMac tak(const hsm::KeyBlock& key) { return {hsm::KeyKind::tak, key, unionpay_mac}; }
    static PeerMac iso_tak() {
        return {hsm::KeyKind::tak, *hsm::KeyBlock::parse(hsm::test_keys::tak), retail_mac};
    }

    HsmDesk hsm;
    TerminalKeyTable keys;
    acquirer::ConfigurationPtr config = configuration();
    const iso8583::Dialect& how;
    TerminalSession session;
};

FieldValues approval_of(const RequestArrived& request) {
    FieldValues f(*request.request.fields.mti().response());
    for (const Field echoed :
         {Field::processing_code, Field::amount_transaction, Field::stan, Field::pos_condition_code,
          Field::terminal, Field::merchant, Field::currency_transaction, Field::reserved_private_60})
        if (request.request.fields.has(echoed)) f.set(echoed, request.request.fields.get(echoed));
    f.set(Field::response_code, "00");
    return f;
}

}  // namespace

TEST_CASE("a refund with the right MAC arrives verified, with the version of its key") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(3);
    desk.install({keys}, 3);
    const PeerMac mac = Desk::tak(keys.mac_key);
    desk.arrive(unionpay_refund(), &mac);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::verified);
    CHECK(requests[0].key_version == 3);
    CHECK(requests[0].from.link == acquirer::LinkId{7});
    CHECK(requests[0].from.mac_key == keys.mac_key);
    CHECK(requests[0].request.kind == acquirer::RequestKind::refund);
    CHECK(requests[0].request.stan.str() == "000002");
    CHECK_FALSE(desk.session.closed());
}

TEST_CASE("frames come in any pieces") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 0);
    const PeerMac mac = Desk::tak(keys.mac_key);
    iso8583::Bytes stream =
        framed(desk.how, encoded(desk.hsm, desk.how, unionpay_refund("000002"), &mac).body);
    const iso8583::Bytes second =
        framed(desk.how, encoded(desk.hsm, desk.how, unionpay_refund("000003"), &mac).body);
    stream.insert(stream.end(), second.begin(), second.end());
    const std::size_t piece = GENERATE(1U, 2U, 7U, 100U, 10'000U);
    for (std::size_t at = 0; at < stream.size(); at += piece)
        desk.session.bytes_arrived(iso8583::ByteView(stream).subspan(at, std::min(piece, stream.size() - at)),
                                   at_ms(1));
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].request.stan.str() == "000002");
    CHECK(requests[1].request.stan.str() == "000003");
}

TEST_CASE("the verdict on a MAC that cannot be found right") {
    struct Row {
        const char* why;
        bool signed_on;
        bool has_mac;
        bool known_terminal;
        MacState verdict;
        bool reply_has_mac;
    };
    const auto row = GENERATE(values<Row>({
        {"made with another key (R40)", true, true, true, MacState::wrong, false},
        {"missing counts as wrong", true, false, true, MacState::missing, false},
        {"not signed on", false, true, true, MacState::no_key, false},
        {"terminal unknown", true, true, false, MacState::no_key, false},
    }));
    INFO(row.why);
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    const auto stranger = desk.hsm.new_terminal_keys(1);
    if (row.signed_on) desk.install({keys}, 1);
    FieldValues refund = unionpay_refund();
    if (!row.known_terminal) refund.set(Field::terminal, "99999999");
    const PeerMac mac = Desk::tak(stranger.mac_key);
    desk.arrive(refund, row.has_mac ? &mac : nullptr);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == row.verdict);
    CHECK(!requests[0].from.mac_key.empty() == row.reply_has_mac);
    CHECK(requests[0].key_version == 0);
}

TEST_CASE("one flipped bit of the message or of the MAC is noticed") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    iso8583::EncodedMessage message = encoded(desk.hsm, desk.how, unionpay_refund(), &mac);
    SECTION("in the amount") { message.body[22] = static_cast<std::uint8_t>(message.body[22] ^ 0x10); }
    SECTION("in DE64") { message.body.back() = static_cast<std::uint8_t>(message.body.back() ^ 0x01); }
    desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(1));
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::wrong);
}

TEST_CASE("a lost 0810 does not cut a terminal off: the proven key verifies and answers") {
    Desk desk(Profile::unionpay_pos);
    const auto proven = desk.hsm.new_terminal_keys(1);
    const auto lost = desk.hsm.new_terminal_keys(2);
    const auto lost_too = desk.hsm.new_terminal_keys(3);
    desk.install({lost_too, lost, proven}, 1);
    const PeerMac mac = Desk::tak(proven.mac_key);
    desk.arrive(unionpay_refund(), &mac);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::verified);
    CHECK(requests[0].key_version == 1);
    CHECK(requests[0].from.mac_key == proven.mac_key);

    SECTION("and a newer one is taken as soon as the terminal uses it") {
        const PeerMac newer = Desk::tak(lost_too.mac_key);
        desk.arrive(unionpay_refund("000004"), &newer);
        const auto again = desk.requests();
        REQUIRE(again.size() == 1);
        CHECK(again[0].key_version == 3);
    }
    SECTION("a wrong MAC is answered without one: an answer of ours must not be a stranger's key") {
        const PeerMac stranger = Desk::tak(desk.hsm.new_terminal_keys(9).mac_key);
        desk.arrive(unionpay_refund("000005"), &stranger);
        const auto again = desk.requests();
        REQUIRE(again.size() == 1);
        CHECK(again[0].mac == MacState::wrong);
        CHECK(again[0].from.mac_key.empty());
    }
}

TEST_CASE("sign-on needs no MAC and its answer has none") {
    Desk desk(Profile::unionpay_pos);
    desk.install({desk.hsm.new_terminal_keys(1)}, 1);
    desk.arrive(unionpay_sign_on(), nullptr);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::not_needed);
    CHECK(requests[0].request.kind == acquirer::RequestKind::sign_on);
    CHECK(requests[0].from.mac_key.empty());
}

TEST_CASE("an 0800 of the ISO profile: a MAC is checked when it is there") {
    Desk desk(Profile::iso87);
    FieldValues echo(Mti::of(800));
    echo.set(Field::transmission_time, "1121140000");
    echo.set(Field::stan, "000009");
    echo.set(Field::terminal, iso_terminal);
    echo.set(Field::merchant, iso_merchant);
    echo.set(Field::network_management_code, "301");
    const PeerMac right = Desk::iso_tak();
    PeerMac wrong = right;
    wrong.key = desk.hsm.new_terminal_keys(1).mac_key;
    struct Row {
        const PeerMac* mac;
        MacState verdict;
        bool with_mac;
    };
    const auto row = GENERATE_REF(values<Row>({{nullptr, MacState::not_needed, false},
                                               {&right, MacState::verified, true},
                                               {&wrong, MacState::wrong, false}}));
    desk.arrive(echo, row.mac);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == row.verdict);
    CHECK(!requests[0].from.mac_key.empty() == row.with_mac);
}

TEST_CASE("fields after the MAC are not covered by it: such a MAC is missing") {
    Desk desk(Profile::iso87);
    const PeerMac mac = Desk::iso_tak();
    iso8583::EncodedMessage sale = encoded(desk.hsm, desk.how, iso_sale(), &mac);
    desk.session.bytes_arrived(framed(desk.how, sale.body), at_ms(1));
    REQUIRE(desk.requests().at(0).mac == MacState::verified);

    // The same, with DE90 put behind the DE64 that was computed without it: a secondary bitmap and 42 digits
    // more.
    FieldValues forged = iso_sale();
    forged.set(Field::mac_primary, std::string(8, '\x11'));
    forged.set(Field::original_data, std::string(42, '0'));
    auto message = iso8583::encode(desk.how, forged);
    REQUIRE(message);
    desk.session.bytes_arrived(framed(desk.how, message->body), at_ms(1));
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == MacState::missing);
}

TEST_CASE("no HSM says nothing about a MAC (R64)") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    struct Row {
        hsm::HsmFault fault;
        MacState verdict;
    };
    const auto row = GENERATE(values<Row>({{hsm::HsmFault::unavailable, MacState::hsm_down},
                                           {hsm::HsmFault::key_block_authentication, MacState::hsm_down},
                                           {hsm::HsmFault::verification_failed, MacState::wrong}}));
    desk.arrive(unionpay_refund(), &mac);
    desk.hsm.collect(desk.session);
    REQUIRE(desk.hsm.asked() == 1);
    desk.hsm.fail(desk.session, 0, row.fault, at_ms(3));
    const auto requests = desk.session.take_requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mac == row.verdict);
    CHECK_FALSE(desk.session.closed());
}

TEST_CASE("an answer goes back over the swapped TPDU with its header echoed and a MAC of its own") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    desk.arrive(unionpay_refund(), &mac);
    const auto request = desk.requests().at(0);
    const bool again = GENERATE(false, true);
    desk.session.send(SendReply{request.from, approval_of(request), again}, at_ms(3));
    CHECK(desk.session.outbox().empty());  // not before the HSM made the MAC
    desk.hsm.answer_all(desk.session, at_ms(4));
    const auto frames = sent_frames(desk.how, desk.session.outbox());
    REQUIRE(frames.size() == 1);
    CHECK(iso8583::to_hex(frames[0].tpdu) == "6003040102");
    CHECK(iso8583::to_hex(frames[0].header) == (again ? "603103311000" : "603100311000"));
    const auto reply = decoded(desk.how, frames[0].body);
    CHECK(reply.mti() == Mti::of(230));
    CHECK(reply.get(Field::response_code) == "00");
    CHECK(mac_is_right(desk.hsm, reply, mac));
    CHECK(desk.session.quiet());
}

TEST_CASE("an answer without a key has no DE64") {
    Desk desk(Profile::unionpay_pos);
    const PeerMac mac = Desk::tak(desk.hsm.new_terminal_keys(1).mac_key);
    desk.arrive(unionpay_refund(), &mac);
    const auto request = desk.requests().at(0);
    FieldValues refusal = approval_of(request);
    refusal.set(Field::response_code, "77");
    desk.session.send(SendReply{request.from, refusal, true}, at_ms(3));
    CHECK_FALSE(desk.session.has_asks());
    const auto frames = sent_frames(desk.how, desk.session.outbox());
    REQUIRE(frames.size() == 1);
    CHECK_FALSE(decoded(desk.how, frames[0].body).has(Field::mac_primary));
}

TEST_CASE("an ISO answer with fields beyond 64 has its MAC in DE128") {
    Desk desk(Profile::iso87);
    const PeerMac mac = Desk::iso_tak();
    desk.arrive(iso_sale(), &mac);
    const auto request = desk.requests().at(0);
    REQUIRE(request.mac == MacState::verified);
    FieldValues reply = approval_of(request);
    const bool secondary = GENERATE(false, true);
    if (secondary) reply.set(Field::original_data, std::string(42, '0'));
    desk.session.send(SendReply{request.from, reply, false}, at_ms(3));
    desk.hsm.answer_all(desk.session, at_ms(4));
    const auto frames = sent_frames(desk.how, desk.session.outbox());
    REQUIRE(frames.size() == 1);
    const auto message = decoded(desk.how, frames[0].body);
    CHECK(message.has(secondary ? Field::mac_secondary : Field::mac_primary));
    CHECK(mac_is_right(desk.hsm, message, mac));
}

TEST_CASE("order is kept when the HSM answers in another one") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    for (const char* stan : {"000011", "000012", "000013"}) desk.arrive(unionpay_refund(stan), &mac);
    desk.hsm.collect(desk.session);
    REQUIRE(desk.hsm.asked() == 3);
    desk.hsm.answer(desk.session, 2, at_ms(2));
    desk.hsm.answer(desk.session, 1, at_ms(2));
    CHECK(desk.session.take_requests().empty());  // both wait for the first
    desk.hsm.answer(desk.session, 0, at_ms(2));
    const auto requests = desk.session.take_requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].request.stan.str() == "000011");
    CHECK(requests[2].request.stan.str() == "000013");

    for (const auto& request : requests)
        desk.session.send(SendReply{request.from, approval_of(request), false}, at_ms(3));
    desk.hsm.collect(desk.session);
    desk.hsm.answer(desk.session, 1, at_ms(4));
    desk.hsm.answer(desk.session, 1, at_ms(4));
    CHECK(desk.session.outbox().empty());
    CHECK_FALSE(desk.session.quiet());
    desk.hsm.answer(desk.session, 0, at_ms(4));
    const auto frames = sent_frames(desk.how, desk.session.outbox());
    REQUIRE(frames.size() == 3);
    CHECK(decoded(desk.how, frames[0].body).get(Field::stan) == "000011");
    CHECK(decoded(desk.how, frames[1].body).get(Field::stan) == "000012");
    CHECK(decoded(desk.how, frames[2].body).get(Field::stan) == "000013");
}

TEST_CASE("no HSM for the MAC of our answer closes the link (R64)") {
    Desk desk(Profile::unionpay_pos);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    desk.arrive(unionpay_refund(), &mac);
    const auto request = desk.requests().at(0);
    desk.session.send(SendReply{request.from, approval_of(request), false}, at_ms(3));
    desk.hsm.collect(desk.session);
    desk.hsm.fail(desk.session, 0, hsm::HsmFault::unavailable, at_ms(4));
    REQUIRE(desk.session.closed());
    CHECK(desk.session.closed()->find("HSM") != std::string::npos);
    CHECK(desk.session.outbox().empty());
}

TEST_CASE("what does not decode is answered 30, or 13 when only DE4 is bad") {
    Desk desk(Profile::iso87);
    const PeerMac mac = Desk::iso_tak();
    FieldValues sale = iso_sale();
    iso8583::EncodedMessage message = encoded(desk.hsm, desk.how, sale, &mac);
    const auto sale_read = decoded(desk.how, message.body);
    const auto spoil = [&](Field f) { message.body[sale_read.offset(f)] = 'X'; };
    const auto resign = [&] {
        iso8583::write_mac(desk.how, message,
                           desk.hsm.mac(mac.kind, mac.key, mac.profile, message.mac_input()));
    };
    SECTION("DE4 alone: everything else is judged as always, the MAC too") {
        spoil(Field::amount_transaction);
        resign();
        desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(1));
        const auto requests = desk.requests();
        REQUIRE(requests.size() == 1);
        CHECK(requests[0].request.format_fault.empty());
        CHECK_FALSE(requests[0].request.amount);
        CHECK(requests[0].mac == MacState::verified);
    }
    SECTION("DE4 and another") {
        spoil(Field::amount_transaction);
        spoil(Field::currency_transaction);
        spoil(Field::pos_entry_mode);
        resign();
        desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(1));
        const auto requests = desk.requests();
        REQUIRE(requests.size() == 1);
        CHECK_FALSE(requests[0].request.format_fault.empty());
    }
    SECTION("another: the fault names the field, the answer has no MAC") {
        spoil(Field::pos_entry_mode);
        resign();
        desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(1));
        const auto requests = desk.requests();
        REQUIRE(requests.size() == 1);
        CHECK(requests[0].request.format_fault.find("DE22") != std::string::npos);
        CHECK(requests[0].request.format_fault.find('X') == std::string::npos);
        CHECK(requests[0].from.mac_key.empty());
    }
    SECTION("cut off before DE41: nobody to answer, the connection is closed") {
        message.body.resize(sale_read.offset(Field::terminal) + 3);
        desk.session.bytes_arrived(framed(desk.how, message.body), at_ms(1));
        CHECK(desk.requests().empty());
        CHECK(desk.session.closed());
    }
    SECTION("a stream without frames") {
        iso8583::Bytes garbage(40, 0xFF);
        desk.session.bytes_arrived(garbage, at_ms(1));
        CHECK(desk.session.closed());
    }
    SECTION("a response from a terminal") {
        sale.set_mti(Mti::of(210));
        desk.arrive(sale, &mac);
        CHECK(desk.session.closed());
        CHECK(desk.requests().empty());
    }
}

TEST_CASE("a connection on which no MAC verifies is closed earlier, whatever else it says") {
    acquirer::TerminalSessionLimits limits;
    limits.unverified_timeout_ms = 1'000;
    limits.idle_timeout_ms = 5'000;
    Desk desk(Profile::unionpay_pos, limits);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac right = Desk::tak(keys.mac_key);
    const PeerMac wrong = Desk::tak(desk.hsm.new_terminal_keys(2).mac_key);
    REQUIRE(desk.session.next_deadline());
    CHECK(desk.session.next_deadline()->ms == 1'000);
    const bool verifies = GENERATE(false, true);
    desk.arrive(unionpay_refund(), verifies ? &right : &wrong);
    const auto requests = desk.requests();
    REQUIRE(requests.size() == 1);
    CHECK(desk.session.has_verified() == verifies);
    // What is in work is waited for.
    desk.session.pass_deadlines(at_ms(1'000));
    CHECK_FALSE(desk.session.closed());
    desk.session.pass_deadlines(at_ms(60'001));  // forgotten
    REQUIRE(desk.session.closed());
    CHECK(desk.session.closed()->find("idle") != std::string::npos);
    CHECK_FALSE(desk.session.peer_was_wrong());
    Desk silent(Profile::unionpay_pos, limits);
    silent.session.pass_deadlines(at_ms(999));
    CHECK_FALSE(silent.session.closed());
    silent.session.pass_deadlines(at_ms(1'000));
    REQUIRE(silent.session.closed());
    CHECK(*silent.session.closed() == "no MAC has verified within 1000 ms");
}

TEST_CASE("slow bytes and silence are closed, work in progress is not") {
    acquirer::TerminalSessionLimits limits;
    limits.input.half_frame_timeout_ms = 1'000;
    limits.idle_timeout_ms = 5'000;
    limits.request_forgotten_ms = 60'000;
    Desk desk(Profile::unionpay_pos, limits);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    SECTION("idle") {
        REQUIRE(desk.session.next_deadline());
        CHECK(desk.session.next_deadline()->ms == 5'000);
        desk.session.pass_deadlines(at_ms(4'999));
        CHECK_FALSE(desk.session.closed());
        desk.session.pass_deadlines(at_ms(5'000));
        REQUIRE(desk.session.closed());
        CHECK(desk.session.closed()->find("idle") != std::string::npos);
    }
    SECTION("half a frame, one byte a moment") {
        const iso8583::Bytes frame(200, 0x00);
        const iso8583::Bytes first = {0x00, 0x80, 0x60};
        desk.session.bytes_arrived(first, at_ms(100));
        const iso8583::Bytes byte = {0x00};
        for (std::int64_t ms = 200; ms < 1'100; ms += 100) desk.session.bytes_arrived(byte, at_ms(ms));
        REQUIRE(desk.session.next_deadline());
        CHECK(desk.session.next_deadline()->ms == 1'100);
        desk.session.pass_deadlines(at_ms(1'100));
        CHECK(desk.session.closed());
    }
    SECTION("a request that awaits its answer is no silence") {
        const PeerMac mac = Desk::tak(keys.mac_key);
        desk.arrive(unionpay_refund(), &mac);
        REQUIRE(desk.requests().size() == 1);
        desk.session.pass_deadlines(at_ms(30'000));
        CHECK_FALSE(desk.session.closed());
        desk.session.pass_deadlines(at_ms(60'001));  // forgotten: some requests get no answer
        CHECK(desk.session.closed());
    }
}

TEST_CASE("a connection has bounds") {
    acquirer::TerminalSessionLimits limits;
    limits.requests_outstanding_max = 2;
    limits.outbox_bytes_max = 200;
    Desk desk(Profile::unionpay_pos, limits);
    const auto keys = desk.hsm.new_terminal_keys(1);
    desk.install({keys}, 1);
    const PeerMac mac = Desk::tak(keys.mac_key);
    SECTION("requests without an answer") {
        for (const char* stan : {"000011", "000012"}) desk.arrive(unionpay_refund(stan), &mac);
        CHECK_FALSE(desk.session.closed());
        desk.arrive(unionpay_refund("000013"), &mac);
        CHECK(desk.session.closed());
    }
    SECTION("answers that the peer does not read") {
        desk.arrive(unionpay_refund(), &mac);
        const auto request = desk.requests().at(0);
        for (int i = 0; i < 4 && !desk.session.closed(); ++i) {
            desk.session.send(SendReply{request.from, approval_of(request), false}, at_ms(3));
            desk.hsm.answer_all(desk.session, at_ms(3));
        }
        CHECK(desk.session.closed());
    }
}
