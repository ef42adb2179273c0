// Terminal: one POS terminal in either profile, for tests, simulator, bench and demo. It builds requests,
// keeps its keys, batch and totals, and judges every reply by docs/wire.md on its own: nothing of the
// switch's session code is used, so that an error there is not repeated here.
//
// No I/O, no clock: time is an argument, frames go in and out as bytes. One request at a time per real
// terminal, but nothing here stops a test from having several under way. One thread. A reply that breaks a
// rule of the wire is an error with every breach named; a refusal (DE39 other than 00) is an outcome like any
// other. Source: docs/wire.md.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/port.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/values/amount.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/pan.hpp"
#include "iso8583/values/time_fields.hpp"
#include "tests/peers/terminal_key.hpp"

namespace peers {

enum class TerminalProfile : std::uint8_t { unionpay_pos, iso87_ascii };

struct TerminalConfig {
    TerminalProfile profile = TerminalProfile::unionpay_pos;
    iso8583::TerminalId terminal;
    iso8583::MerchantId merchant;
    iso8583::Currency currency = iso8583::Currency::of(156);
    std::int32_t local_offset_s = 8 * 3600;
    iso8583::Stan first_stan = iso8583::Stan::of(1);
    // unionpay_pos
    std::string tmk_hex;               // in clear
    std::string key_download = "003";  // DE60.3 of the sign-on: 001, 003, 004
    std::string tpdu_hex = "6000010002";
    std::string header_hex = "603100311234";  // processing requirement is the 6th digit (docs/wire.md)
    // iso87_ascii
    std::string tak_hex;
    std::string tpk_hex;  // empty: no PINs
    /// Nothing: ecb in unionpay_pos, retail in iso87_ascii.
    std::optional<hsm::MacProfile> mac;
    bool refund_by_advice = false;  // 0220 instead of 0200
};

enum class Transaction : std::uint8_t {
    sign_on,
    sign_off,
    echo,
    sale,
    refund,
    void_sale,
    authorization,
    void_authorization,
    completion,
    reversal,
    settlement,
    batch_upload,
    batch_upload_end
};
std::string_view name(Transaction transaction);
/// How a completion is asked for: 0200 (DE60.1 = 20), or 0220 (24; the one way of iso87_ascii).
enum class CompletionBy : std::uint8_t { request, advice };

/// What the terminal prints and keeps of an approved sale or refund: enough to refund, void or reverse it.
struct Receipt {
    iso8583::Pan pan;
    std::string order_number;  // of a wallet's sale, which has no PAN
    std::int64_t amount = 0;   // minor units
    iso8583::Rrn rrn;
    std::string authorization;  // DE38, may be empty
    iso8583::Stan stan;
    iso8583::BatchNumber batch;
    std::string date;  // DE13 of the reply, MMDD
    iso8583::TransmissionTime transmission;
    iso8583::TerminalId terminal;
    bool is_completion = false;  // its void has DE60.1 = 21
};

/// A request on its way, kept until its reply.
struct Outgoing {
    Transaction transaction = Transaction::sale;
    iso8583::FieldValues fields;  // without the MAC
    iso8583::Bytes frame;         // what goes on the wire
    iso8583::Stan stan;
    std::int64_t amount = 0;
    iso8583::Pan pan;
    std::uint32_t mac_key_version = 0;  // which MAK it was sent under; 0: no MAC
    /// Of a reversal: what it reverses.
    Transaction reversed = Transaction::sale;
    iso8583::Stan reversed_stan;
};

/// What the reply said, after it was found to be in order.
struct Outcome {
    iso8583::Mti mti;
    iso8583::ResponseCode code;
    bool has_mac = false;
    iso8583::FieldValues fields;
    /// For sale, refund, void with DE37.
    std::optional<Receipt> receipt;
    /// Of a settlement (unionpay-pos): a half of DE48 is not balanced, so that the batch waits for its
    /// upload.
    bool needs_upload = false;
    [[nodiscard]] bool approved() const { return code.view() == "00" || code.view() == "10"; }
    [[nodiscard]] std::string text() const {
        return std::string(fields.get(iso8583::Field::additional_response_data));
    }
};
/// Every breach in one sentence, joined by "; ".
struct WireBreach {
    std::string what;
};
using OutcomeResult = iso8583::Result<Outcome, WireBreach>;

/// Settlement totals: a debit is a sale or completion, a credit a refund or void of one; reversed sales are
/// in neither, and so are authorizations and their voids.
struct TerminalTotals {
    std::int64_t debit_amount = 0, debit_count = 0, credit_amount = 0, credit_count = 0;
    friend bool operator==(const TerminalTotals&, const TerminalTotals&) = default;
};

struct SaleOptions {
    std::string pin;  // empty: none
    std::string entry_mode = "021";
    std::string expiration;  // DE14 YYMM
    std::string track2;
    iso8583::Bytes icc_data;   // DE55
    bool omit_pan = false;     // track 2 only
    bool partial = false;      // DE60.6 = 1: takes a partial approval (R26)
    std::string payment_code;  // of a wallet, in place of a card: DE59 or DE48
};

class Terminal {
  public:
    /// ENSUREs that keys and digits of the configuration are well formed: it is the test's own.
    explicit Terminal(TerminalConfig config);

