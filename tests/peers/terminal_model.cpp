// The requests. What the terminal thinks of the replies is in terminal_replies.cpp.
#include "tests/peers/terminal_model.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/ensure.hpp"

namespace peers {

using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;

std::string_view name(Transaction transaction) {
    switch (transaction) {
        case Transaction::sign_on:
            return "sign-on";
        case Transaction::sign_off:
            return "sign-off";
        case Transaction::echo:
            return "echo";
        case Transaction::sale:
            return "sale";
        case Transaction::refund:
            return "refund";
        case Transaction::void_sale:
            return "void";
        case Transaction::authorization:
            return "authorization";
        case Transaction::void_authorization:
            return "void of an authorization";
        case Transaction::completion:
            return "completion";
        case Transaction::reversal:
            return "reversal";
        case Transaction::settlement:
            return "settlement";
        case Transaction::batch_upload:
            return "batch upload";
        case Transaction::batch_upload_end:
            return "batch upload end";
    }
    return "?";
}

namespace {

iso8583::Bytes own_hex(const std::string& hex, std::size_t bytes) {
    auto parsed = iso8583::parse_hex(hex);
    ENSURE(parsed.has_value() && parsed->size() == bytes);
    return *parsed;
}

std::string_view message_type_60(Transaction transaction) {
    switch (transaction) {
        case Transaction::sale:
            return "22";
        case Transaction::void_sale:
            return "23";
        case Transaction::refund:
            return "25";
        default:
            return "00";
    }
}

std::string digits(std::int64_t value, int width) {
    ENSURE(value >= 0);
    return fmt::format("{:0{}}", value, width);
}

}  // namespace

Terminal::Terminal(TerminalConfig config)
    : config_(std::move(config)),
      dialect_(iso8583::find_dialect(is_unionpay() ? "unionpay-pos" : "iso87-ascii")),
      next_stan_(config_.first_stan) {
    ENSURE(dialect_ != nullptr);
    if (is_unionpay()) {
        tpdu_ = own_hex(config_.tpdu_hex, 5);
        header_ = own_hex(config_.header_hex, 6);
        auto tmk = TerminalKey::parse_hex(config_.tmk_hex);
        ENSURE(tmk.has_value());
        tmk_.emplace(std::move(*tmk));
        return;
    }
    auto tak = TerminalKey::parse_hex(config_.tak_hex);
    ENSURE(tak.has_value());
    mac_keys_.push_back({++mac_key_version_, std::move(*tak)});
    if (config_.tpk_hex.empty()) return;
    auto tpk = TerminalKey::parse_hex(config_.tpk_hex);
    ENSURE(tpk.has_value());
    pin_key_.emplace(std::move(*tpk));
}

iso8583::FramingSpec Terminal::framing() const {
    iso8583::FramingSpec spec;
    spec.tpdu = is_unionpay();
    spec.header_bytes = is_unionpay() ? 6 : 0;
    return spec;
}

TerminalTotals Terminal::totals() const {
    TerminalTotals t;
    for (const auto& [stan, booked] : booked_) {
        const bool debit =
            booked.transaction == Transaction::sale || booked.transaction == Transaction::completion;
        (debit ? t.debit_amount : t.credit_amount) += booked.amount;
        ++(debit ? t.debit_count : t.credit_count);
    }
    return t;
}

iso8583::Stan Terminal::take_stan() {
    const iso8583::Stan stan = next_stan_;
    const std::uint32_t next = stan.value() == iso8583::Stan::value_max ? 1 : stan.value() + 1;
    next_stan_ = iso8583::Stan::of(next);
    return stan;
}

FieldValues Terminal::start(Mti mti, iso8583::Stan stan, iso8583::UtcTime now) const {
    FieldValues fields(mti);
    fields.set(Field::stan, stan.str());
    fields.set(Field::terminal, config_.terminal.view());
    fields.set(Field::merchant, config_.merchant.view());
    if (!is_unionpay()) {
        const iso8583::CivilTime local = iso8583::civil_from_utc(now, config_.local_offset_s);
        fields.set(Field::transmission_time, iso8583::TransmissionTime::from_utc(now).str());
        fields.set(Field::local_time, local.hhmmss());
        fields.set(Field::local_date, local.date.mmdd());
    }
    return fields;
}

void Terminal::set_private_60(FieldValues& fields, std::string_view type, std::string_view network) const {
    if (!is_unionpay()) return;
    std::string content = std::string(type) + batch_.str() + std::string(network);
    // 60.4 and 60.5 (chip reader, normal) only go with transactions.
    if (type != "00") content += "50";
    fields.set(Field::reserved_private_60, content);
}

Outgoing Terminal::sign_on(iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(800), take_stan(), now);
    set_private_60(fields, "00", config_.key_download);
    if (is_unionpay()) fields.set(Field::reserved_private_63, "01 ");
    if (!is_unionpay()) fields.set(Field::network_management_code, "001");
    return finish(Transaction::sign_on, std::move(fields), false);
}

