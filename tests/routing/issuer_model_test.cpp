// The issuer as a switch meets it: what it books, what it answers, what it does by magic amount and command.
#include "routing/issuer_sim/issuer_model.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "hsm_sim/test_keys.hpp"
#include "tests/peers/terminal_key.hpp"

using namespace routing;
using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;

namespace {

constexpr iso8583::UtcTime at{1'795'297'672'123};  // 2026-11-21T21:47:52.123Z

/// Counts up: tests need keys and PIN fills that are the same every time.
struct CountingRandom final : iso8583::RandomSource {
    std::uint8_t next = 0;
    void fill(std::span<std::uint8_t> out) override {
        for (auto& b : out) b = next++;
    }
};

hsm::HsmOptions exchange_zone_keys() {
    hsm::HsmOptions options;
    options.zone_key_exchange = true;
    return options;
}

/// Plays the switch: builds requests, puts the MAC on them, reads answers.
struct Switch {
    explicit Switch(bool bcd = false) {
        config.name = bcd ? "issuer-b" : "issuer-a";
        config.dialect = iso8583::find_dialect(bcd ? "iso87-bcd" : "iso87-ascii");
        config.zak = *hsm::KeyBlock::parse(bcd ? hsm::test_keys::aes_zak : hsm::test_keys::zak);
        config.mac = {bcd ? hsm::MacAlgorithm::aes_cmac : hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};
        issuer.emplace(config, engine);
    }

    static FieldValues request(int mti, const char* processing_code, std::int64_t amount, int stan) {
        FieldValues f(Mti::of(mti));
        const std::string number = std::to_string(stan);
        const std::string padded = std::string(6 - number.size(), '0') + number;
        const std::string units = std::to_string(amount);
        f.set(Field::pan, "6212345678900000003");
        f.set(Field::processing_code, processing_code);
        f.set(Field::amount_transaction, std::string(12 - units.size(), '0') + units);
        f.set(Field::transmission_time, "1121214752");
        f.set(Field::stan, padded);
        f.set(Field::rrn, "632500" + padded);
        f.set(Field::terminal, "10000001");
        f.set(Field::merchant, "898110157220001");
        f.set(Field::currency_transaction, "156");
        return f;
    }
    static FieldValues sale(std::int64_t amount, int stan) { return request(200, "000000", amount, stan); }
    /// A reversal of `original`: its own DE11, the original's DE37.
    static FieldValues reversal(const FieldValues& original, int stan, int mti = 420) {
        FieldValues f = request(mti, "000000", 0, stan);
        for (Field same : {Field::processing_code, Field::amount_transaction, Field::rrn})
            f.set(same, std::string(original.get(same)));
        f.set(Field::original_data, original_data(original));
        return f;
    }
    static FieldValues linked(FieldValues f, const FieldValues& original) {
        f.set(Field::original_data, original_data(original));
        return f;
    }
    static std::string original_data(const FieldValues& original) {
        return original.mti().str() + std::string(original.get(Field::stan)) +
               std::string(original.get(Field::transmission_time)) + std::string(22, '0');
    }
    static FieldValues repeated(FieldValues f) {
        f.set_mti(f.mti().repeat());
        return f;
    }

    Bytes encoded(FieldValues f, bool good_mac = true) {
        const bool secondary = f.has(Field::original_data) || f.has(Field::network_management_code);
        f.set(secondary ? Field::mac_secondary : Field::mac_primary, std::string(8, '\0'));
        auto message = iso8583::encode(*config.dialect, f);
        REQUIRE(message.has_value());
        const auto covered = message->mac_input();
        const hsm::Reply reply = engine.perform(hsm::GenerateMac{hsm::KeyKind::zak, config.zak, config.mac,
                                                                 Bytes(covered.begin(), covered.end())});
        hsm::Mac mac = std::get<hsm::MacGenerated>(*reply).mac;
        if (!good_mac) mac[7] ^= 1;
        iso8583::write_mac(*config.dialect, *message, mac);
        return message->body;
    }

