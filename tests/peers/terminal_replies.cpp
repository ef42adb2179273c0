// What the terminal thinks of a reply: frame, echoed fields, MAC, keys, totals.
#include <algorithm>
#include <array>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "tests/peers/terminal_model.hpp"

namespace peers {

using iso8583::Field;

namespace {

void breach(std::string& breaches, std::string what) {
    if (!breaches.empty()) breaches += "; ";
    breaches += what;
}

std::string de(Field f) { return "DE" + std::to_string(iso8583::number(f)); }

bool one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool is_network(Transaction t) {
    return t == Transaction::sign_on || t == Transaction::sign_off || t == Transaction::echo;
}
/// DE60.6 = 1: the sale may be approved in part.
bool takes_partial(const Outgoing& sent) {
    constexpr std::size_t partial_approval_at = 13;
    const std::string_view f60 = sent.fields.get(iso8583::Field::reserved_private_60);
    return sent.transaction == Transaction::sale && f60.size() > partial_approval_at &&
           f60[partial_approval_at] == '1';
}
bool is_financial(Transaction t) {
    return t == Transaction::sale || t == Transaction::refund || t == Transaction::void_sale ||
           t == Transaction::authorization || t == Transaction::void_authorization ||
           t == Transaction::completion;
}
/// Stands in the totals of its batch.
bool is_booked(Transaction t) {
    return is_financial(t) && t != Transaction::authorization && t != Transaction::void_authorization;
}
/// Replies that may put a new batch number into 60.2.
bool may_change_batch(Transaction t) {
    return t == Transaction::sign_on || t == Transaction::settlement || t == Transaction::batch_upload_end;
}

/// DE60 without 60.2, the batch number.
std::string without_batch(std::string content) {
    if (content.size() >= 8) std::fill(content.begin() + 2, content.begin() + 8, '0');
    return content;
}

}  // namespace

std::optional<Terminal::Address> Terminal::address(const iso8583::Dialect& dialect,
                                                   const iso8583::Frame& frame) {
    const auto message = iso8583::decode(dialect, frame.body);
    if (!message) return std::nullopt;
    const auto terminal = iso8583::TerminalId::parse(message->get(Field::terminal));
    const auto stan = iso8583::Stan::parse(message->get(Field::stan));
    if (!terminal || !stan) return std::nullopt;
    return Address{*terminal, *stan, message->mti()};
}

OutcomeResult Terminal::receive(const Outgoing& sent, const iso8583::Frame& reply) {
    std::string breaches;
    check_frame(reply, breaches);
    const auto message = iso8583::decode(*dialect_, reply.body);
    if (!message) {
        breach(breaches, "it does not decode: " + message.error().str());
        return tl::unexpected(WireBreach{breaches});
    }
    check_fields(sent, *message, breaches);
    check_mac(sent, *message, breaches);
    const auto code = iso8583::ResponseCode::parse(message->get(Field::response_code));
    if (!code || !breaches.empty()) {
        if (!code) breach(breaches, "DE39 is missing");
        return tl::unexpected(WireBreach{breaches});
    }
    Outcome outcome;
    outcome.mti = message->mti();
    outcome.code = *code;
    outcome.has_mac = message->mac_field().has_value();
    outcome.fields = message->values();
    take_over(sent, outcome, breaches);
    if (!breaches.empty()) return tl::unexpected(WireBreach{breaches});
    return outcome;
}

void Terminal::check_frame(const iso8583::Frame& reply, std::string& breaches) const {
    if (!is_unionpay()) return;
    if (reply.tpdu != iso8583::swapped_tpdu(tpdu_)) breach(breaches, "the TPDU is not the swapped one");
    iso8583::Bytes header = reply.header;
    if (header.size() != header_.size()) {
        breach(breaches, "the header is not 6 bytes");
        return;
    }
    // The low nibble of the third byte is the processing requirement, the only digit the switch may set.
    const int requirement = header[2] & 0x0F;
    if (requirement != 0 && requirement != 3)
        breach(breaches, "the processing requirement is neither 0 nor 3");
    header[2] = static_cast<std::uint8_t>((header[2] & 0xF0) | (header_[2] & 0x0F));
    if (header != header_) breach(breaches, "the header is not the request's");
}

void Terminal::check_fields(const Outgoing& sent, const iso8583::Message& reply,
                            std::string& breaches) const {
    const std::string code = reply.get(Field::response_code);
    if (std::optional(reply.mti()) != sent.fields.mti().response())
        breach(breaches, "MTI " + reply.mti().str() + " answers " + sent.fields.mti().str());
    for (const Field f : {Field::pan, Field::expiration_date, Field::track2, Field::track3, Field::pin_data})
        if (reply.has(f)) breach(breaches, de(f) + " is in a reply");

    constexpr Field unionpay_echo[] = {
        Field::processing_code,      Field::amount_transaction, Field::stan,
        Field::pos_condition_code,   Field::terminal,           Field::merchant,
        Field::currency_transaction, Field::reserved_private_60};
    constexpr Field iso_echo[] = {
        Field::processing_code, Field::amount_transaction, Field::transmission_time,   Field::stan,
        Field::terminal,        Field::merchant,           Field::currency_transaction};
    const auto check_echo = [&](Field f) {
        if (!sent.fields.has(f)) return;
        if (!reply.has(f)) {
            // A field that could not be read cannot come back (30).
            if (code != "30") breach(breaches, de(f) + " is not echoed");
            return;
        }
        std::string ours(sent.fields.get(f)), theirs = reply.get(f);
        if (f == Field::amount_transaction && code == "10") {
            if (!takes_partial(sent)) breach(breaches, "a partial approval that was not asked for");
            if (theirs >= ours) breach(breaches, "DE4 of a partial approval is not lower");
            return;
        }
        if (f == Field::reserved_private_60 && may_change_batch(sent.transaction)) {
            ours = without_batch(ours);
            theirs = without_batch(theirs);
        }
        if (ours != theirs) breach(breaches, de(f) + " comes back with other content");
    };
    if (is_unionpay())
        std::for_each(std::begin(unionpay_echo), std::end(unionpay_echo), check_echo);
    else
        std::for_each(std::begin(iso_echo), std::end(iso_echo), check_echo);

    if (is_network(sent.transaction)) return;
    // A function that there is not has no transaction to record either (DE3 of none that we have).
    const std::string function(sent.fields.get(Field::processing_code), 0, 2);
    const bool not_offered = code == "40" && !one_of(function, {"00", "02", "03", "20", "22"});
    const bool never_recorded =
        not_offered || one_of(code, {"30", "97", "03", "77", "A0", "63", "90", "94", "09", "96"});
    const bool needs_rrn = (is_financial(sent.transaction) && !never_recorded) ||
                           (sent.transaction == Transaction::reversal && code == "00");
    if (needs_rrn && !reply.has(Field::rrn)) breach(breaches, "DE37 is missing");
    if (is_financial(sent.transaction) && code == "00" && is_unionpay())
        for (const Field f : {Field::local_time, Field::local_date, Field::settlement_date})
            if (!reply.has(f)) breach(breaches, de(f) + " is missing");
    const bool gives_code =
        sent.transaction == Transaction::sale || sent.transaction == Transaction::authorization;
    if (gives_code && code == "00" && !reply.has(Field::authorization_code))
        breach(breaches, "DE38 of an approved sale is missing");
    if (code == "01" && reply.get(Field::additional_response_data).empty())
        breach(breaches, "the case number in DE44 is missing");
}

void Terminal::check_mac(const Outgoing& sent, const iso8583::Message& reply, std::string& breaches) const {
    if (is_network(sent.transaction)) return;
    const std::string code = reply.get(Field::response_code);
    const auto field = reply.mac_field();
    if (!field) {
        // An answer before the request's MAC was verified has none: whoever asked may be anybody.
        const bool unverified =
            sent.mac_key_version == 0 || one_of(code, {"97", "03", "77", "30", "A0", "63", "96"});
        if (!unverified) breach(breaches, "the MAC is missing");
        return;
    }
    const std::string content = reply.get(*field);
    const auto matches = [&](const TerminalKey& key) {
        const hsm::Mac mac = key.mac(mac_profile(), reply.mac_input());
        return content.size() == mac.size() &&
               std::equal(mac.begin(), mac.end(), iso8583::as_bytes(content).begin());
    };
    // With DE37 it is an issuer's word about a message of ours (R2).
    if (one_of(code, {"A0", "63"}) && !reply.has(Field::rrn))
        breach(breaches, "an answer to a MAC that did not verify has a MAC");
    // A reply comes under the key that verified its request.
    for (const MacKey& k : mac_keys_)
        if (k.version == sent.mac_key_version && matches(k.key)) return;
    breach(breaches, "the MAC is wrong");
}

void Terminal::take_over(const Outgoing& sent, Outcome& outcome, std::string& breaches) {
    const iso8583::FieldValues& f = outcome.fields;
    if (!outcome.approved()) return;
    if (sent.transaction == Transaction::sign_on && is_unionpay())
        install_working_keys(f.get(Field::reserved_private_62), breaches);
    bool batch_closed = sent.transaction == Transaction::batch_upload_end;
    if (sent.transaction == Transaction::settlement) {
        // 1 balanced, 2 not, 3 error: the last digit of each half of DE48, or DE66.
        constexpr std::size_t half_digits = 31;
        const std::string_view totals = f.get(Field::additional_data);
        const auto result_of = [&totals](std::size_t half) {
            return totals.size() == 2 * half_digits ? totals.substr((half + 1) * half_digits - 1, 1) : "";
        };
        const auto results = is_unionpay() ? std::array{result_of(0), result_of(1)}
                                           : std::array{f.get(Field::settlement_code), std::string_view("1")};
        for (const std::string_view result : results)
            if (!one_of(result, {"1", "2", "3"}))
                breach(breaches, "the settlement result is neither 1, 2 nor 3");
        outcome.needs_upload = is_unionpay() && (results[0] != "1" || results[1] != "1");
        batch_closed = !outcome.needs_upload;
    }
    if (is_unionpay() && may_change_batch(sent.transaction)) {
        const auto batch =
            iso8583::BatchNumber::parse(std::string(f.get(Field::reserved_private_60)).substr(2, 6));
        if (!batch || batch->value() == 0) {
            breach(breaches, "60.2 is no batch number");
        } else {
            batch_ = *batch;
        }
    }
    if (batch_closed) booked_.clear();
    const auto approved = iso8583::Amount::parse_field(f.get(Field::amount_transaction), config_.currency);
    const std::int64_t amount = approved ? approved->minor_units() : sent.amount;
    // The answer to a retry does not raise again what a partial reversal lowered.
    if (is_booked(sent.transaction)) booked_.try_emplace(sent.stan.value(), Booked{sent.transaction, amount});
    if (sent.transaction == Transaction::reversal) take_back(sent);

    const auto rrn = iso8583::Rrn::parse(f.get(Field::rrn));
    if (!is_financial(sent.transaction) || !rrn) return;
    Receipt receipt;
    receipt.pan = sent.pan;
    receipt.amount = amount;
    receipt.rrn = *rrn;
    receipt.authorization = std::string(f.get(Field::authorization_code));
    receipt.stan = sent.stan;
    receipt.batch = batch_;
    receipt.date = std::string(f.get(Field::local_date));
    receipt.terminal = config_.terminal;
    receipt.is_completion = sent.transaction == Transaction::completion;
    if (const auto order = iso8583::tagged_value(f.get(wallet_field()), "A4")) receipt.order_number = *order;
    const auto transmission = iso8583::TransmissionTime::parse(sent.fields.get(Field::transmission_time));
    if (transmission) receipt.transmission = *transmission;
    outcome.receipt = std::move(receipt);
}

/// All of what it reverses, or so much that DE95 is left of it; a late answer does not raise it again.
void Terminal::take_back(const Outgoing& reversal) {
    const auto booked = booked_.find(reversal.reversed_stan.value());
    if (booked == booked_.end()) return;
    const std::string left = std::string(reversal.fields.get(Field::replacement_amounts)).substr(0, 12);
    const std::int64_t left_minor = left.empty() ? 0 : std::stoll(left);
    if (left_minor == 0)
        booked_.erase(booked);
    else
        booked->second.amount = std::min(booked->second.amount, left_minor);
}

void Terminal::install_working_keys(std::string_view content, std::string& breaches) {
    const iso8583::ByteView bytes = iso8583::as_bytes(content);
    const std::size_t key_bytes = config_.key_download == "001" ? 8 : 16;
    const std::size_t keys = config_.key_download == "004" ? 3 : 2;
    constexpr std::size_t check_bytes = 4;
    if (bytes.size() != keys * (key_bytes + check_bytes)) {
        breach(breaches, "DE62 has " + std::to_string(bytes.size()) + " bytes");
        return;
    }
    const auto key_at = [&](std::size_t n) {
        const std::size_t offset = n * (key_bytes + check_bytes);
        return tmk_->unwrap(bytes.subspan(offset, key_bytes), bytes.subspan(offset + key_bytes, check_bytes));
    };
    auto pin_key = key_at(0);
    auto mac_key_value = key_at(1);
    if (!pin_key || !mac_key_value) {
        breach(breaches, "DE62: a key's check value differs");
        return;
    }
    pin_key_.emplace(std::move(*pin_key));
    mac_keys_.push_front({++mac_key_version_, std::move(*mac_key_value)});
    if (mac_keys_.size() > mac_keys_max) mac_keys_.pop_back();
}

}  // namespace peers
