// Messages in and out: MAC, network management, reconciliation, control commands.
#include "routing/issuer_sim/issuer_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/ensure.hpp"
#include "routing/issuer_sim/issuer_request.hpp"

namespace routing {

using iso8583::Field;
using iso8583::ResponseCode;

namespace {

constexpr Field echoed_fields[] = {Field::processing_code,
                                   Field::amount_transaction,
                                   Field::transmission_time,
                                   Field::stan,
                                   Field::local_time,
                                   Field::local_date,
                                   Field::acquirer_institution,
                                   Field::forwarding_institution,
                                   Field::rrn,
                                   Field::terminal,
                                   Field::merchant,
                                   Field::currency_transaction,
                                   Field::network_management_code};

hsm::Mac mac_of(std::string_view eight_bytes) {
    hsm::Mac mac{};
    std::copy(eight_bytes.begin(), eight_bytes.end(), mac.begin());
    return mac;
}

}  // namespace

std::optional<std::string> check_issuer(const IssuerConfig& config) {
    if (config.dialect == nullptr) return "a dialect is needed";
    if (config.zak.empty()) return "a ZAK is needed";
    if (config.mac.algorithm != hsm::MacAlgorithm::retail &&
        config.mac.algorithm != hsm::MacAlgorithm::aes_cmac)
        return "the MAC is retail or AES-CMAC";
    if (config.switch_time_out_ms == 0 || config.switch_time_out_ms > 1'000 * command_seconds_max)
        return "the switch's time-out is between a millisecond and a day";
    if (auto wrong = check_wallet(config.wallet)) return wrong;
    return check_faults(config.faults);
}

IssuerModel::IssuerModel(IssuerConfig config, hsm::HsmEngine& engine)
    : config_(std::move(config)),
      engine_(engine),
      chance_(config_.seed),
      authorizations_(config_.authorizations_used) {
    ENSURE(!check_issuer(config_).has_value());
    for (auto& request : verify_) request = hsm::VerifyMac{hsm::KeyKind::zak, {}, config_.mac, {}, {}};
    for (auto& request : generate_) request = hsm::GenerateMac{hsm::KeyKind::zak, {}, config_.mac, {}};
    put_zak(key_current, config_.zak);
}

void IssuerModel::on_frame(iso8583::Bytes& body, iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    answer_key_.reset();
    if (const auto error = iso8583::decode_into(*config_.dialect, body, message_)) {
        answer_malformed(*error, actions);
        return;
    }
    const iso8583::Mti mti = message_.mti();
    const int message_class = mti.message_class();
    const bool known = mti.is_request() && (message_class == 1 || message_class == 2 || message_class == 4 ||
                                            message_class == 5 || message_class == 8);
    const bool answers_us = message_class == 8 && mti.is_response() && own_key_change_;
    if (!known && !answers_us) {
        ++stats_.unexpected;
        return;
    }
    answer_key_ = verified_by();
    // Who makes a MAC with the key that we offered has it, whatever became of the 0810.
    if (answer_key_ == key_offered) {
        take_over_own_key();
        answer_key_ = key_current;
    }
    if (answers_us) {
        on_key_change_answer();
        return;
    }
    if (message_class == 8) {
        on_network(actions);
        return;
    }
    if (!answer_key_) {
        ++stats_.mac_wrong;
        answer_key_ = key_current;
        refuse("63", actions);
        return;
    }
    if (message_class == 5) {
        on_reconciliation(actions);
    } else if (message_class == 4) {
        on_reversal(now, actions);
    } else {
        on_financial(now, actions);
    }
}

void IssuerModel::answer_malformed(const iso8583::CodecError& error, std::vector<IssuerAction>& actions) {
    ++stats_.malformed;
    const bool answerable = error.kind != iso8583::CodecError::Kind::bad_mti && message_.mti().is_request() &&
                            message_.has(Field::stan);
    if (!answerable) {
        actions.emplace_back(CloseLink{});
        return;
    }
    answer_key_ = key_current;
    refuse("30", actions);
}

void IssuerModel::on_network(std::vector<IssuerAction>& actions) {
    ++stats_.network;
    const std::string code = message_.get(Field::network_management_code);
    // A request without a MAC is answered without one; one with a wrong MAC is refused.
    if (message_.mac_field() && !answer_key_) {
        ++stats_.mac_wrong;
        refuse("63", actions);
        return;
    }
    // 001 sign-on, 002 sign-off, 301 echo; cut-over (201) is the switch's own affair.
    const bool known = code == "001" || code == "002" || code == "201" || code == "301";
    if (code == "161") {
        std::string check_value;
        start_answer(on_key_change(check_value));
        if (!check_value.empty()) answer_.set(Field::additional_data, check_value);
        send({}, actions);
        return;
    }
    if (code == "001") signed_on_ = true;
    if (code == "002") signed_on_ = false;
    start_answer(ResponseCode::of(known ? "00" : "40"));
    send({}, actions);
}

void IssuerModel::on_reconciliation(std::vector<IssuerAction>& actions) {
    const auto since = [](const IssuerBooks::Total& total, IssuerBooks::Total& last) {
        const IssuerBooks::Total difference{total.count - last.count, total.amount - last.amount};
        return difference;
    };
    const auto booked = [&](EffectKind k) {
        return since(books_.booked(k), reconciled_[static_cast<std::size_t>(k)]);
    };
    const auto reversed = [&](EffectKind k) {
        return since(books_.reversed(k), reconciled_reversed_[static_cast<std::size_t>(k)]);
    };
    const IssuerBooks::Total debits = booked(EffectKind::sale);
    const IssuerBooks::Total refunds = booked(EffectKind::refund), voids = booked(EffectKind::void_of_sale);
    const IssuerBooks::Total debits_back = reversed(EffectKind::sale);
    const IssuerBooks::Total refunds_back = reversed(EffectKind::refund);
    const IssuerBooks::Total voids_back = reversed(EffectKind::void_of_sale);
    struct Row {
        Field field;
        std::int64_t ours;
    };
    bool balanced = true;
    for (const Row& row : {Row{Field::credits_number, refunds.count + voids.count},
                           {Field::credits_reversal_number, refunds_back.count + voids_back.count},
                           {Field::debits_number, debits.count},
                           {Field::debits_reversal_number, debits_back.count},
                           {Field::credits_amount, refunds.amount + voids.amount},
                           {Field::credits_reversal_amount, refunds_back.amount + voids_back.amount},
                           {Field::debits_amount, debits.amount},
                           {Field::debits_reversal_amount, debits_back.amount}})
        balanced = balanced && digits_value(message_.get(row.field)) == row.ours;
    for (std::size_t k = 0; k < effect_kinds; ++k) {
        reconciled_[k] = books_.booked(static_cast<EffectKind>(k));
        reconciled_reversed_[k] = books_.reversed(static_cast<EffectKind>(k));
    }
    start_answer(ResponseCode::of("00"));
    answer_.set(Field::settlement_code, balanced ? "1" : "2");
    send({}, actions);
}

std::optional<std::size_t> IssuerModel::verified_by() {
    const auto field = message_.mac_field();
    if (!field) return std::nullopt;
    const std::string content = message_.get(*field);
    if (content.size() != hsm::Mac{}.size()) return std::nullopt;
    const iso8583::ByteView covered = message_.mac_input();
    for (std::size_t k = 0; k < verify_.size(); ++k) {
        auto& verify = std::get<hsm::VerifyMac>(verify_[k]);
        if (verify.key.empty()) continue;
        verify.data.assign(covered.begin(), covered.end());
        verify.mac = mac_of(content);
        const hsm::Reply reply = engine_.perform(verify_[k]);
        if (reply && std::get<hsm::MacVerified>(*reply).matches) return k;
    }
    return std::nullopt;
}

void IssuerModel::start_answer(ResponseCode code) {
    const auto response = message_.mti().response();
    ENSURE(response.has_value());  // on_message() has closed the link for what is no request
    answer_.clear(*response);
    for (const Field field : echoed_fields)
        if (message_.has(field)) answer_.set(field, message_.get(field));
    answer_.set(Field::response_code, code.view());
    ++(code.view() == "00" ? stats_.approved : stats_.refused);
}

void IssuerModel::refuse(std::string_view code, std::vector<IssuerAction>& actions) {
    start_answer(ResponseCode::of(code));
    send({}, actions);
}

void IssuerModel::send(const Behaviour& behaviour, std::vector<IssuerAction>& actions) {
    using Kind = Behaviour::Kind;
    if (behaviour.kind == Kind::close_link) {
        actions.emplace_back(CloseLink{});
        return;
    }
    if (behaviour.kind == Kind::silent && behaviour.delay_ms == 0) return;
    if (behaviour.kind == Kind::another_amount) {
        std::int64_t amount = digits_value(message_.get(Field::amount_transaction));
        amount += amount == iso8583::Amount::minor_units_max ? -1 : 1;
        answer_.set(Field::amount_transaction, fmt::format("{:012}", amount));
    }
    send_once(behaviour, actions);
    if (behaviour.kind == Kind::twice) send_once(behaviour, actions);
}

void IssuerModel::send_once(const Behaviour& behaviour, std::vector<IssuerAction>& actions) {
    if (encode_with_mac(behaviour.kind == Behaviour::Kind::bad_mac))
        actions.emplace_back(SendAnswer{encoded_.body, behaviour.delay_ms + latency_ms()});
    else
        actions.emplace_back(CloseLink{});
}

/// answer_ into encoded_, with a MAC when there is a key for it. What we echo was decoded by the same table,
/// so only a table without DE38, 39 or 64 makes this fail, or an HSM that does.
bool IssuerModel::encode_with_mac(bool bad_mac) {
    if (answer_key_) {
        bool secondary = false;
        answer_.for_each([&secondary](Field f, std::string_view) { secondary |= iso8583::number(f) > 64; });
        static constexpr char zeros[8] = {};
        answer_.set(secondary ? Field::mac_secondary : Field::mac_primary, std::string_view(zeros, 8));
    }
    if (iso8583::encode_into(*config_.dialect, answer_, encoded_)) return false;
    if (!answer_key_) return true;
    hsm::Request& request = generate_[*answer_key_];
    const iso8583::ByteView covered = encoded_.mac_input();
    std::get<hsm::GenerateMac>(request).data.assign(covered.begin(), covered.end());
    const hsm::Reply reply = engine_.perform(request);
    if (!reply) return false;
    hsm::Mac mac = std::get<hsm::MacGenerated>(*reply).mac;
    if (bad_mac) mac[0] ^= 0xFF;
    iso8583::write_mac(*config_.dialect, encoded_, mac);
    return true;
}

std::uint32_t IssuerModel::latency_ms() {
    const IssuerFaults& f = config_.faults;
    if (f.latency_ms_max == f.latency_ms_min) return f.latency_ms_min;
    return f.latency_ms_min + chance_.below(f.latency_ms_max - f.latency_ms_min + 1);
}

std::string IssuerModel::on_control(std::string_view line, iso8583::UtcTime now,
                                    std::vector<IssuerAction>& actions) {
    auto command = parse_control(line, config_.switch_time_out_ms + 1'000);
    if (!command) return "error: " + command.error().what;
    switch (command->kind) {
        case ControlCommand::Kind::next:
            if (next_.size() >= pending_commands_max) return "error: 64 commands are waiting already";
            next_.push_back(*command);
            return "ok";
        case ControlCommand::Kind::link_drop:
            actions.emplace_back(CloseAllLinks{});
            return "ok";
        case ControlCommand::Kind::books:
            return books_json();
        case ControlCommand::Kind::key_change:
            return offer_key(command->key, now, actions);
        case ControlCommand::Kind::keys:
            return keys_json();
        case ControlCommand::Kind::processing:
            if (config_.kind != IssuerKind::wallet) return "error: processing: this issuer is no wallet";
            config_.wallet.processing_polls = command->polls;
            return "ok";
        case ControlCommand::Kind::discount:
            if (config_.kind != IssuerKind::wallet) return "error: discount: this issuer is no wallet";
            config_.wallet.discount = command->discount;
            return "ok";
        case ControlCommand::Kind::close_account:
            return change_account(*command);
        case ControlCommand::Kind::faults_off:
            config_.faults = {};
            next_.clear();
            return "ok";
        case ControlCommand::Kind::latency:
            config_.faults.latency_ms_min = command->latency_ms_min;
            config_.faults.latency_ms_max = command->latency_ms_max;
            return "ok";
    }
    return "error: unknown command";
}

}  // namespace routing