    /// Everything that happens on one request.
    void send(const FieldValues& f, bool good_mac = true) { deliver(encoded(f, good_mac)); }
    void deliver(Bytes body) {
        answers.clear();
        delays.clear();
        lines.clear();
        closed = false;
        bool answered = false;
        std::vector<IssuerAction> actions;
        issuer->on_frame(body, at, actions);
        for (const IssuerAction& action : actions) {
            if (const auto* line = std::get_if<AppendJournal>(&action)) {
                CHECK_FALSE(answered);  // the journal is written before the answer leaves
                lines.push_back(line->line);
            } else if (const auto* answer = std::get_if<SendAnswer>(&action)) {
                answered = true;
                auto message = iso8583::decode(*config.dialect, answer->body);
                REQUIRE(message.has_value());
                answers.push_back(std::move(*message));
                delays.push_back(answer->delay_ms);
            } else {
                closed = true;
            }
        }
    }
    /// The code of the one answer; "silence" or "n answers" otherwise.
    std::string code() {
        if (answers.empty()) return "silence";
        if (answers.size() > 1) return std::to_string(answers.size()) + " answers";
        return answers[0].get(Field::response_code);
    }
    std::string ask(const FieldValues& f) {
        send(f);
        return code();
    }
    bool mac_is_right(const iso8583::Message& m) {
        const auto field = m.mac_field();
        if (!field) return false;
        const std::string content = m.get(*field);
        hsm::VerifyMac verify{hsm::KeyKind::zak, config.zak, config.mac, {}, {}};
        verify.data.assign(m.mac_input().begin(), m.mac_input().end());
        std::copy(content.begin(), content.end(), verify.mac.begin());
        return std::get<hsm::MacVerified>(*engine.perform(verify)).matches;
    }
    std::string control(std::string_view line) {
        std::vector<IssuerAction> actions;
        const std::string reply = issuer->on_control(line, actions);
        dropped = !actions.empty() && std::holds_alternative<CloseAllLinks>(actions.front());
        return reply;
    }
    const IssuerBooks& books() const { return issuer->books(); }

    CountingRandom random;
    hsm::HsmEngine engine{hsm::Lmk::test(), random, exchange_zone_keys()};
    IssuerConfig config;
    std::optional<IssuerModel> issuer;
    std::vector<iso8583::Message> answers;
    std::vector<std::uint32_t> delays;
    std::vector<std::string> lines;
    bool closed = false, dropped = false;
};

}  // namespace