Outgoing Terminal::sign_off(iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(is_unionpay() ? 820 : 800), take_stan(), now);
    set_private_60(fields, "00", "002");
    if (!is_unionpay()) fields.set(Field::network_management_code, "002");
    return finish(Transaction::sign_off, std::move(fields), false);
}

Outgoing Terminal::echo(iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(is_unionpay() ? 820 : 800), take_stan(), now);
    set_private_60(fields, "00", "301");
    if (!is_unionpay()) fields.set(Field::network_management_code, "301");
    return finish(Transaction::echo, std::move(fields), false);
}

Field Terminal::wallet_field() const { return is_unionpay() ? iso8583::field(59) : Field::additional_data; }

/// What goes back: the card, or the order number of a wallet's slip.
void Terminal::set_means(FieldValues& fields, const Receipt& sale) const {
    const bool wallet = sale.pan.empty() || !sale.order_number.empty();
    fields.set(Field::pos_entry_mode, wallet ? "031" : "021");
    if (wallet && sale.order_number.empty()) return;  // its sale had no answer: the RRN names it
    if (wallet)
        fields.set(wallet_field(), iso8583::tagged_text("A4", sale.order_number));
    else
        fields.set(Field::pan, sale.pan.reveal());
}

Outgoing Terminal::sale(const iso8583::Pan& pan, std::int64_t amount, iso8583::UtcTime now,
                        const SaleOptions& options) {
    FieldValues fields = start(Mti::of(200), take_stan(), now);
    const bool wallet = !options.payment_code.empty();
    if (!options.omit_pan && !wallet) fields.set(Field::pan, pan.reveal());
    if (wallet) fields.set(wallet_field(), iso8583::tagged_text("A3", options.payment_code));
    fields.set(Field::processing_code, "000000");
    fields.set(Field::amount_transaction, digits(amount, 12));
    if (!options.expiration.empty()) fields.set(Field::expiration_date, options.expiration);
    fields.set(Field::pos_entry_mode, wallet ? "031" : options.entry_mode);
    fields.set(Field::pos_condition_code, "00");
    fields.set(Field::currency_transaction, config_.currency.str());
    set_private_60(fields, message_type_60(Transaction::sale), "000");
    if (is_unionpay() && options.partial)
        fields.set(Field::reserved_private_60, std::string(fields.get(Field::reserved_private_60)) + "1");
    if (!options.track2.empty()) fields.set(Field::track2, options.track2);
    if (!options.icc_data.empty()) fields.set(Field::icc_data, iso8583::as_text(options.icc_data));
    if (!options.pin.empty()) {
        ENSURE(pin_key_.has_value());
        const iso8583::Bytes block = pin_key_->pin_block(options.pin, pan);
        fields.set(Field::pin_data, iso8583::as_text(block));
        fields.set(Field::pin_capture_code, "12");
        fields.set(Field::security_control, "2600000000000000");
    }
    Outgoing out = finish(Transaction::sale, std::move(fields), true);
    out.pan = pan;
    return out;
}

