// The issuer's side of the link: MACs, PIN blocks, key change, network management, faults and commands.
#include <filesystem>
#include <fstream>
#include <set>

#include "routing/issuer_sim/issuer_key_file.hpp"
#include "tests/peers/terminal_key.hpp"
#include "tests/routing/playing_switch.hpp"

using namespace issuer_tests;

TEST_CASE("A wrong or missing MAC is answered 63 and books nothing") {
    Switch s;
    s.send(Switch::sale(1'000, 1), false);
    CHECK(s.code() == "63");
    CHECK(s.mac_is_right(s.answers[0]));
    auto bare = iso8583::encode(*s.config.dialect, Switch::sale(1'000, 2));
    s.deliver(bare->body);
    CHECK(s.code() == "63");
    CHECK(s.books().entries().empty());
    CHECK(s.issuer->stats().mac_wrong == 2);
}

TEST_CASE("A key change keeps the key before it") {
    Switch s;
    const auto next =
        *hsm::KeyBlock::parse(hsm::test_keys::tak);  // any other key: wrong kind, never verifies
    REQUIRE(s.ask(Switch::sale(1'000, 1)) == "00");
    s.issuer->install_zak(next);
    REQUIRE(s.ask(Switch::sale(1'000, 2)) == "00");
    CHECK(s.mac_is_right(s.answers[0]));  // answered under the key of the request
}

TEST_CASE("A PIN block has to be sound and of this card") {
    Switch s;
    s.config.zpk = *hsm::KeyBlock::parse(hsm::test_keys::zpk);
    s.issuer.emplace(s.config, s.engine);
    const auto zpk =
        *peers::TerminalKey::parse_hex("76767676767676768989898989898989");  // issuer-a's, of the demo
    const auto with_pin = [&](int stan, const char* of_card) {
        FieldValues f = Switch::sale(1'000, stan);
        f.set(Field::pin_data, iso8583::as_text(zpk.pin_block("1234", *iso8583::Pan::parse(of_card))));
        return f;
    };
    CHECK(s.ask(with_pin(1, "6212345678900000003")) == "00");
    CHECK(s.ask(with_pin(2, "6212345678911111003")) == "55");
    FieldValues noise = Switch::sale(1'000, 3);
    noise.set(Field::pin_data, "\x01\x02\x03\x04\x05\x06\x07\x08");
    CHECK(s.ask(noise) == "55");
    CHECK(s.books().booked(EffectKind::sale).count == 1);
}

TEST_CASE("A key change by 0800: the new ZAK holds, the one before it goes on for a while") {
    Switch s;
    const auto change = [](const std::string& content) {
        FieldValues f(Mti::of(800));
        f.set(Field::transmission_time, "1121214752");
        f.set(Field::stan, "000009");
        f.set(Field::additional_data, content);
        f.set(Field::network_management_code, "161");
        return f;
    };
    CHECK(s.ask(change("ZAK")) == "40");                                               // no ZMK is shared
    const hsm::ClearKey zmk(*iso8583::parse_hex("98989898989898985E5E5E5E5E5E5E5E"));  // a test key
    s.config.zmk =
        *hsm::KeyBlock::parse(hsm::Lmk::test().wrap_variant(hsm::KeyType::of(hsm::KeyKind::zmk), zmk, 'U'));
    s.issuer.emplace(s.config, s.engine);
    const hsm::Reply made = s.engine.perform(hsm::GenerateZoneKey{hsm::KeyKind::zak, s.config.zmk});
    REQUIRE(made.has_value());
    const auto key = std::get<hsm::ZoneKey>(*made);

    CHECK(s.ask(change("ZMK" + key.under_zmk)) == "30");
    CHECK(s.ask(change("ZAKX0011")) == "12");
    s.send(change("ZAK" + key.under_zmk), false);
    CHECK(s.code() == "63");
    REQUIRE(s.ask(change("ZAK" + key.under_zmk)) == "00");
    CHECK(s.answers[0].get(Field::additional_data) == iso8583::to_hex(key.kcv));
    CHECK(s.mac_is_right(s.answers[0]));  // the old key still, which the request came under
    CHECK(s.ask(Switch::sale(1'000, 1)) == "00");
    s.config.zak = key.under_lmk;
    CHECK(s.ask(Switch::sale(1'000, 2)) == "00");
    CHECK(s.mac_is_right(s.answers[0]));
}

TEST_CASE("Network management needs no MAC and answers with one only when it was given one") {
    Switch s;
    for (const char* code : {"001", "301"}) {
        FieldValues f(Mti::of(800));
        f.set(Field::transmission_time, "1121214752");
        f.set(Field::stan, "000009");
        f.set(Field::network_management_code, code);
        s.deliver(iso8583::encode(*s.config.dialect, f)->body);
        CHECK(s.code() == "00");
        CHECK(s.answers[0].mti() == Mti::of(810));
        CHECK(s.answers[0].get(Field::network_management_code) == code);
        CHECK_FALSE(s.answers[0].mac_field().has_value());
        s.send(f);
        CHECK(s.code() == "00");
        CHECK(s.mac_is_right(s.answers[0]));
    }
    CHECK(s.issuer->signed_on());
}

TEST_CASE("Reconciliation compares totals since the last one") {
    Switch s;
    const FieldValues sale = Switch::sale(1'000, 1);
    REQUIRE(s.ask(sale) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 300, 2), sale)) == "00");
    const auto totals = [](const char* credits, const char* debits, int stan) {
        FieldValues f(Mti::of(500));
        f.set(Field::transmission_time, "1121214752");
        f.set(Field::stan, "00001" + std::to_string(stan));
        f.set(Field::credits_number, credits[0] == '0' ? "0000000000" : "0000000001");
        f.set(Field::credits_reversal_number, "0000000000");
        f.set(Field::debits_number, debits[0] == '0' ? "0000000000" : "0000000001");
        f.set(Field::debits_reversal_number, "0000000000");
        f.set(Field::credits_amount, "0000000000000" + std::string(credits));
        f.set(Field::credits_reversal_amount, std::string(16, '0'));
        f.set(Field::debits_amount, "000000000000" + std::string(debits));
        f.set(Field::debits_reversal_amount, std::string(16, '0'));
        return f;
    };
    FieldValues request = totals("300", "1000", 1);
    request.set(Field::original_data, std::string(42, '0'));  // only to ask for DE128
    CHECK(s.ask(request) == "00");
    CHECK(s.answers[0].get(Field::settlement_code) == "1");
    FieldValues again = totals("300", "1000", 2);
    again.set(Field::original_data, std::string(42, '0'));
    CHECK(s.ask(again) == "00");
    CHECK(s.answers[0].get(Field::settlement_code) == "2");  // nothing since
}

TEST_CASE("What does not decode is answered 30 when it can be, and else closes the link") {
    Switch s;
    s.deliver(Bytes{'0', '2', '0'});
    CHECK(s.closed);
    CHECK(s.answers.empty());
    FieldValues f = Switch::sale(1'000, 1);
    f.erase(Field::rrn);
    CHECK(s.ask(f) == "30");
    FieldValues kind = Switch::sale(1'000, 1);
    kind.set(Field::processing_code, "310000");
    CHECK(s.ask(kind) == "30");
    FieldValues no_original = Switch::request(420, "000000", 1'000, 2);
    CHECK(s.ask(no_original) == "30");
    CHECK(s.books().entries().empty());
    // A response is nobody's request.
    FieldValues response = Switch::sale(1'000, 1);
    response.set_mti(Mti::of(210));
    s.send(response);
    CHECK(s.answers.empty());
    CHECK_FALSE(s.closed);
}

TEST_CASE("Commands of the control socket hold for the next one only") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    CHECK(s.control("next refund silent 30") == "ok");
    CHECK(s.ask(Switch::sale(100, 2)) == "00");  // not a refund
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 10, 3), sale)) == "00");
    CHECK(s.delays[0] == 30'000);
    CHECK(s.lines.size() == 1);  // booked when it came
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 10, 4), sale)) == "00");
    CHECK(s.delays[0] == 0);
    CHECK(s.control("next void decline 05") == "ok");
    CHECK(s.ask(Switch::linked(Switch::request(200, "020000", 100, 5), sale)) == "05");
    CHECK(s.control("next any silent") == "ok");
    CHECK(s.ask(Switch::sale(100, 6)) == "silence");
    CHECK(s.control("next reversal late") == "ok");
    CHECK(s.ask(Switch::reversal(Switch::sale(100, 6), 7)) == "00");
    CHECK(s.delays[0] == 6'000);
    CHECK(s.control("next sale twice") == "ok");
    CHECK(s.ask(Switch::sale(100, 8)) == "2 answers");
    CHECK(s.control("next sale bad-mac") == "ok");
    s.send(Switch::sale(100, 9));
    CHECK_FALSE(s.mac_is_right(s.answers.at(0)));
    CHECK(s.control("next sale another-amount") == "ok");
    s.send(Switch::sale(100, 10));
    CHECK(s.answers.at(0).get(Field::amount_transaction) == "000000000101");
    CHECK(s.mac_is_right(s.answers.at(0)));
    CHECK(s.control("next sale close") == "ok");
    s.send(Switch::sale(100, 11));
    CHECK(s.closed);
    CHECK(s.control("link drop") == "ok");
    CHECK(s.dropped);
    CHECK(s.control("latency 5 5") == "ok");
    s.send(Switch::sale(100, 12));
    CHECK(s.delays.at(0) == 5);

    for (const char* wrong :
         {"", "nonsense", "next", "next refund", "next money silent", "next refund decline",
          "next refund decline 00", "next refund decline ab", "next refund silent x",
          "next refund silent 999999999", "next refund twice 3", "link", "books now", "latency 9 1"})
        CHECK(s.control(wrong).rfind("error: ", 0) == 0);
}

TEST_CASE("Faults by chance follow the seed") {
    const auto run = [](std::uint64_t seed) {
        Switch s;
        s.config.seed = seed;
        s.config.faults = {.latency_ms_min = 1,
                           .latency_ms_max = 9,
                           .silent_permille = 200,
                           .twice_permille = 200,
                           .decline_permille = 200};
        s.issuer.emplace(s.config, s.engine);
        std::string story;
        for (int stan = 1; stan <= 60; ++stan) {
            story += s.ask(Switch::sale(100, stan));
            for (std::uint32_t d : s.delays) story += "+" + std::to_string(d);
            story += ' ';
        }
        return story;
    };
    const std::string first = run(7);
    CHECK(first == run(7));
    CHECK(first != run(8));
    for (const char* part : {"silence", "2 answers", "05", "00"})
        CHECK(first.find(part) != std::string::npos);
    CHECK(check_faults({.silent_permille = 600, .close_permille = 401}) ==
          "faults: together more than 1000 in 1000");
    CHECK(check_faults({.latency_ms_min = 2, .latency_ms_max = 1}).has_value());
}

TEST_CASE("No two authorization codes of an issuer are equal") {
    Switch s;
    std::set<std::string> codes;
    // Across the million, where letters begin.
    s.config.authorizations_used = 999'950;
    s.issuer.emplace(s.config, s.engine);
    for (int stan = 1; stan <= 200; ++stan) {
        REQUIRE(s.ask(Switch::sale(100, stan)) == "00");
        codes.insert(s.answers[0].get(Field::authorization_code));
    }
    CHECK(codes.size() == 200);
}

TEST_CASE("An issuer without the keys for it changes none") {
    Switch s;
    CHECK(s.control("key-change zak") == "error: this issuer has no ZMK (keys.zmk)");
    s.config.zmk = *hsm::KeyBlock::parse(hsm::test_keys::zmk);
    s.issuer.emplace(s.config, s.engine);
    CHECK(s.control("key-change zpk") == "error: this issuer has no ZPK (keys.zpk)");
    CHECK(s.control("key-change tmk").starts_with("error: "));
}

TEST_CASE("A key change by the issuer: offered, taken, and the keys before go on") {
    Switch s;
    const auto zmk = *hsm::KeyBlock::parse(hsm::test_keys::zmk);
    s.config.zmk = zmk;
    s.issuer.emplace(s.config, s.engine);
    std::vector<IssuerAction> actions;
    REQUIRE(s.issuer->on_control("key-change zak", at, actions) == "ok");
    REQUIRE(actions.size() == 1);
    const auto offer = iso8583::decode(*s.config.dialect, std::get<SendRequest>(actions[0]).body);
    REQUIRE(offer.has_value());
    CHECK(offer->mti() == Mti::of(800));
    CHECK(offer->get(Field::network_management_code) == "161");
    CHECK(s.mac_is_right(*offer));
    const std::string content = offer->get(Field::additional_data);
    REQUIRE(content.starts_with("ZAK"));
    const auto taken = s.engine.perform(hsm::ImportZoneKey{hsm::KeyKind::zak, zmk, content.substr(3)});
    REQUIRE(taken.has_value());
    const auto fresh = std::get<hsm::ZoneKey>(*taken).under_lmk;

    FieldValues answer(Mti::of(810));
    for (const Field echoed : {Field::transmission_time, Field::stan, Field::network_management_code})
        answer.set(echoed, offer->get(echoed));
    answer.set(Field::response_code, "00");
    const auto changes = [&] { return s.issuer->key_changes(); };

    SECTION("yes, under the key before") {
        s.send(answer);
        CHECK(changes() == 1);
        CHECK(s.ask(Switch::sale(1'000, 1)) == "00");  // under the key before, still
        CHECK(s.mac_is_right(s.answers[0]));
        s.config.zak = fresh;
        CHECK(s.ask(Switch::sale(1'000, 2)) == "00");
        CHECK(s.mac_is_right(s.answers[0]));
    }
    SECTION("the 0810 is lost: a message under the new key says as much") {
        s.config.zak = fresh;
        CHECK(s.ask(Switch::sale(1'000, 2)) == "00");
        CHECK(s.mac_is_right(s.answers[0]));
        CHECK(changes() == 1);
    }
    SECTION("no") {
        answer.set(Field::response_code, "12");
        s.send(answer);
        CHECK(changes() == 0);
        s.config.zak = fresh;
        CHECK(s.ask(Switch::sale(1'000, 2)) == "63");
    }
    SECTION("not now: the offer stands, and a yes that comes later counts") {
        for (const char* code : {"09", "96"}) {
            answer.set(Field::response_code, code);
            s.send(answer);
            CHECK(changes() == 0);
        }
        answer.set(Field::response_code, "00");
        s.send(answer);
        CHECK(changes() == 1);
    }
    SECTION("a yes with a wrong MAC, or to another 0800, says nothing") {
        s.send(answer, false);
        CHECK(changes() == 0);
        answer.set(Field::stan, "000999");
        s.send(answer);
        CHECK(changes() == 0);
    }
    SECTION("offered again it is the same key") {
        std::vector<IssuerAction> again;
        REQUIRE(s.issuer->on_control("key-change zak", at, again) == "ok");
        const auto second = iso8583::decode(*s.config.dialect, std::get<SendRequest>(again[0]).body);
        CHECK(second->get(Field::additional_data) == content);
        CHECK(second->get(Field::stan) != offer->get(Field::stan));
    }
}

TEST_CASE("The keys of an issuer are kept in a file") {
    const std::string path = std::filesystem::temp_directory_path() / "issuer_key_file_test.keys";
    std::filesystem::remove(path);
    REQUIRE(read_key_file(path).has_value());
    CHECK_FALSE(read_key_file(path)->has_value());
    Switch s;
    s.config.zpk = *hsm::KeyBlock::parse(hsm::test_keys::zpk);
    s.issuer.emplace(s.config, s.engine);
    s.issuer->install_zak(*hsm::KeyBlock::parse("U11111111111111111111111111111111"));
    s.issuer->install_zpk(*hsm::KeyBlock::parse("U22222222222222222222222222222222"));
    const IssuerKeyState state = s.issuer->key_state();
    CHECK(state.zaks.size() == 2);
    REQUIRE(write_key_file(path, state).has_value());
    auto read = read_key_file(path);
    REQUIRE(read.has_value());
    CHECK(**read == state);
    IssuerModel other(s.config, s.engine);
    other.restore_keys(state);
    CHECK(other.key_state() == state);
    CHECK(other.config().zak.text() == "U11111111111111111111111111111111");
    struct Row {
        const char* text;
        const char* names;
    };
    for (const Row& row :
         {Row{"", "no zak"}, {"zak U12\n", ":1:"}, {"tmk 1111111111111111\n", ":1: zak or zpk"}}) {
        std::ofstream(path, std::ios::trunc) << row.text;
        const auto bad = read_key_file(path);
        REQUIRE_FALSE(bad.has_value());
        CHECK(bad.error().what.find(row.names) != std::string::npos);
    }
    std::filesystem::remove(path);
}