TEST_CASE("Sale, refund, void and reversal are booked, journalled and answered in both dialects") {
    for (bool bcd : {false, true}) {
        Switch s(bcd);
        const FieldValues sale = Switch::sale(10'000, 1);
        REQUIRE(s.ask(sale) == "00");
        CHECK(s.mac_is_right(s.answers[0]));
        CHECK(s.answers[0].mti() == Mti::of(210));
        CHECK(s.answers[0].get(Field::authorization_code).size() == 6);
        CHECK_FALSE(s.answers[0].has(Field::pan));
        for (Field f :
             {Field::processing_code, Field::amount_transaction, Field::transmission_time, Field::stan,
              Field::rrn, Field::terminal, Field::merchant, Field::currency_transaction})
            CHECK(s.answers[0].get(f) == std::string(sale.get(f)));
        REQUIRE(s.lines.size() == 1);
        CHECK(s.lines[0] ==
              R"({"time":"2026-11-21T21:47:52.123Z","kind":"sale","amount":10000,"currency":"156",)"
              R"("rrn":"632500000001","stan":"000001","pan_last4":"0003","terminal":"10000001",)"
              R"("merchant":"898110157220001"})"
              "\n");

        CHECK(s.ask(Switch::linked(Switch::request(220, "200000", 2'500, 2), sale)) == "00");
        CHECK(s.answers[0].mti() == Mti::of(230));
        const FieldValues other = Switch::sale(700, 3);
        CHECK(s.ask(other) == "00");
        CHECK(s.ask(Switch::linked(Switch::request(200, "020000", 700, 4), other)) == "00");
        const FieldValues third = Switch::sale(900, 5);
        CHECK(s.ask(third) == "00");
        CHECK(s.ask(Switch::reversal(third, 6)) == "00");
        CHECK(s.answers[0].mti() == Mti::of(430));
        REQUIRE(s.lines.size() == 1);
        CHECK(s.lines[0].find(R"("kind":"reversal","of":"sale","amount":900,)") != std::string::npos);
        CHECK(s.lines[0].find(R"("rrn":"632500000005","stan":"000006")") != std::string::npos);

        CHECK(s.books().booked(EffectKind::sale) == IssuerBooks::Total{3, 11'600});
        CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 2'500});
        CHECK(s.books().booked(EffectKind::void_of_sale) == IssuerBooks::Total{1, 700});
        CHECK(s.books().reversed(EffectKind::sale) == IssuerBooks::Total{1, 900});
        CHECK(s.books().anomalies() == 0);
        const auto standing = s.books().standing_by_rrn();
        CHECK(standing.at("632500000001").net() == 10'000);
        CHECK(standing.at("632500000002").net() == -2'500);
        CHECK(standing.count("632500000005") == 0);
        CHECK(s.control("books").find(R"("refund":{"count":1,"amount":2500})") != std::string::npos);
    }
}

TEST_CASE("A request is booked once per DE11, DE7 and DE37, repeats included") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    const std::string authorization = s.answers[0].get(Field::authorization_code);
    REQUIRE(s.ask(sale) == "00");
    CHECK(s.answers[0].get(Field::authorization_code) == authorization);
    CHECK(s.lines.empty());
    const FieldValues refund = Switch::linked(Switch::request(220, "200000", 100, 2), sale);
    // A 0221 is the first when no 0220 came before.
    REQUIRE(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.answers[0].mti() == Mti::of(230));
    REQUIRE(s.ask(refund) == "00");
    CHECK(s.lines.empty());
    // The same number at another time of DE7, or with another DE37, is another request.
    FieldValues later = refund;
    later.set(Field::transmission_time, "1121214753");
    REQUIRE(s.ask(later) == "00");
    FieldValues other_rrn = refund;
    other_rrn.set(Field::rrn, "632500999999");
    REQUIRE(s.ask(other_rrn) == "00");
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{3, 300});
    FieldValues changed = sale;
    changed.set(Field::amount_transaction, "000000020000");
    CHECK(s.ask(changed) == "94");
    CHECK(s.books().anomalies(Anomaly::content_changed) == 1);
    CHECK(s.books().booked(EffectKind::sale) == IssuerBooks::Total{1, 10'000});
}

TEST_CASE("Magic amounts") {
    struct Row {
        std::int64_t amount;
        const char* answer;
        bool booked;
    };
    for (const Row& row : {Row{19'905, "05", false},
                           {19'951, "51", false},
                           {19'954, "54", false},
                           {19'968, "silence", true},
                           {19'969, "00", true},
                           {19'970, "2 answers", true},
                           {19'971, "00", true},
                           {19'972, "00", true},
                           {19'991, "silence", true},
                           {19'996, "00", true},
                           {19'900, "00", true}}) {
        Switch s;
        CAPTURE(row.amount);
        CHECK(s.ask(Switch::sale(row.amount, 1)) == row.answer);
        CHECK(s.books().booked(EffectKind::sale).count == (row.booked ? 1 : 0));
        CHECK(s.lines.size() == (row.booked ? 1U : 0U));
        CHECK(s.closed == (row.amount == 19'991));
        if (s.answers.empty()) continue;
        CHECK(s.delays[0] == (row.amount == 19'969 ? 6'000U : 0U));
        CHECK(s.mac_is_right(s.answers[0]) == (row.amount != 19'971));
        CHECK((s.answers[0].get(Field::amount_transaction) == "000000019972") == false);
        // Reversals of it are always answered.
        CHECK(s.ask(Switch::reversal(Switch::sale(row.amount, 1), 2, 400)) == "00");
        CHECK(s.books().reversed(EffectKind::sale).count == (row.booked ? 1 : 0));
    }
}

TEST_CASE("9996: an advice is busy twice, then approved; a 0420 too") {
    Switch s;
    const FieldValues sale = Switch::sale(19'996, 1);
    REQUIRE(s.ask(sale) == "00");
    const FieldValues refund = Switch::linked(Switch::request(220, "200000", 9'996, 2), sale);
    CHECK(s.ask(refund) == "96");
    CHECK(s.lines.empty());
    CHECK(s.ask(Switch::repeated(refund)) == "96");
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.lines.size() == 1);
    CHECK(s.ask(Switch::repeated(refund)) == "00");
    CHECK(s.books().booked(EffectKind::refund) == IssuerBooks::Total{1, 9'996});
    const FieldValues reversal = Switch::reversal(sale, 3);
    CHECK(s.ask(reversal) == "96");
    CHECK(s.ask(Switch::repeated(reversal)) == "96");
    CHECK(s.ask(Switch::repeated(reversal)) == "00");
    CHECK(s.books().reversed(EffectKind::sale).count == 1);
}

TEST_CASE("A reversal before its original: 25, remembered, and the original gets 12") {
    Switch s;
    const FieldValues sale = Switch::sale(5'000, 1);
    CHECK(s.ask(Switch::reversal(sale, 2)) == "25");
    CHECK(s.ask(Switch::repeated(Switch::reversal(sale, 2))) == "25");
    CHECK(s.ask(Switch::reversal(sale, 3)) == "25");  // another one, later
    CHECK(s.ask(sale) == "12");
    CHECK(s.ask(sale) == "12");
    CHECK(s.books().booked(EffectKind::sale).count == 0);
    CHECK(s.ask(Switch::repeated(Switch::reversal(sale, 2))) == "25");
    // Without DE37 the numbers of DE90 have to do.
    const FieldValues second = Switch::sale(5'000, 4);
    FieldValues nameless = Switch::reversal(second, 5);
    nameless.erase(Field::rrn);
    CHECK(s.ask(nameless) == "25");
    CHECK(s.ask(second) == "12");
    CHECK(s.books().booked(EffectKind::sale).count == 0);
}

TEST_CASE("Reversals of what they find") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    const FieldValues refund = Switch::linked(Switch::request(200, "200000", 4'000, 2), sale);
    REQUIRE(s.ask(refund) == "00");
    CHECK(s.ask(Switch::reversal(refund, 3)) == "00");
    CHECK(s.lines.at(0).find(R"("of":"refund")") != std::string::npos);
    CHECK(s.ask(Switch::repeated(Switch::reversal(refund, 3))) == "00");
    CHECK(s.ask(Switch::reversal(refund, 4)) == "79");  // another reversal of the same
    CHECK(s.books().anomalies(Anomaly::reversal_repeated) == 1);

    const FieldValues undo = Switch::linked(Switch::request(200, "020000", 10'000, 5), sale);
    REQUIRE(s.ask(undo) == "00");
    CHECK(s.ask(Switch::reversal(undo, 6)) == "00");  // the sale stands again
    CHECK(s.lines.at(0).find(R"("of":"void")") != std::string::npos);
    CHECK(s.ask(Switch::linked(Switch::request(200, "200000", 10'000, 7), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_of_reversed) == 0);

    const FieldValues declined = Switch::sale(9'905, 8);
    REQUIRE(s.ask(declined) == "05");
    CHECK(s.ask(Switch::reversal(declined, 9)) == "00");  // nothing to take back
    CHECK(s.lines.empty());
}

TEST_CASE("A partial reversal leaves what DE95 says") {
    Switch s;
    const FieldValues sale = Switch::sale(10'000, 1);
    REQUIRE(s.ask(sale) == "00");
    FieldValues partial = Switch::reversal(sale, 2);
    partial.set(Field::replacement_amounts, "000000004000" + std::string(30, '0'));
    CHECK(s.ask(partial) == "00");
    CHECK(s.books().standing_by_rrn().at("632500000001").sale == 4'000);
    CHECK(s.books().reversed(EffectKind::sale) == IssuerBooks::Total{1, 6'000});
    FieldValues more = Switch::reversal(sale, 3);
    more.set(Field::replacement_amounts, "000000005000" + std::string(30, '0'));
    CHECK(s.ask(more) == "64");
}

TEST_CASE("What no issuer should have been asked is remembered") {
    Switch s;
    const FieldValues sale = Switch::sale(1'000, 1);
    REQUIRE(s.ask(sale) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 600, 2), sale)) == "00");
    CHECK(s.books().anomalies() == 0);
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 401, 3), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_over_sale) == 1);
    REQUIRE(s.ask(Switch::linked(Switch::request(200, "020000", 1'000, 4), sale)) == "00");
    CHECK(s.books().anomalies(Anomaly::void_of_refunded) == 1);
    REQUIRE(s.ask(Switch::request(220, "200000", 100, 5)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_without_original) == 1);
    const FieldValues gone = Switch::sale(1'000, 6);
    REQUIRE(s.ask(gone) == "00");
    REQUIRE(s.ask(Switch::reversal(gone, 7)) == "00");
    REQUIRE(s.ask(Switch::linked(Switch::request(220, "200000", 100, 8), gone)) == "00");
    CHECK(s.books().anomalies(Anomaly::refund_of_reversed) == 1);
}

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
