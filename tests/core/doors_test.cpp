// What strangers can do at the doors of the core: sign-ons, sign-offs, wrong MACs (R25, R40; docs/wire.md).
#include <catch2/catch.hpp>

#include "switch/core/terminal_keys.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using iso8583::Field;

namespace {

constexpr const char* home = "192.0.2.7";
constexpr const char* stranger = "198.51.100.9";

/// An HSM that gives keys of its own to every sign-on: version n has blocks that end in n.
void make_keys(Desk& d) {
    d.hsm = [made = 0](const hsm::Request& request) mutable -> std::optional<hsm::Reply> {
        if (!std::holds_alternative<hsm::GenerateTerminalKeys>(request)) return std::nullopt;
        ++made;
        const auto key = [&](char kind) {
            hsm::WorkingKey w;
            std::string number = std::to_string(made);
            number.insert(0, 31 - number.size(), '0');
            w.under_lmk = hsm::KeyBlock::parse("U" + number + kind).value();
            w.under_tmk = iso8583::Bytes(16, static_cast<std::uint8_t>(made));
            return w;
        };
        hsm::TerminalKeysGenerated k;
        k.pin_key = key('A');
        k.mac_key = key('B');
        return hsm::Reply(k);
    };
}

Ask sign_on(Desk& d, std::uint64_t link, const std::string& peer) {
    Ask on;
    on.what = What::sign_on;
    on.trace = d.next_trace();
    on.link = link;
    on.peer = peer;
    return on;
}
Ask sale_under(Desk& d, std::uint32_t version, std::uint64_t link, const std::string& peer) {
    Ask s;
    s.trace = d.next_trace();
    s.key_version = version;
    s.link = link;
    s.peer = peer;
    return s;
}
bool has_version(const Desk& d, std::uint32_t version) {
    for (const auto& v : d.keys.versions)
        if (v.version == version) return true;
    return false;
}
void no_limits(acquirer::Configuration& c) {
    c.limits.sign_on_burst = 1'000;
    c.limits.sign_ons_per_address_second_max = 0;
}

}  // namespace

TEST_CASE("sign-on: keys in DE62, the open batch in 60.2", "[R25]") {
    Desk d;
    make_keys(d);
    const auto first = d.ask(sign_on(d, 1, home));
    REQUIRE(first);
    CHECK(first->code == "00");
    CHECK(first->fields.get(Field::reserved_private_62).size() == 40);
    CHECK(std::string(first->fields.get(Field::reserved_private_60)).substr(2, 6) == "000001");
    CHECK(first->to.mac_key.empty());
    REQUIRE(d.keys.versions.size() == 1);
    CHECK(d.keys.versions[0].asked_on == 1);
}

TEST_CASE("a stranger's sign-ons push out neither the proven keys nor the terminal's newest", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    REQUIRE(d.ask(sign_on(d, 2, home))->code ==
            "00");  // the terminal is back on another connection: version 2
    for (std::uint64_t link = 100; link < 300; ++link)
        REQUIRE(d.ask(sign_on(d, link, stranger))->code == "00");
    CHECK(d.keys.proven_version == 1);
    CHECK(has_version(d, 1));
    CHECK(has_version(d, 2));
    CHECK(d.keys.versions.size() == 1 + acquirer::unproven_keys_max);
    REQUIRE(d.ask(sale_under(d, 2, 2, home))->code == "00");
    CHECK(d.keys.proven_version == 2);
    CHECK_FALSE(has_version(d, 1));
}

TEST_CASE("four anonymous sign-ons do not push out the first keys of a new terminal", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    for (std::uint64_t link = 100; link < 300; ++link)
        REQUIRE(d.ask(sign_on(d, link, stranger))->code == "00");
    CHECK(has_version(d, 1));
}

TEST_CASE("the switch starts again after a stranger's sign-ons", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    for (std::uint64_t link = 100; link < 300; ++link)
        REQUIRE(d.ask(sign_on(d, link, stranger))->code == "00");
    d.restart();
    CHECK(d.keys.versions.size() == 1 + acquirer::unproven_keys_max);
    CHECK(d.ask(sale_under(d, 1, 2, home))->code == "00");
}

TEST_CASE("a message that a stranger sends once more does not make his address the terminal's", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 99, stranger))->code == "00");
    REQUIRE(d.ask(sign_on(d, 2, home))->code == "00");
    for (std::uint64_t link = 100; link < 300; ++link)
        REQUIRE(d.ask(sign_on(d, link, stranger))->code == "00");
    CHECK(has_version(d, 2));
    CHECK(d.ask(sale_under(d, 2, 2, home))->code == "00");
}

