// Plays the switch against an IssuerModel: builds requests with their MAC, reads what comes back. For the
// tests of the issuer alone.
#pragma once

#include <catch2/catch.hpp>

#include "hsm_sim/test_keys.hpp"
#include "routing/issuer_sim/issuer_model.hpp"

namespace issuer_tests {

using namespace routing;
using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;

inline constexpr iso8583::UtcTime at{1'795'297'672'123};  // 2026-11-21T21:47:52.123Z

/// Counts up: tests need keys and PIN fills that are the same every time.
struct CountingRandom final : iso8583::RandomSource {
    std::uint8_t next = 0;
    void fill(std::span<std::uint8_t> out) override {
        for (auto& b : out) b = next++;
    }
};

inline hsm::HsmOptions exchange_zone_keys() {
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
    /// Whatever was played: another run that reads the journal back has the same books.
    ~Switch() {
        IssuerModel again(config, engine);
        for (const std::string& text : journal) {
            INFO(text);
            const auto line = parse_journal_line(std::string_view(text).substr(0, text.size() - 1));
            CHECK(line);
            if (!line) return;
            const auto taken = again.read_back(*line);
            CHECK(taken);
            if (!taken) return;
        }
        const IssuerBooks &ours = books(), &its = again.books();
        CHECK(its.standing_by_rrn() == ours.standing_by_rrn());
        for (std::size_t kind = 0; kind < effect_kinds; ++kind) {
            CHECK(its.booked(static_cast<EffectKind>(kind)) == ours.booked(static_cast<EffectKind>(kind)));
            CHECK(its.reversed(static_cast<EffectKind>(kind)) ==
                  ours.reversed(static_cast<EffectKind>(kind)));
        }
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
                journal.push_back(line->line);
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
        const std::string reply = issuer->on_control(line, {}, actions);
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
    std::vector<std::string> lines;    // of the last request
    std::vector<std::string> journal;  // of all
    bool closed = false, dropped = false;
};

}  // namespace issuer_tests
