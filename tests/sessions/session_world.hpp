// What session tests share: an HSM engine that answers asks when the test says so, a configuration with one
// terminal of each kind, and messages of their peers.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/test_keys.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/values/ensure.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/terminal_keys.hpp"
#include "switch/sessions/outgoing_frames.hpp"

namespace session_test {

using acquirer::HsmAsk;
using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;

inline constexpr std::string_view unionpay_terminal = "10000001";
inline constexpr std::string_view unionpay_merchant = "898110157220001";
inline constexpr std::string_view iso_terminal = "20000001";
inline constexpr std::string_view iso_merchant = "898110157220002";
inline constexpr std::string_view card = "6212345678900000003";

/// Counts up: enough for keys of a test, and the same every time.
class CountingRandom final : public iso8583::RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) {
            ++state_;
            byte = static_cast<std::uint8_t>(state_ * 37 + (state_ >> 8));
        }
    }

  private:
    std::uint32_t state_ = 0;
};

/// The HSM behind the sessions: holds what was asked until the test lets it answer, in the order the test
/// likes.
class HsmDesk {
  public:
    hsm::Reply perform(const hsm::Request& request) { return engine_.perform(request); }

    template <typename Session>
    void collect(Session& session) {
        for (HsmAsk& ask : session.take_asks()) asked_.push_back(std::move(ask));
    }
    /// Answers everything the session asks until it asks no more.
    template <typename Session>
    void answer_all(Session& session, const iso8583::Now& now) {
        for (collect(session); !asked_.empty(); collect(session)) answer(session, 0, now);
    }
    template <typename Session>
    void answer(Session& session, std::size_t which, const iso8583::Now& now) {
        const HsmAsk ask = take(which);
        session.hsm_answered(ask.ticket, engine_.perform(ask.request), now);
    }
    template <typename Session>
    void fail(Session& session, std::size_t which, hsm::HsmFault fault, const iso8583::Now& now) {
        session.hsm_answered(take(which).ticket, tl::unexpected(fault), now);
    }
    [[nodiscard]] std::size_t asked() const { return asked_.size(); }

    acquirer::TerminalKeyVersion new_terminal_keys(std::uint32_t version,
                                                   hsm::MacAlgorithm mac = hsm::MacAlgorithm::unionpay_ecb) {
        hsm::GenerateTerminalKeys wanted{*hsm::KeyBlock::parse(hsm::test_keys::tmk)};
        wanted.mac = mac;
        const hsm::Reply reply = engine_.perform(wanted);
        ENSURE(reply.has_value());
        const auto& keys = std::get<hsm::TerminalKeysGenerated>(*reply);
        return {version, keys.pin_key.under_lmk, keys.mac_key.under_lmk, 0};
    }
    hsm::Mac mac(hsm::KeyKind kind, const hsm::KeyBlock& key, hsm::MacProfile profile,
                 iso8583::ByteView data) {
        const hsm::Reply reply =
            engine_.perform(hsm::GenerateMac{kind, key, profile, {data.begin(), data.end()}});
        ENSURE(reply.has_value());
        return std::get<hsm::MacGenerated>(*reply).mac;
    }

  private:
    HsmAsk take(std::size_t which) {
        ENSURE(which < asked_.size());
        HsmAsk ask = std::move(asked_[which]);
        asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(which));
        return ask;
    }

    CountingRandom random_;
    hsm::HsmEngine engine_{hsm::Lmk::test(), random_};
    std::deque<HsmAsk> asked_;
};

inline const iso8583::Dialect& dialect(std::string_view name) {
    const iso8583::Dialect* found = iso8583::find_dialect(name);
    ENSURE(found != nullptr);
    return *found;
}

inline constexpr hsm::MacProfile unionpay_mac{hsm::MacAlgorithm::unionpay_ecb, hsm::MacPadding::zeros};
inline constexpr hsm::MacProfile retail_mac{hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};

inline acquirer::ConfigurationPtr configuration() {
    auto config = std::make_shared<acquirer::Configuration>();
    config->currency = iso8583::Currency::of(156);
    acquirer::TerminalRange unionpay;
    unionpay.first = 10000001;
    unionpay.last = 10000999;
    unionpay.merchant = *iso8583::MerchantId::parse(unionpay_merchant);
    unionpay.profile = acquirer::Profile::unionpay_pos;
    unionpay.mac = unionpay_mac;
    unionpay.tmk = *hsm::KeyBlock::parse(hsm::test_keys::tmk);
    acquirer::TerminalRange iso;
    iso.first = 20000001;
    iso.last = 20000999;
    iso.merchant = *iso8583::MerchantId::parse(iso_merchant);
    iso.profile = acquirer::Profile::iso87;
    iso.mac = retail_mac;
    iso.tak = *hsm::KeyBlock::parse(hsm::test_keys::tak);
    iso.tpk = *hsm::KeyBlock::parse(hsm::test_keys::tpk);
    config->terminals = {unionpay, iso};
    return config;
}