TEST_CASE("the keys that were just given stay, though strangers came from as many addresses", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    for (std::uint64_t n = 0; n < 2 * acquirer::unproven_keys_max; ++n)
        REQUIRE(d.ask(sign_on(d, 100 + n, "198.51.100." + std::to_string(n)))->code == "00");
    // No address is known as the terminal's: it has not verified a message since the process began.
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    const std::uint32_t version = d.keys.versions.front().version;
    for (std::uint64_t n = 0; n < acquirer::unproven_keys_max / 2; ++n)
        REQUIRE(d.ask(sign_on(d, 500 + n, "203.0.113." + std::to_string(n)))->code == "00");
    CHECK(has_version(d, version));
    CHECK(d.ask(sale_under(d, version, 1, home))->code == "00");
}

TEST_CASE("a connection has one unproven set: its next sign-on replaces it, another's does not", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    for (int i = 0; i < 3; ++i) REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    CHECK(d.keys.versions.size() == 1);
    REQUIRE(d.ask(sign_on(d, 2, stranger))->code == "00");
    CHECK(d.keys.versions.size() == 2);
    CHECK(has_version(d, 3));
}

TEST_CASE("a sign-on that arrives twice brings the same keys twice", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    Ask on = sign_on(d, 1, home);
    const auto first = d.ask(on);
    const auto second = d.ask(on);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->fields.get(Field::reserved_private_62) == second->fields.get(Field::reserved_private_62));
    CHECK(d.keys.versions.size() == 1);
    // On another connection the same number is another sign-on: it may be anybody's.
    on.link = 2;
    const auto other = d.ask(on);
    CHECK(first->fields.get(Field::reserved_private_62) != other->fields.get(Field::reserved_private_62));
    // While the HSM makes the keys the second one waits for the first's.
    d.hsm = [](const hsm::Request&) -> std::optional<hsm::Reply> { return std::nullopt; };
    Ask slow = sign_on(d, 3, home);
    CHECK_FALSE(d.ask(slow));
    CHECK_FALSE(d.ask(slow));
    const std::size_t before = d.answers.size();
    d.pass(2'000);  // the HSM gives nothing: both are told
    CHECK(d.answers.size() == before + 2);
}

TEST_CASE("working keys survive a restart, proven or not", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    REQUIRE(d.ask(sign_on(d, 2, home))->code == "00");
    d.restart();
    CHECK(d.keys.proven_version == 1);
    CHECK(has_version(d, 2));
    REQUIRE(d.ask(sale_under(d, 2, 3, home))->code == "00");
    CHECK(d.keys.versions.size() == 1);
}

