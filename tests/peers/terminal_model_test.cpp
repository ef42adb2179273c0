// The terminal as a judge: what it sends, which replies it accepts and which it does not, and why.
#include "tests/peers/terminal_model.hpp"

#include <catch2/catch.hpp>
#include <functional>

using namespace peers;
using iso8583::Bytes;
using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Frame;

namespace {

constexpr iso8583::UtcTime at{1'795'297'672'123};  // 2026-11-21T21:47:52.123Z, the 22nd at +08:00
constexpr const char* test_tmk = "0123456789ABCDEFFEDCBA9876543210";
constexpr const char* test_tak = "10101010101010102323232323232323";
// Working keys of the tests: PIK and MAK in clear.
constexpr const char* test_pik = "40404040404040405151515151515151";
constexpr const char* test_mak = "31313131313131314646464646464646";

const iso8583::Pan card = *iso8583::Pan::parse("6212345678900000003");

TerminalConfig config_of(TerminalProfile profile) {
    TerminalConfig c;
    c.profile = profile;
    const bool unionpay = profile == TerminalProfile::unionpay_pos;
    c.terminal = *iso8583::TerminalId::parse(unionpay ? "10000001" : "20000001");
    c.merchant = *iso8583::MerchantId::parse(unionpay ? "898110157220001" : "898110157220002");
    c.tmk_hex = test_tmk;
    c.tak_hex = test_tak;
    return c;
}

/// Encrypts under a double-length key as the host does: the check value of k over E(x) needs only TDES, which
/// the terminal key can do by decrypting, so E_k(x) is found as the CBC MAC of one block.
Bytes encrypted(const TerminalKey& key, const char* hex) {
    const Bytes clear = *iso8583::parse_hex(hex);
    Bytes out;
    for (std::size_t i = 0; i < clear.size(); i += 8) {
        const auto block = key.mac({hsm::MacAlgorithm::cbc, hsm::MacPadding::zeros}, {clear.data() + i, 8});
        out.insert(out.end(), block.begin(), block.end());
    }
    return out;
}

/// A host that answers as docs/wire.md says, so that a test can spoil one thing.
struct Host {
    explicit Host(const Terminal& t)
        : terminal(t), unionpay(t.config().profile == TerminalProfile::unionpay_pos) {}

    [[nodiscard]] FieldValues reply_to(const Outgoing& sent, const char* code) const {
        FieldValues r(*sent.fields.mti().response());
        for (Field f :
             {Field::processing_code, Field::amount_transaction, Field::transmission_time, Field::stan,
              Field::pos_condition_code, Field::terminal, Field::merchant, Field::currency_transaction,
              Field::reserved_private_60, Field::network_management_code})
            if (sent.fields.has(f)) r.set(f, std::string(sent.fields.get(f)));
        if (!unionpay) r.erase(Field::pos_condition_code);
        r.set(Field::local_time, "054752");
        r.set(Field::local_date, "1122");
        r.set(Field::settlement_date, "1122");
        r.set(Field::rrn, "632600000001");
        r.set(Field::response_code, code);
        if (sent.transaction == Transaction::sale && std::string_view(code) == "00")
            r.set(Field::authorization_code, "A1B2C3");
        return r;
    }
    [[nodiscard]] Frame framed(FieldValues r, bool with_mac = true, const char* key_hex = nullptr) const {
        if (key_hex == nullptr) key_hex = unionpay ? test_mak : test_tak;
        const bool secondary = r.has(Field::settlement_code) || r.has(Field::network_management_code);
        if (with_mac) r.set(secondary ? Field::mac_secondary : Field::mac_primary, std::string(8, '\0'));
        auto message = iso8583::encode(terminal.dialect(), r);
        REQUIRE(message.has_value());
        if (with_mac) {
            const TerminalKey key = *TerminalKey::parse_hex(key_hex);
            const hsm::MacProfile profile{
                unionpay ? hsm::MacAlgorithm::unionpay_ecb : hsm::MacAlgorithm::retail,
                hsm::MacPadding::zeros};
            iso8583::write_mac(terminal.dialect(), *message, key.mac(profile, message->mac_input()));
        }
        if (!unionpay) return {{}, {}, message->body};
        return {*iso8583::parse_hex("6000020001"), *iso8583::parse_hex(terminal.config().header_hex),
                message->body};
    }
    /// 0810 with both working keys.
    [[nodiscard]] Frame signed_on(const Outgoing& sent, const char* mak = test_mak) const {
        const TerminalKey tmk = *TerminalKey::parse_hex(test_tmk);
        FieldValues r = reply_to(sent, "00");
        std::string batch(r.get(Field::reserved_private_60));
        r.set(Field::reserved_private_60, batch.replace(2, 6, "000042"));
        Bytes keys;
        for (const char* hex : {test_pik, mak}) {
            const Bytes under_tmk = encrypted(tmk, hex);
            const auto check = TerminalKey::parse_hex(hex)->check_value();
            keys.insert(keys.end(), under_tmk.begin(), under_tmk.end());
            keys.insert(keys.end(), check.begin(), check.end());
        }
        r.set(Field::reserved_private_62, iso8583::as_text(keys));
        return framed(r, false);
    }