    [[nodiscard]] const TerminalConfig& config() const { return config_; }
    [[nodiscard]] const iso8583::Dialect& dialect() const { return *dialect_; }
    [[nodiscard]] iso8583::FramingSpec framing() const;
    /// unionpay_pos: after a good 0810; iso87_ascii: always.
    [[nodiscard]] bool has_keys() const { return mac_key_version_ != 0; }
    [[nodiscard]] iso8583::BatchNumber batch() const { return batch_; }
    [[nodiscard]] TerminalTotals totals() const;

    Outgoing sign_on(iso8583::UtcTime now);
    Outgoing sign_off(iso8583::UtcTime now);
    Outgoing echo(iso8583::UtcTime now);
    Outgoing sale(const iso8583::Pan& pan, std::int64_t amount, iso8583::UtcTime now,
                  const SaleOptions& options = {});
    Outgoing refund(const Receipt& sale, std::int64_t amount, iso8583::UtcTime now);
    Outgoing void_sale(const Receipt& sale, iso8583::UtcTime now);
    // terminal_authorizations.cpp
    Outgoing authorization(const iso8583::Pan& pan, std::int64_t amount, iso8583::UtcTime now,
                           const SaleOptions& options = {});
    Outgoing void_authorization(const Receipt& authorization, iso8583::UtcTime now);
    Outgoing completion(const Receipt& authorization, std::int64_t amount, CompletionBy by,
                        iso8583::UtcTime now);
    /// Of a sale, void or refund that got no answer or a bad one; reason is DE39: 98, 96, A0, 06.
    Outgoing reversal(const Outgoing& original, std::string_view reason, iso8583::UtcTime now);
    /// Of a part of a sale (DE95, iso87_ascii): this amount is left of it.
    Outgoing partial_reversal(const Outgoing& sale, std::int64_t left, iso8583::UtcTime now);
    Outgoing settlement(const TerminalTotals& totals, iso8583::UtcTime now);
    Outgoing batch_upload_end(std::int64_t records, iso8583::UtcTime now);
    /// The same request once more: same fields, the MAC under the newest key. With `repeat_mti` as x..1.
    Outgoing again(const Outgoing& sent, bool repeat_mti = false);
    /// For tests that need a wrong message: encodes and MACs `fields` as they are.
    Outgoing custom(Transaction transaction, iso8583::FieldValues fields, bool with_mac = true);

    /// The MAC over these bytes under the newest key; nothing before the terminal has one.
    [[nodiscard]] std::optional<hsm::Mac> mac_of(iso8583::ByteView covered) const;
    /// Is this the MAC over these bytes under any key it holds?
    [[nodiscard]] bool verifies(iso8583::ByteView covered, std::string_view mac) const;

    /// Judges a reply to `sent`, and when it is in order takes over keys, batch number and totals.
    OutcomeResult receive(const Outgoing& sent, const iso8583::Frame& reply);

    /// Terminal and STAN of a frame, to find the request it answers on a shared connection.
    struct Address {
        iso8583::TerminalId terminal;
        iso8583::Stan stan;
        iso8583::Mti mti;
    };
    static std::optional<Address> address(const iso8583::Dialect& dialect, const iso8583::Frame& frame);

  private:
    struct MacKey {
        std::uint32_t version = 0;
        TerminalKey key;
    };
    struct Booked {
        Transaction transaction;
        std::int64_t amount;
    };
    [[nodiscard]] bool is_unionpay() const { return config_.profile == TerminalProfile::unionpay_pos; }
    /// What a void or completion says of its authorization.
    void name_authorization(iso8583::FieldValues& fields, const Receipt& authorization) const;
    iso8583::FieldValues start(iso8583::Mti mti, iso8583::Stan stan, iso8583::UtcTime now) const;
    void set_means(iso8583::FieldValues& fields, const Receipt& sale) const;
    [[nodiscard]] iso8583::Field wallet_field() const;
    void set_private_60(iso8583::FieldValues& fields, std::string_view type, std::string_view network) const;
    Outgoing finish(Transaction transaction, iso8583::FieldValues fields, bool with_mac);
    void encode_frame(Outgoing& out) const;
    iso8583::Stan take_stan();
    [[nodiscard]] hsm::MacProfile mac_profile() const;

    [[nodiscard]] const TerminalKey* mac_key(std::uint32_t version) const;
    void check_frame(const iso8583::Frame& reply, std::string& breaches) const;
    void check_fields(const Outgoing& sent, const iso8583::Message& reply, std::string& breaches) const;
    void check_mac(const Outgoing& sent, const iso8583::Message& reply, std::string& breaches) const;
    void take_over(const Outgoing& sent, Outcome& outcome, std::string& breaches);
    void take_back(const Outgoing& reversal);
    void install_working_keys(std::string_view private_62, std::string& breaches);

    static constexpr std::size_t mac_keys_max = 16;  // the newest; a reply comes under the key of its request

    TerminalConfig config_;
    const iso8583::Dialect* dialect_;
    iso8583::Bytes tpdu_, header_;
    std::optional<TerminalKey> tmk_;
    std::optional<TerminalKey> pin_key_;
    std::deque<MacKey> mac_keys_;
    std::uint32_t mac_key_version_ = 0;
    iso8583::BatchNumber batch_;
    iso8583::Stan next_stan_;
    std::map<std::uint32_t, Booked> booked_;  // of the open batch, by STAN
};

}  // namespace peers
