#include "routing/issuer_sim/issuer_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/ensure.hpp"
#include "iso8583/values/pan.hpp"

namespace routing {

using iso8583::Field;
using iso8583::ResponseCode;

/// What every 01xx, 02xx and 04xx says of itself.
struct IssuerModel::Request {
    iso8583::Mti mti;
    RequestKey key;
    EffectKind kind = EffectKind::sale;
    std::int64_t amount = 0;
    std::uint16_t currency = 0;
    iso8583::TerminalId terminal;
    iso8583::MerchantId merchant;
    std::optional<std::array<char, 4>> pan_last4;
    std::optional<RequestKey> original;  // DE90, with the request's own DE37
};

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

std::optional<EffectKind> kind_of(std::string_view processing_code) {
    const std::string_view type = processing_code.substr(0, 2);
    if (type == "00") return EffectKind::sale;
    if (type == "20") return EffectKind::refund;
    if (type == "02") return EffectKind::void_of_sale;
    return std::nullopt;
}

/// DE90: MTI 4, STAN 6, DE7 10, acquirer 11, forwarder 11.
std::optional<RequestKey> parse_original(std::string_view de90, iso8583::Rrn rrn) {
    if (de90.size() != 42) return std::nullopt;
    const auto stan = iso8583::Stan::parse(de90.substr(4, 6));
    const auto transmission = iso8583::TransmissionTime::parse(de90.substr(10, 10));
    if (!stan || !transmission) return std::nullopt;
    return RequestKey{*stan, *transmission, rrn};
}

std::int64_t digits_value(std::string_view digits) {
    std::int64_t v = 0;
    for (char c : digits) v = v * 10 + (c - '0');
    return v;
}

hsm::Mac mac_of(std::string_view eight_bytes) {
    hsm::Mac mac{};
    std::copy(eight_bytes.begin(), eight_bytes.end(), mac.begin());
    return mac;
}

/// The n-th authorization code. No two are equal: the multiplier has no factor in common with 1,000,000, and
/// beyond a million codes begin with a letter.
iso8583::AuthorizationCode authorization_code(std::uint32_t n) {
    constexpr std::uint64_t million = 1'000'000;
    std::string text(6, '0');
    if (n < million) {
        text = fmt::format("{:06}", (n * 611'953ULL + 271'828ULL) % million);
    } else {
        static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        std::uint32_t rest = n - static_cast<std::uint32_t>(million);
        for (std::size_t i = text.size() - 1; i > 0; --i, rest /= 36) text[i] = digits[rest % 36];
        text[0] = static_cast<char>('A' + rest % 26);
    }
    return *iso8583::AuthorizationCode::parse(text);
}

void append_json_text(std::string& out, std::string_view text) {
    for (char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
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
    return check_faults(config.faults);
}

IssuerModel::IssuerModel(IssuerConfig config, hsm::HsmEngine& engine)
    : config_(std::move(config)),
      engine_(engine),
      chance_(config_.seed),
      authorizations_(config_.authorizations_used) {
    ENSURE(!check_issuer(config_).has_value());
    for (auto& request : verify_)
        request = hsm::VerifyMac{hsm::KeyKind::zak, config_.zak, config_.mac, {}, {}};
    for (auto& request : generate_)
        request = hsm::GenerateMac{hsm::KeyKind::zak, config_.zak, config_.mac, {}};
}

void IssuerModel::install_zak(hsm::KeyBlock zak) {
    verify_[1] = verify_[0];
    generate_[1] = generate_[0];
    has_previous_zak_ = true;
    std::get<hsm::VerifyMac>(verify_[0]).key = zak;
    std::get<hsm::GenerateMac>(generate_[0]).key = zak;
    config_.zak = std::move(zak);
}

void IssuerModel::on_frame(iso8583::Bytes& body, iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    answer_key_.reset();
    if (const auto error = iso8583::decode_into(*config_.dialect, body, message_)) {
        answer_malformed(*error, actions);
        return;
    }
    const iso8583::Mti mti = message_.mti();
    const int message_class = mti.message_class();
    const bool known = !mti.is_response() && (message_class == 1 || message_class == 2 ||
                                              message_class == 4 || message_class == 5 || message_class == 8);
    if (!known) {
        ++stats_.unexpected;
        return;
    }
    answer_key_ = verified_by();
    if (message_class == 8) {
        on_network(actions);
        return;
    }
    if (!answer_key_) {
        ++stats_.mac_wrong;
        answer_key_ = KeyUsed::current;
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
    const bool answerable = error.kind != iso8583::CodecError::Kind::bad_mti &&
                            !message_.mti().is_response() && message_.has(Field::stan);
    if (!answerable) {
        actions.emplace_back(CloseLink{});
        return;
    }
    answer_key_ = KeyUsed::current;
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

/// DE48: "ZAK" or "ZPK", then the key under the ZMK as host commands write it; the answer's DE48 is its KCV.
/// The request's MAC has to be right: who could not make one before may not give us a key.
ResponseCode IssuerModel::on_key_change(std::string& check_value) {
    const std::string content = message_.get(Field::additional_data);
    const std::string kind = content.substr(0, 3);
    if (config_.zmk.empty()) return ResponseCode::of("40");
    if (!answer_key_) return ResponseCode::of("63");
    if ((kind != "ZAK" && kind != "ZPK") || content.size() <= 3) return ResponseCode::of("30");
    const hsm::Reply reply = engine_.perform(hsm::ImportZoneKey{
        kind == "ZAK" ? hsm::KeyKind::zak : hsm::KeyKind::zpk, config_.zmk, content.substr(3)});
    if (!reply) return ResponseCode::of("12");
    const auto& key = std::get<hsm::ZoneKey>(*reply);
    check_value = iso8583::to_hex(key.kcv);
    if (kind == "ZPK") {
        config_.zpk = key.under_lmk;
    } else {
        install_zak(key.under_lmk);
        // The answer still goes under the key that verified the request, which is the previous one now.
        answer_key_ = KeyUsed::previous;
    }
    return ResponseCode::of("00");
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

std::optional<IssuerModel::Request> IssuerModel::read_request() const {
    Request r;
    r.mti = message_.mti();
    const bool is_reversal = r.mti.message_class() == 4;
    const auto stan = iso8583::Stan::parse(message_.get(Field::stan));
    const auto transmission = iso8583::TransmissionTime::parse(message_.get(Field::transmission_time));
    const std::string amount = message_.get(Field::amount_transaction);
    const auto currency = iso8583::Currency::parse(message_.get(Field::currency_transaction));
    const auto terminal = iso8583::TerminalId::parse(message_.get(Field::terminal));
    const auto merchant = iso8583::MerchantId::parse(message_.get(Field::merchant));
    const std::string processing_code = message_.get(Field::processing_code);
    const bool has_rrn = message_.has(Field::rrn);
    const auto rrn = iso8583::Rrn::parse(message_.get(Field::rrn));
    if (!stan || !transmission || !terminal || !merchant || !currency || amount.size() != 12 ||
        processing_code.size() != 6 || (has_rrn && !rrn) || (!has_rrn && !is_reversal))
        return std::nullopt;
    r.key = {*stan, *transmission, has_rrn ? *rrn : iso8583::Rrn{}};
    r.amount = digits_value(amount);
    r.currency = currency->numeric();
    r.terminal = *terminal;
    r.merchant = *merchant;
    if (message_.has(Field::pan)) {
        const std::string pan = message_.get(Field::pan);
        if (pan.size() < iso8583::Pan::digits_min) return std::nullopt;
        r.pan_last4.emplace();
        std::copy(pan.end() - 4, pan.end(), r.pan_last4->begin());
    }
    if (message_.has(Field::original_data)) {
        r.original = parse_original(message_.get(Field::original_data), r.key.rrn);
        if (!r.original) return std::nullopt;
    }
    if (is_reversal) {
        r.kind = EffectKind::reversal;
        return r.original ? std::optional(r) : std::nullopt;
    }
    const auto kind = kind_of(processing_code);
    if (!kind) return std::nullopt;
    r.kind = *kind;
    return r;
}

BookEntry IssuerModel::new_entry(const Request& r) const {
    BookEntry e;
    e.kind = r.kind;
    e.currency = r.currency;
    e.key = r.key;
    e.amount = r.amount;
    e.terminal = r.terminal;
    e.merchant = r.merchant;
    if (r.pan_last4) e.pan_last4 = *r.pan_last4;
    return e;
}

Behaviour IssuerModel::choose_behaviour(EffectKind kind, std::int64_t amount, bool is_advice) {
    for (auto command = next_.begin(); command != next_.end(); ++command) {
        if (command->of && *command->of != kind) continue;
        const Behaviour behaviour = command->behaviour;
        next_.erase(command);
        return behaviour;
    }
    const std::uint32_t late_ms = config_.switch_time_out_ms + 1'000;
    Behaviour behaviour = behaviour_of_amount(amount, is_advice, late_ms);
    // Reversals are always answered, whatever their amount; only the tries of an advice count there too.
    if (kind == EffectKind::reversal && behaviour.kind != Behaviour::Kind::busy) behaviour = {};
    if (behaviour.kind != Behaviour::Kind::normal) return behaviour;
    return behaviour_by_chance(config_.faults, chance_, late_ms);
}

void IssuerModel::on_financial(iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    ++stats_.requests;
    const auto request = read_request();
    if (!request) {
        refuse("30", actions);
        return;
    }
    BookEntry* entry = books_.find_request(request->key);
    const bool is_new = entry == nullptr;
    if (is_new) {
        if (books_.full()) {
            refuse("96", actions);
            return;
        }
        entry = &books_.add(new_entry(*request));
    }
    const bool is_tombstone = entry->state == BookEntry::State::tombstone;
    if (!is_new && !is_tombstone && (entry->kind != request->kind || entry->amount != request->amount)) {
        books_.note(Anomaly::content_changed);
        refuse("94", actions);
        return;
    }
    const Behaviour behaviour = choose_behaviour(request->kind, request->amount, request->mti.is_advice());
    if (entry->tries < 0xFF) ++entry->tries;
    if (is_tombstone) {
        entry->code = ResponseCode::of("12");
    } else if (entry->state == BookEntry::State::undecided) {
        decide(*request, *entry, behaviour, now, actions);
    }
    const bool undecided = entry->state == BookEntry::State::undecided;
    start_answer(undecided ? ResponseCode::of("96") : entry->code);
    if (!undecided && !entry->authorization.empty())
        answer_.set(Field::authorization_code, entry->authorization.view());
    send(behaviour, actions);
}

void IssuerModel::decide(const Request& request, BookEntry& entry, const Behaviour& behaviour,
                         iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    using State = BookEntry::State;
    if (behaviour.kind == Behaviour::Kind::busy && entry.tries <= busy_tries) return;
    entry.state = State::declined;
    if (behaviour.kind == Behaviour::Kind::decline) {
        entry.code = behaviour.code;
        return;
    }
    if (!pin_block_is_sound()) {
        entry.code = ResponseCode::of("55");
        return;
    }
    entry.code = ResponseCode::of("00");
    entry.authorization = authorization_code(authorizations_++);
    BookEntry* original =
        request.original ? books_.find_original(*request.original, request.merchant) : nullptr;
    books_.book(entry, original == &entry ? nullptr : original);
    journal(entry, now, actions);
}

bool IssuerModel::pin_block_is_sound() {
    if (!message_.has(Field::pin_data) || config_.zpk.empty()) return true;
    std::string digits = message_.get(Field::pan);
    if (digits.empty()) {
        digits = message_.get(Field::track2);
        digits.resize(std::min(digits.find_first_of("=D"), digits.size()));
    }
    auto pan = iso8583::Pan::parse(digits);
    iso8583::zeroise(digits.data(), digits.size());
    if (!pan) return false;
    const std::string block = message_.get(Field::pin_data);
    // A translation to the same key and format succeeds only for a block that is sound and of this card.
    hsm::TranslatePin translate{hsm::KeyKind::zpk,
                                config_.zpk,
                                config_.zpk,
                                config_.pin_block_format,
                                config_.pin_block_format,
                                iso8583::Bytes(block.begin(), block.end()),
                                *pan};
    return engine_.perform(hsm::Request(std::move(translate))).has_value();
}

void IssuerModel::on_reversal(iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    ++stats_.requests;
    const auto request = read_request();
    if (!request) {
        refuse("30", actions);
        return;
    }
    BookEntry* entry = books_.find_reversal(request->key);
    if (entry == nullptr) {
        if (books_.full()) {
            refuse("96", actions);
            return;
        }
        entry = &books_.add(new_entry(*request));
    }
    const Behaviour behaviour =
        choose_behaviour(EffectKind::reversal, request->amount, request->mti.is_advice());
    if (entry->tries < 0xFF) ++entry->tries;
    const bool busy = behaviour.kind == Behaviour::Kind::busy && entry->tries <= busy_tries;
    ResponseCode code = entry->code;
    if (entry->state == BookEntry::State::undecided && !busy) {
        if (behaviour.kind == Behaviour::Kind::decline) {
            entry->state = BookEntry::State::declined;
            entry->code = code = behaviour.code;
        } else {
            code = reverse(*request, *entry, now, actions);
        }
    }
    start_answer(code.empty() ? ResponseCode::of("96") : code);
    send(behaviour, actions);
}

ResponseCode IssuerModel::reverse(const Request& request, BookEntry& entry, iso8583::UtcTime now,
                                  std::vector<IssuerAction>& actions) {
    using State = BookEntry::State;
    const auto decide_as = [&entry](const char* code, State state) {
        entry.state = state;
        return entry.code = ResponseCode::of(code);
    };
    BookEntry* original = books_.find_original(*request.original, request.merchant);
    if (original == nullptr || original->state == State::undecided || original->state == State::tombstone) {
        decide_as("25", State::declined);
        const ResponseCode not_found = entry.code;
        if (original != nullptr) {
            books_.turn_into_tombstone(*original);
        } else if (!books_.full()) {
            BookEntry tombstone;
            tombstone.key = *request.original;
            tombstone.state = State::tombstone;
            tombstone.merchant = request.merchant;
            books_.add(tombstone);  // `entry` may have moved: it is not touched after this
        }
        return not_found;
    }
    // Declined before: there is nothing to take back, which is what the switch wants.
    if (original->state == State::declined) return decide_as("00", State::declined);
    const std::int64_t standing = original->amount - original->reversed;
    std::int64_t back = std::min(request.amount, standing);
    const std::string replacement = message_.get(Field::replacement_amounts);
    if (replacement.size() >= 12) {
        const std::int64_t kept = digits_value(std::string_view(replacement).substr(0, 12));
        if (kept > standing) return decide_as("64", State::declined);
        back = standing - kept;
    }
    if (original->state == State::reversed) {
        books_.note(Anomaly::reversal_repeated);
        return decide_as("79", State::declined);
    }
    if (!request.pan_last4) entry.pan_last4 = original->pan_last4;
    ENSURE(books_.reverse(entry, *original, back));
    entry.code = ResponseCode::of("00");
    BookEntry line = entry;
    if (line.key.rrn.empty()) line.key.rrn = original->key.rrn;
    journal(line, now, actions);
    return entry.code;
}

std::optional<IssuerModel::KeyUsed> IssuerModel::verified_by() {
    const auto field = message_.mac_field();
    if (!field) return std::nullopt;
    const std::string content = message_.get(*field);
    if (content.size() != hsm::Mac{}.size()) return std::nullopt;
    const iso8583::ByteView covered = message_.mac_input();
    for (std::size_t k = 0; k < (has_previous_zak_ ? 2U : 1U); ++k) {
        auto& verify = std::get<hsm::VerifyMac>(verify_[k]);
        verify.data.assign(covered.begin(), covered.end());
        verify.mac = mac_of(content);
        const hsm::Reply reply = engine_.perform(verify_[k]);
        if (reply && std::get<hsm::MacVerified>(*reply).matches) return static_cast<KeyUsed>(k);
    }
    return std::nullopt;
}

void IssuerModel::start_answer(ResponseCode code) {
    answer_.clear(message_.mti().response());
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
    if (answer_key_) {
        bool secondary = false;
        answer_.for_each([&secondary](Field f, std::string_view) { secondary |= iso8583::number(f) > 64; });
        static constexpr char zeros[8] = {};
        answer_.set(secondary ? Field::mac_secondary : Field::mac_primary, std::string_view(zeros, 8));
    }
    if (iso8583::encode_into(*config_.dialect, answer_, encoded_)) {
        // What we echo was decoded by the same table, so only a table without DE38, 39 or 64 gets here.
        actions.emplace_back(CloseLink{});
        return;
    }
    if (answer_key_) {
        hsm::Request& request = generate_[static_cast<std::size_t>(*answer_key_)];
        const iso8583::ByteView covered = encoded_.mac_input();
        std::get<hsm::GenerateMac>(request).data.assign(covered.begin(), covered.end());
        const hsm::Reply reply = engine_.perform(request);
        if (!reply) {
            actions.emplace_back(CloseLink{});
            return;
        }
        hsm::Mac mac = std::get<hsm::MacGenerated>(*reply).mac;
        if (behaviour.kind == Behaviour::Kind::bad_mac) mac[0] ^= 0xFF;
        iso8583::write_mac(*config_.dialect, encoded_, mac);
    }
    actions.emplace_back(SendAnswer{encoded_.body, behaviour.delay_ms + latency_ms()});
}

std::uint32_t IssuerModel::latency_ms() {
    const IssuerFaults& f = config_.faults;
    if (f.latency_ms_max == f.latency_ms_min) return f.latency_ms_min;
    return f.latency_ms_min + chance_.below(f.latency_ms_max - f.latency_ms_min + 1);
}

void IssuerModel::journal(const BookEntry& e, iso8583::UtcTime now,
                          std::vector<IssuerAction>& actions) const {
    const iso8583::CivilTime t = iso8583::civil_from_utc(now);
    AppendJournal record;
    std::string& line = record.line;
    line.reserve(256);
    fmt::format_to(std::back_inserter(line),
                   R"({{"time":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z","kind":"{}",)", t.date.year,
                   t.date.month, t.date.day, t.hour, t.minute, t.second, now.ms % 1'000, name(e.kind));
    if (e.kind == EffectKind::reversal)
        fmt::format_to(std::back_inserter(line), R"("of":"{}",)", name(e.reversed_kind));
    fmt::format_to(
        std::back_inserter(line),
        R"("amount":{},"currency":"{:03}","rrn":"{}","stan":"{:06}","pan_last4":"{}","terminal":")", e.amount,
        e.currency, e.key.rrn.view(), e.key.stan.value(), e.last4());
    append_json_text(line, e.terminal.view());
    line += R"(","merchant":")";
    append_json_text(line, e.merchant.view());
    line += "\"}\n";
    actions.emplace_back(std::move(record));
}

std::string IssuerModel::on_control(std::string_view line, std::vector<IssuerAction>& actions) {
    auto command = parse_control(line, config_.switch_time_out_ms + 1'000);
    if (!command) return "error: " + command.error().what;
    switch (command->kind) {
        case ControlCommand::Kind::next:
            if (next_.size() >= pending_commands_max) return "error: 64 commands are waiting already";
            next_.push_back(std::move(*command));
            return "ok";
        case ControlCommand::Kind::link_drop:
            actions.emplace_back(CloseAllLinks{});
            return "ok";
        case ControlCommand::Kind::books:
            return books_.summary_json();
        case ControlCommand::Kind::faults_off:
            config_.faults = {};
            return "ok";
        case ControlCommand::Kind::latency:
            config_.faults.latency_ms_min = command->latency_ms_min;
            config_.faults.latency_ms_max = command->latency_ms_max;
            return "ok";
    }
    return "error: unknown command";
}

}  // namespace routing