Outgoing Terminal::refund(const Receipt& sale, std::int64_t amount, iso8583::UtcTime now) {
    const bool advice = is_unionpay() || config_.refund_by_advice;
    FieldValues fields = start(Mti::of(advice ? 220 : 200), take_stan(), now);
    set_means(fields, sale);
    fields.set(Field::processing_code, "200000");
    fields.set(Field::amount_transaction, digits(amount, 12));
    fields.set(Field::pos_condition_code, "00");
    fields.set(Field::rrn, sale.rrn.view());
    if (!sale.authorization.empty()) fields.set(Field::authorization_code, sale.authorization);
    fields.set(Field::currency_transaction, config_.currency.str());
    set_private_60(fields, message_type_60(Transaction::refund), "000");
    // The sale may be of another terminal and batch: only its date counts (docs/wire.md, Matching).
    if (is_unionpay()) fields.set(Field::reserved_private_61, "000000000000" + sale.date);
    Outgoing out = finish(Transaction::refund, std::move(fields), true);
    out.pan = sale.pan;
    return out;
}

Outgoing Terminal::void_sale(const Receipt& sale, iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(200), take_stan(), now);
    set_means(fields, sale);
    fields.set(Field::processing_code, is_unionpay() ? "200000" : "020000");
    fields.set(Field::amount_transaction, digits(sale.amount, 12));
    fields.set(Field::pos_condition_code, "00");
    fields.set(Field::rrn, sale.rrn.view());
    if (!sale.authorization.empty()) fields.set(Field::authorization_code, sale.authorization);
    fields.set(Field::currency_transaction, config_.currency.str());
    set_private_60(fields, sale.is_completion ? "21" : message_type_60(Transaction::void_sale), "000");
    if (is_unionpay()) fields.set(Field::reserved_private_61, sale.batch.str() + sale.stan.str() + sale.date);
    Outgoing out = finish(Transaction::void_sale, std::move(fields), true);
    out.pan = sale.pan;
    return out;
}

Outgoing Terminal::reversal(const Outgoing& original, std::string_view reason, iso8583::UtcTime now) {
    // The UnionPay reversal carries its original's DE11; the ISO one has its own and names the original in
    // DE90.
    FieldValues fields = start(Mti::of(400), is_unionpay() ? original.stan : take_stan(), now);
    for (const Field f :
         {Field::pan, Field::processing_code, Field::amount_transaction, Field::pos_entry_mode,
          Field::card_sequence_number, Field::pos_condition_code, Field::currency_transaction,
          Field::reserved_private_60, Field::rrn, wallet_field()})
        if (original.fields.has(f)) fields.set(f, original.fields.get(f));
    if (is_unionpay()) fields.erase(Field::rrn);
    const bool has_original_in_61 = original.transaction == Transaction::void_sale ||
                                    original.transaction == Transaction::void_authorization ||
                                    original.transaction == Transaction::completion;
    if (is_unionpay() && has_original_in_61)
        fields.set(Field::reserved_private_61, original.fields.get(Field::reserved_private_61));
    fields.set(Field::response_code, reason);
    if (!is_unionpay())
        fields.set(Field::original_data, original.fields.mti().str() + original.stan.str() +
                                             std::string(original.fields.get(Field::transmission_time)) +
                                             std::string(22, '0'));
    Outgoing out = finish(Transaction::reversal, std::move(fields), true);
    out.pan = original.pan;
    out.reversed = original.transaction;
    out.reversed_stan = original.stan;
    return out;
}

Outgoing Terminal::partial_reversal(const Outgoing& sale, std::int64_t left, iso8583::UtcTime now) {
    ENSURE(!is_unionpay());
    Outgoing whole = reversal(sale, "32", now);
    FieldValues fields = whole.fields;
    fields.set(Field::replacement_amounts, digits(left, 12) + digits(0, 12) + "C00000000C00000000");
    Outgoing out = finish(Transaction::reversal, std::move(fields), true);
    out.pan = whole.pan;
    out.reversed = whole.reversed;
    out.reversed_stan = whole.reversed_stan;
    return out;
}