inline iso8583::Now at_ms(std::int64_t ms) {
    return {iso8583::Instant{ms}, iso8583::UtcTime{1'795'000'000'000 + ms}, 8 * 3600};
}

/// A message as a peer sends it: encoded, with a MAC under `key` when one is given, framed.
struct PeerMac {
    hsm::KeyKind kind = hsm::KeyKind::tak;
    hsm::KeyBlock key;
    hsm::MacProfile profile;
};
inline iso8583::EncodedMessage encoded(HsmDesk& hsm, const iso8583::Dialect& how, FieldValues fields,
                                       const PeerMac* mac) {
    if (mac != nullptr) {
        bool secondary = false;
        fields.present().for_each([&](int n) { secondary = secondary || n > 64; });
        fields.set(secondary ? Field::mac_secondary : Field::mac_primary, std::string(8, '\0'));
    }
    auto message = iso8583::encode(how, fields);
    ENSURE(message.has_value());
    if (mac != nullptr)
        iso8583::write_mac(how, *message, hsm.mac(mac->kind, mac->key, mac->profile, message->mac_input()));
    return std::move(*message);
}
inline iso8583::Bytes framed(const iso8583::Dialect& how, iso8583::Bytes body) {
    iso8583::Frame frame;
    if (how.framing().tpdu) frame.tpdu = *iso8583::parse_hex("6001020304");
    if (how.framing().header_bytes == 6) frame.header = *iso8583::parse_hex("603100311000");
    frame.body = std::move(body);
    iso8583::Bytes out;
    iso8583::write_frame(how.framing(), frame, out);
    return out;
}

/// A UnionPay refund of 60.00 with everything wire.md asks for.
inline FieldValues unionpay_refund(std::string_view stan = "000002") {
    FieldValues f(Mti::of(220));
    f.set(Field::pan, card);
    f.set(Field::processing_code, "200000");
    f.set(Field::amount_transaction, "000000006000");
    f.set(Field::stan, stan);
    f.set(Field::pos_entry_mode, "021");
    f.set(Field::pos_condition_code, "00");
    f.set(Field::rrn, "632500000001");
    f.set(Field::terminal, unionpay_terminal);
    f.set(Field::merchant, unionpay_merchant);
    f.set(Field::currency_transaction, "156");
    f.set(Field::reserved_private_60, "25000001000");
    f.set(Field::reserved_private_61, "0000000000001121");
    return f;
}
inline FieldValues unionpay_sign_on() {
    FieldValues f(Mti::of(800));
    f.set(Field::stan, "000001");
    f.set(Field::terminal, unionpay_terminal);
    f.set(Field::merchant, unionpay_merchant);
    f.set(Field::reserved_private_60, "00000001003");
    return f;
}
inline FieldValues iso_sale() {
    FieldValues f(Mti::of(200));
    f.set(Field::pan, "4111111111111111");
    f.set(Field::processing_code, "000000");
    f.set(Field::amount_transaction, "000000010000");
    f.set(Field::transmission_time, "1121140000");
    f.set(Field::stan, "000007");
    f.set(Field::pos_entry_mode, "021");
    f.set(Field::terminal, iso_terminal);
    f.set(Field::merchant, iso_merchant);
    f.set(Field::currency_transaction, "156");
    return f;
}

/// Cuts what a session has sent into frames and takes the bytes away.
inline std::vector<iso8583::Frame> sent_frames(const iso8583::Dialect& how, iso8583::Bytes& outbox) {
    iso8583::FrameReader reader(how.framing());
    reader.feed(outbox);
    outbox.clear();
    std::vector<iso8583::Frame> frames;
    for (auto next = reader.next(); next; next = reader.next()) {
        ENSURE(next->has_value());
        frames.push_back(std::move(**next));
    }
    ENSURE(reader.at_boundary());
    return frames;
}
inline iso8583::Message decoded(const iso8583::Dialect& how, const iso8583::Bytes& body) {
    auto message = iso8583::decode(how, body);
    ENSURE(message.has_value());
    return std::move(*message);
}
inline bool mac_is_right(HsmDesk& hsm, const iso8583::Message& message, const PeerMac& mac) {
    const auto field = message.mac_field();
    if (!field) return false;
    const hsm::Mac want = hsm.mac(mac.kind, mac.key, mac.profile, message.mac_input());
    const std::string got = message.get(*field);
    return got.size() == want.size() && std::memcmp(got.data(), want.data(), want.size()) == 0;
}

}  // namespace session_test