    const Terminal& terminal;
    bool unionpay;
};

/// Why a reply was not taken; empty when it was.
std::string breach_of(const OutcomeResult& outcome) { return outcome ? std::string() : outcome.error().what; }

Terminal ready_terminal(TerminalProfile profile) {
    Terminal t(config_of(profile));
    if (profile == TerminalProfile::unionpay_pos) {
        const Outgoing sent = t.sign_on(at);
        const auto outcome = t.receive(sent, Host(t).signed_on(sent));
        REQUIRE(outcome.has_value());
    }
    REQUIRE(t.has_keys());
    return t;
}

iso8583::Message decoded(const Terminal& t, const Outgoing& out) {
    iso8583::FrameReader reader(t.framing());
    reader.feed(out.frame);
    auto frame = reader.next();
    REQUIRE((frame && frame->has_value()));
    auto message = iso8583::decode(t.dialect(), (*frame)->body);
    REQUIRE(message.has_value());
    return std::move(*message);
}

}  // namespace

TEST_CASE("The check value of docs/wire.md: unwrapped MAK and UnionPay MAC") {
    const TerminalKey tmk = *TerminalKey::parse_hex("70F2A84CCBC2AE8625CBB0F2C22AB923");
    const Bytes encrypted_mak = *iso8583::parse_hex("96D605EA176B7E9E");
    const TerminalKey mak = *TerminalKey::parse_hex("C24A8FB57AA20123");
    const auto unwrapped = tmk.unwrap(encrypted_mak, mak.check_value());
    REQUIRE(unwrapped.has_value());
    const Bytes message = *iso8583::parse_hex(
        "0200302004C020C0981100000000000000005100183402100006324392260009942820D13121011200843931363638383031"
        "34303030"
        "303030303030303030303030313536ACF46E73838A82F92600000000000000000822000001");
    const hsm::Mac mac = unwrapped->mac({hsm::MacAlgorithm::unionpay_ecb, hsm::MacPadding::zeros}, message);
    CHECK(iso8583::as_text(mac) == "72489CAC");
    auto wrong = mak.check_value();
    wrong[3] ^= 1;
    CHECK_FALSE(tmk.unwrap(encrypted_mak, wrong).has_value());
    CHECK_FALSE(TerminalKey::parse_hex("0011").has_value());
}

TEST_CASE("Sign-on installs keys and batch; a wrong check value is a breach") {
    Terminal t(config_of(TerminalProfile::unionpay_pos));
    CHECK_FALSE(t.has_keys());
    const Outgoing sent = t.sign_on(at);
    CHECK(decoded(t, sent).get(Field::reserved_private_60) == "00000000003");
    CHECK_FALSE(decoded(t, sent).mac_field().has_value());
    const Host host(t);
    auto bad = iso8583::decode(t.dialect(), host.signed_on(sent).body)->values();
    std::string keys(bad.get(Field::reserved_private_62));
    keys[39] = static_cast<char>(keys[39] ^ 1);
    bad.set(Field::reserved_private_62, keys);
    CHECK(breach_of(t.receive(sent, host.framed(bad, false))) == "DE62: a key's check value differs");
    CHECK_FALSE(t.has_keys());
    REQUIRE(t.receive(sent, host.signed_on(sent)).has_value());
    CHECK(t.has_keys());
    CHECK(t.batch().value() == 42);
}