TEST_CASE("sign-ons are limited per terminal and address; the honest terminal's address has its own",
          "[R25]") {
    Desk d;  // burst 3, one in 5 s
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    for (int i = 0; i < 3; ++i) CHECK(d.ask(sign_on(d, 9, stranger))->code == "00");
    const auto refused = d.ask(sign_on(d, 9, stranger));
    CHECK(refused->code == "96");
    CHECK(refused->fields.get(Field::reserved_private_62).empty());
    CHECK(d.ask(sign_on(d, 1, home))->code == "00");
    d.pass(4'999);
    CHECK(d.ask(sign_on(d, 9, stranger))->code == "96");
    d.pass(1);
    CHECK(d.ask(sign_on(d, 9, stranger))->code == "00");
    CHECK(d.ask(sign_on(d, 9, stranger))->code == "96");
    CHECK(d.status().counters.size() > 0);
}

TEST_CASE("sign-ons of one address are limited over all terminals", "[R25]") {
    Desk d([](acquirer::Configuration& c) { c.limits.sign_ons_per_address_second_max = 5; });
    make_keys(d);
    int given = 0;
    for (int i = 1; i <= 9; ++i) {
        Ask on = sign_on(d, 9, stranger);
        on.terminal = "1000000" + std::to_string(i);
        given += d.ask(on)->code == "00" ? 1 : 0;
    }
    CHECK(given == 5);
    CHECK(d.ask(sign_on(d, 1, home))->code == "00");
}

TEST_CASE("single-length keys on anybody's wish: only where the range allows them by name", "[R25]") {
    for (const bool allowed : {false, true}) {
        Desk d([&](acquirer::Configuration& c) {
            for (auto& range : c.terminals) range.single_length_keys = allowed;
        });
        make_keys(d);
        Ask on = sign_on(d, 1, home);
        on.network = "001";
        const auto answer = d.ask(on);
        CHECK(answer->code == (allowed ? "00" : "40"));
        CHECK(answer->fields.get(Field::reserved_private_62).empty() == !allowed);
    }
}

TEST_CASE("a sale after a sign-off is answered 77", "[R25]") {
    Desk d(no_limits);
    make_keys(d);
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    REQUIRE(d.ask(sale_under(d, 1, 1, home))->code == "00");
    Ask off;
    off.what = What::sign_off;
    struct Row {
        const char* why;
        MacState mac;
        bool verified_here;
        bool ends;
    };
    const auto row = GENERATE(values<Row>({
        {"a stranger's, without a MAC", MacState::not_needed, false, false},
        {"a stranger's, with a wrong MAC", MacState::wrong, false, false},
        {"a stranger's, of a terminal that has no keys here", MacState::no_key, false, false},
        {"the terminal's, by its MAC", MacState::verified, false, true},
        {"the terminal's, by the connection it verified on", MacState::not_needed, true, true},
    }));
    INFO(row.why);
    off.trace = d.next_trace();
    off.mac = row.mac;
    off.verified_here = row.verified_here;
    off.peer = home;
    CHECK(d.ask(off)->code == "00");
    // Without keys a session finds none to try, and says no_key.
    CHECK(d.keys.versions.empty() == row.ends);
    if (!row.ends) return;
    Ask sale = sale_under(d, 1, 1, home);
    sale.mac = MacState::no_key;
    const auto answer = d.ask(sale);
    CHECK(answer->code == "77");
    CHECK(answer->sign_on_again);
    // One that its old key had verified before the session heard of the sign-off.
    const auto behind = d.ask(sale_under(d, 1, 1, home));
    CHECK(behind->code == "77");
    CHECK(behind->rrn.empty());
    d.restart();
    CHECK(d.keys.versions.empty());
    CHECK(d.ask(sale_under(d, 1, 1, home))->code == "77");
    REQUIRE(d.ask(sign_on(d, 1, home))->code == "00");
    CHECK(d.ask(sale_under(d, 2, 1, home))->code == "00");
}

TEST_CASE("R40 wrong MACs are slowed from the eleventh in a minute on, a right one never", "[R40]") {
    Desk d;
    const auto wrong = [&](const std::string& peer) {
        Ask s = sale_under(d, 1, 5, peer);
        s.mac = MacState::wrong;
        return d.ask(s);
    };
    for (int i = 0; i < 10; ++i) REQUIRE(wrong(stranger)->code == "A0");
    const std::size_t before = d.answers.size();
    for (int i = 0; i < 3; ++i) CHECK_FALSE(wrong(stranger));
    // The same terminal at its own address, and another message of its with a right MAC, are not held back.
    CHECK(wrong(home)->code == "A0");
    CHECK(d.ask(sale_under(d, 1, 1, stranger))->code == "00");
    CHECK(d.answers.size() == before + 2);
    d.pass(999);
    CHECK(d.answers.size() == before + 2);
    d.pass(1);
    CHECK(d.answers.size() == before + 3);
    CHECK(d.answers.back().code == "A0");
    CHECK(d.answers.back().to.mac_key.empty());
    d.pass(2'000);  // one at a time, a second each
    CHECK(d.answers.size() == before + 5);
    std::size_t alarms = 0;
    for (const acquirer::Note& n : d.notes)
        if (n.kind == acquirer::NoteKind::mac_guessing) {
            ++alarms;
            CHECK(n.severity == acquirer::Severity::alarm);
            CHECK(n.detail.find(stranger) != std::string::npos);
        }
    CHECK(alarms == 1);
    d.pass(60'000);
    CHECK(wrong(stranger)->code == "A0");  // another minute
}

TEST_CASE("R40 a guesser who does not wait is not answered beyond a bound", "[R40]") {
    Desk d;
    for (int i = 0; i < 1'000; ++i) {
        Ask s = sale_under(d, 1, 5, stranger);
        s.mac = MacState::wrong;
        d.ask(s);
    }
    const std::size_t at_once = d.answers.size();
    CHECK(at_once == 10);
    d.pass(3'600'000);
    CHECK(d.answers.size() == at_once + 16);
}

TEST_CASE("one terminal with 1,100 unanswered sales leaves room for everybody else", "[doors]") {
    Desk d;
    d.issuer = [](const Sent&) {
        return Does{Does::Kind::silent, "00", acquirer::MacState::verified, {}, ""};
    };
    int refused = 0;
    for (int i = 0; i < 1'100; ++i) {
        Ask s;
        s.trace = d.next_trace();
        const auto answer = d.ask(s);
        if (!answer) continue;
        CHECK(answer->code == "96");
        ++refused;
    }
    const auto own_max = static_cast<int>(d.configuration->limits.terminal_pending_max);
    CHECK(refused == 1'100 - own_max);
    CHECK(d.status().pending == static_cast<std::uint32_t>(own_max));
    CHECK(d.status().counters.at("terminal_pending_full") == static_cast<std::uint64_t>(refused));
    d.issuer = [](const Sent&) { return Does{}; };
    Ask other;
    other.terminal = "10000002";
    other.trace = d.next_trace();
    const auto answer = d.ask(other);
    REQUIRE(answer);
    CHECK(answer->code == "00");
    // Its answers, or their time-outs, give its room back.
    d.pass(60'000);
    Ask again;
    again.trace = d.next_trace();
    CHECK(d.ask(again)->code == "00");
}