Outgoing Terminal::settlement(const TerminalTotals& t, iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(500), take_stan(), now);
    fields.set(Field::currency_transaction, config_.currency.str());
    if (is_unionpay()) {
        set_private_60(fields, "00", "201");
        const std::string domestic = digits(t.debit_amount, 12) + digits(t.debit_count, 3) +
                                     digits(t.credit_amount, 12) + digits(t.credit_count, 3) + "0";
        fields.set(Field::additional_data, domestic + std::string(31, '0'));
        return finish(Transaction::settlement, std::move(fields), true);
    }
    fields.set(Field::credits_number, digits(t.credit_count, 10));
    fields.set(Field::credits_reversal_number, digits(0, 10));
    fields.set(Field::debits_number, digits(t.debit_count, 10));
    fields.set(Field::debits_reversal_number, digits(0, 10));
    fields.set(Field::credits_amount, digits(t.credit_amount, 16));
    fields.set(Field::credits_reversal_amount, digits(0, 16));
    fields.set(Field::debits_amount, digits(t.debit_amount, 16));
    fields.set(Field::debits_reversal_amount, digits(0, 16));
    const std::int64_t net = t.credit_amount - t.debit_amount;
    fields.set(Field::net_settlement_amount, (net < 0 ? "D" : "C") + digits(net < 0 ? -net : net, 16));
    return finish(Transaction::settlement, std::move(fields), true);
}

Outgoing Terminal::batch_upload_end(std::int64_t records, iso8583::UtcTime now) {
    FieldValues fields = start(Mti::of(320), take_stan(), now);
    set_private_60(fields, "00", "207");
    fields.set(Field::additional_data, digits(records, 4));
    return finish(Transaction::batch_upload_end, std::move(fields), true);
}

Outgoing Terminal::again(const Outgoing& sent, bool repeat_mti) {
    Outgoing out = sent;
    if (repeat_mti) out.fields.set_mti(sent.fields.mti().repeat());
    if (out.mac_key_version != 0) out.mac_key_version = mac_key_version_;
    encode_frame(out);
    return out;
}

Outgoing Terminal::custom(Transaction transaction, FieldValues fields, bool with_mac) {
    return finish(transaction, std::move(fields), with_mac);
}

Outgoing Terminal::finish(Transaction transaction, FieldValues fields, bool with_mac) {
    Outgoing out;
    out.transaction = transaction;
    out.fields = std::move(fields);
    const auto stan = iso8583::Stan::parse(out.fields.get(Field::stan));
    if (stan) out.stan = *stan;
    const auto amount =
        iso8583::Amount::parse_field(out.fields.get(Field::amount_transaction), config_.currency);
    if (amount) out.amount = amount->minor_units();
    out.mac_key_version = with_mac ? mac_key_version_ : 0;
    encode_frame(out);
    return out;
}

void Terminal::encode_frame(Outgoing& out) const {
    FieldValues fields = out.fields;
    const TerminalKey* key = mac_key(out.mac_key_version);
    if (key != nullptr) {
        bool secondary = false;
        fields.for_each([&secondary](Field f, std::string_view) { secondary |= iso8583::number(f) > 64; });
        static constexpr char zeros[8] = {};
        fields.set(secondary ? Field::mac_secondary : Field::mac_primary,
                   std::string_view(zeros, sizeof zeros));
    }
    auto encoded = iso8583::encode(*dialect_, fields);
    ENSURE(encoded.has_value());
    if (key != nullptr) {
        iso8583::write_mac(*dialect_, *encoded, key->mac(mac_profile(), encoded->mac_input()));
    }
    out.frame.clear();
    iso8583::write_frame(framing(), {tpdu_, header_, std::move(encoded->body)}, out.frame);
}

std::optional<hsm::Mac> Terminal::mac_of(iso8583::ByteView covered) const {
    const TerminalKey* key = mac_key(mac_key_version_);
    if (key == nullptr) return std::nullopt;
    return key->mac(mac_profile(), covered);
}

bool Terminal::verifies(iso8583::ByteView covered, std::string_view mac) const {
    return std::any_of(mac_keys_.begin(), mac_keys_.end(), [&](const MacKey& k) {
        const hsm::Mac right = k.key.mac(mac_profile(), covered);
        return mac == iso8583::as_text(right);
    });
}

hsm::MacProfile Terminal::mac_profile() const {
    const hsm::MacAlgorithm usual =
        is_unionpay() ? hsm::MacAlgorithm::unionpay_ecb : hsm::MacAlgorithm::retail;
    return config_.mac.value_or(hsm::MacProfile{usual, hsm::MacPadding::zeros});
}

const TerminalKey* Terminal::mac_key(std::uint32_t version) const {
    for (const MacKey& k : mac_keys_)
        if (k.version == version) return &k.key;
    return nullptr;
}

}  // namespace peers