TEST_CASE("Requests carry what docs/wire.md asks for") {
    const auto fields = [](const iso8583::Message& m) {
        std::string list;
        for (int n = 2; n <= 128; ++n)
            if (m.has(iso8583::field(n))) list += (list.empty() ? "" : " ") + std::to_string(n);
        return list;
    };
    Terminal u = ready_terminal(TerminalProfile::unionpay_pos);
    const Outgoing sale = u.sale(card, 10'000, at);
    CHECK(fields(decoded(u, sale)) == "2 3 4 11 22 25 41 42 49 60 64");
    CHECK(decoded(u, sale).get(Field::reserved_private_60) == "2200004200050");
    const auto paid = u.receive(sale, Host(u).framed(Host(u).reply_to(sale, "00")));
    REQUIRE(paid.has_value());
    const Receipt receipt = *paid->receipt;
    CHECK(receipt.authorization == "A1B2C3");
    CHECK(receipt.date == "1122");

    const iso8583::Message undo = decoded(u, u.void_sale(receipt, at));
    CHECK(fields(undo) == "2 3 4 11 22 25 37 38 41 42 49 60 61 64");
    CHECK(undo.get(Field::reserved_private_61) == "000042" + sale.stan.str() + "1122");
    const iso8583::Message refund = decoded(u, u.refund(receipt, 4'000, at));
    CHECK(refund.mti() == iso8583::Mti::of(220));
    CHECK(fields(refund) == "2 3 4 11 22 25 37 38 41 42 49 60 61 64");
    CHECK(refund.get(Field::reserved_private_61) == "0000000000001122");
    const iso8583::Message reversal = decoded(u, u.reversal(sale, "98", at));
    CHECK(fields(reversal) == "2 3 4 11 22 25 39 41 42 49 60 64");
    CHECK(reversal.get(Field::stan) == sale.stan.str());
    CHECK(decoded(u, u.echo(at)).mti() == iso8583::Mti::of(820));

    Terminal i = ready_terminal(TerminalProfile::iso87_ascii);
    const Outgoing iso_sale = i.sale(card, 10'000, at);
    CHECK(fields(decoded(i, iso_sale)) == "2 3 4 7 11 12 13 22 25 41 42 49 64");
    CHECK(decoded(i, iso_sale).get(Field::local_date) == "1122");
    const iso8583::Message iso_reversal = decoded(i, i.reversal(iso_sale, "98", at));
    CHECK(fields(iso_reversal) == "2 3 4 7 11 12 13 22 25 39 41 42 49 90 128");
    CHECK(iso_reversal.get(Field::original_data) ==
          "0200" + iso_sale.stan.str() + "1121214752" + std::string(22, '0'));
    CHECK(i.again(iso_sale).frame == iso_sale.frame);
    CHECK(decoded(i, i.again(iso_sale, true)).mti() == iso8583::Mti::of(201));
}

TEST_CASE("A PIN travels as a format 0 block under the working key") {
    Terminal u = ready_terminal(TerminalProfile::unionpay_pos);
    SaleOptions options;
    options.pin = "1234";
    const iso8583::Message m = decoded(u, u.sale(card, 100, at, options));
    const std::string block = m.get(Field::pin_data);
    const Bytes expected = TerminalKey::parse_hex(test_pik)->pin_block("1234", card);
    CHECK(block == iso8583::as_text(expected));
}

TEST_CASE("A reply in order is taken; every breach of the wire is named") {
    struct Row {
        const char* breach;
        std::function<void(FieldValues&)> spoil;
    };
    const Row both[] = {
        {"", [](FieldValues&) {}},
        {"MTI 0230 answers 0200", [](FieldValues& r) { r.set_mti(iso8583::Mti::of(230)); }},
        {"DE2 is in a reply", [](FieldValues& r) { r.set(Field::pan, "6212345678900000003"); }},
        {"DE4 comes back with other content",
         [](FieldValues& r) { r.set(Field::amount_transaction, "000000010001"); }},
        {"DE11 comes back with other content", [](FieldValues& r) { r.set(Field::stan, "999999"); }},
        {"DE41 is not echoed", [](FieldValues& r) { r.erase(Field::terminal); }},
        {"DE49 is not echoed", [](FieldValues& r) { r.erase(Field::currency_transaction); }},
        {"DE37 is missing", [](FieldValues& r) { r.erase(Field::rrn); }},
        {"DE38 of an approved sale is missing", [](FieldValues& r) { r.erase(Field::authorization_code); }},
        {"DE39 is missing", [](FieldValues& r) { r.erase(Field::response_code); }},
    };
    const Row unionpay_only[] = {
        {"DE15 is missing", [](FieldValues& r) { r.erase(Field::settlement_date); }},
        {"DE60 comes back with other content",
         [](FieldValues& r) { r.set(Field::reserved_private_60, "2200004300050"); }},
    };
    for (TerminalProfile profile : {TerminalProfile::unionpay_pos, TerminalProfile::iso87_ascii}) {
        Terminal t = ready_terminal(profile);
        const Outgoing sent = t.sale(card, 10'000, at);
        const Host host(t);
        const auto judge = [&](const Row& row) {
            FieldValues r = host.reply_to(sent, "00");
            row.spoil(r);
            const auto outcome = t.receive(sent, host.framed(r));
            CHECK(breach_of(outcome).find(row.breach) != std::string::npos);
            CHECK(outcome.has_value() == (*row.breach == '\0'));
        };
        for (const Row& row : both) judge(row);
        if (profile == TerminalProfile::unionpay_pos)
            for (const Row& row : unionpay_only) judge(row);

        CHECK(breach_of(t.receive(sent, host.framed(host.reply_to(sent, "00"), false))) ==
              "the MAC is missing");
        CHECK(breach_of(t.receive(sent, host.framed(host.reply_to(sent, "00"), true, test_pik))) ==
              "the MAC is wrong");
        CHECK(breach_of(t.receive(sent, {{}, {}, Bytes{1, 2, 3}})).find("does not decode") !=
              std::string::npos);
    }
}

TEST_CASE("Refusals are outcomes: what a refusal may leave out it may leave out") {
    struct Row {
        const char* code;
        bool rrn, mac, fine;
    };
    Terminal t = ready_terminal(TerminalProfile::unionpay_pos);
    const Outgoing sent = t.sale(card, 10'000, at);
    const Host host(t);
    for (const Row& row : {Row{"51", true, true, true},
                           {"51", false, true, false},
                           {"51", true, false, false},
                           {"97", false, false, true},
                           {"77", false, false, true},
                           {"03", false, true, true},
                           {"A0", false, true, false},
                           {"A0", false, false, true},
                           {"94", false, true, true},
                           {"96", false, true, true},
                           {"30", false, true, true},
                           {"01", true, true, false}}) {
        CAPTURE(row.code, row.rrn, row.mac);
        FieldValues r = host.reply_to(sent, row.code);
        if (!row.rrn) r.erase(Field::rrn);
        const auto outcome = t.receive(sent, host.framed(r, row.mac));
        CHECK(outcome.has_value() == row.fine);
        if (outcome) CHECK_FALSE(outcome->approved());
    }
    FieldValues held = host.reply_to(sent, "01");
    held.set(Field::additional_response_data, "C7");
    const auto outcome = t.receive(sent, host.framed(held));
    REQUIRE(outcome.has_value());
    CHECK(outcome->text() == "C7");
}

TEST_CASE("TPDU and header come back as they should") {
    Terminal t = ready_terminal(TerminalProfile::unionpay_pos);
    const Outgoing sent = t.sale(card, 10'000, at);
    const Host host(t);
    Frame frame = host.framed(host.reply_to(sent, "00"));
    frame.header[2] = static_cast<std::uint8_t>((frame.header[2] & 0xF0) | 3);  // sign on again
    CHECK(t.receive(sent, frame).has_value());
    frame.header[2] = static_cast<std::uint8_t>((frame.header[2] & 0xF0) | 5);
    CHECK(breach_of(t.receive(sent, frame)) == "the processing requirement is neither 0 nor 3");
    frame = host.framed(host.reply_to(sent, "00"));
    frame.header[5] ^= 1;
    CHECK(breach_of(t.receive(sent, frame)) == "the header is not the request's");
    frame = host.framed(host.reply_to(sent, "00"));
    frame.tpdu = *iso8583::parse_hex("6000010002");
    CHECK(breach_of(t.receive(sent, frame)) == "the TPDU is not the swapped one");
}

TEST_CASE("A reply comes under the key of its request, also after a newer sign-on") {
    Terminal t = ready_terminal(TerminalProfile::unionpay_pos);
    const Outgoing before = t.sale(card, 10'000, at);
    const Host host(t);
    const Outgoing again = t.sign_on(at);
    constexpr const char* newer_mak = "52525252525252525757575757575757";
    REQUIRE(t.receive(again, host.signed_on(again, newer_mak)).has_value());
    CHECK(breach_of(t.receive(before, host.framed(host.reply_to(before, "00"), true, newer_mak))) ==
          "the MAC is wrong");
    CHECK(t.receive(before, host.framed(host.reply_to(before, "00"))).has_value());
    const Outgoing retry = t.again(before);
    CHECK(retry.frame != before.frame);
    CHECK(t.receive(retry, host.framed(host.reply_to(retry, "00"), true, newer_mak)).has_value());
}

TEST_CASE("Totals follow what was approved, voided and reversed, and the batch ends with its settlement") {
    for (TerminalProfile profile : {TerminalProfile::unionpay_pos, TerminalProfile::iso87_ascii}) {
        Terminal t = ready_terminal(profile);
        const Host host(t);
        const auto run = [&](const Outgoing& sent, const char* code) {
            auto outcome = t.receive(sent, host.framed(host.reply_to(sent, code)));
            REQUIRE(outcome.has_value());
            return *outcome;
        };
        const Receipt first = *run(t.sale(card, 10'000, at), "00").receipt;
        const Outgoing second = t.sale(card, 700, at);
        run(second, "00");
        run(t.sale(card, 5'000, at), "51");
        run(t.refund(first, 4'000, at), "00");
        CHECK(t.totals() == TerminalTotals{10'700, 2, 4'000, 1});
        run(t.reversal(second, "98", at), "00");
        CHECK(t.totals() == TerminalTotals{10'000, 1, 4'000, 1});
        const Receipt third = *run(t.sale(card, 900, at), "00").receipt;
        const Outgoing undo = t.void_sale(third, at);
        run(undo, "00");
        CHECK(t.totals() == TerminalTotals{10'900, 2, 4'900, 2});
        run(t.reversal(undo, "98", at), "00");
        CHECK(t.totals() == TerminalTotals{10'900, 2, 4'000, 1});

        const Outgoing settle = t.settlement(t.totals(), at);
        FieldValues r = host.reply_to(settle, "00");
        if (profile == TerminalProfile::unionpay_pos) {
            CHECK(decoded(t, settle).get(Field::additional_data).substr(0, 31) ==
                  "0000000109000020000000040000010");
            std::string totals(settle.fields.get(Field::additional_data));
            totals[30] = '1';
            totals[61] = '2';  // what it has of foreign cards it does not know by itself
            r.set(Field::additional_data, totals);
            const auto differs = t.receive(settle, host.framed(r));
            REQUIRE(differs.has_value());
            CHECK(differs->needs_upload);
            CHECK(t.totals() == TerminalTotals{10'900, 2, 4'000, 1});
            totals[61] = '1';
            r.set(Field::additional_data, totals);
            std::string private_60(r.get(Field::reserved_private_60));
            r.set(Field::reserved_private_60, private_60.replace(2, 6, "000043"));
        } else {
            CHECK(decoded(t, settle).get(Field::net_settlement_amount) == "D0000000000006900");
            r.set(Field::settlement_code, "1");
        }
        REQUIRE(t.receive(settle, host.framed(r)).has_value());
        CHECK(t.totals() == TerminalTotals{});
        if (profile == TerminalProfile::unionpay_pos) CHECK(t.batch().value() == 43);
    }
}

TEST_CASE("Terminal and STAN of a frame on a shared connection") {
    Terminal t = ready_terminal(TerminalProfile::iso87_ascii);
    const Outgoing sent = t.sale(card, 100, at);
    const auto address = Terminal::address(t.dialect(), Host(t).framed(Host(t).reply_to(sent, "00")));
    REQUIRE(address.has_value());
    CHECK(address->terminal.view() == "20000001");
    CHECK(address->stan == sent.stan);
    CHECK(address->mti == iso8583::Mti::of(210));
    CHECK_FALSE(Terminal::address(t.dialect(), {{}, {}, Bytes{'x'}}).has_value());
}
