// The issuer's decisions: which request is booked, refused or remembered, and its line in the journal.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/amount.hpp"
#include "iso8583/values/ensure.hpp"
#include "iso8583/values/pan.hpp"
#include "routing/issuer_sim/issuer_journal_line.hpp"
#include "routing/issuer_sim/issuer_request.hpp"

namespace routing {

using iso8583::Field;
using iso8583::ResponseCode;

namespace {

std::optional<EffectKind> kind_of(iso8583::Mti mti, std::string_view processing_code) {
    const std::string_view type = processing_code.substr(0, 2);
    const bool holds = mti.message_class() == 1;
    if (holds && (type == "00" || type == "03")) return EffectKind::authorization;
    if (type == "00") return EffectKind::sale;
    if (type == "20") return EffectKind::refund;
    if (type == "02") return EffectKind::void_of_sale;
    return std::nullopt;
}

/// DE90: MTI 4, STAN 6, DE7 10, acquirer 11, forwarder 11. Zeros for the numbers name nothing (a blind
/// reversal).
std::optional<RequestKey> parse_original(std::string_view de90, iso8583::Rrn rrn) {
    if (de90.size() != 42) return std::nullopt;
    const auto stan = iso8583::Stan::parse(de90.substr(4, 6));
    const std::string_view de7 = de90.substr(10, 10);
    const bool has_time = de7.find_first_not_of('0') != std::string_view::npos;
    const auto transmission = has_time
                                  ? iso8583::TransmissionTime::parse(de7)
                                  : iso8583::Result<iso8583::TransmissionTime>(iso8583::TransmissionTime{});
    if (!stan || !transmission) return std::nullopt;
    return RequestKey{*stan, *transmission, rrn};
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

constexpr const char* code_used_before = "14";  // a wallet's payment code is used once
constexpr const char* partly_approved = "10";
/// What is approved of an amount that is approved in part: half, but not nothing.
std::int64_t part_of(std::int64_t amount) { return std::max<std::int64_t>(amount / 2, 1); }

}  // namespace

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
    if (config_.kind == IssuerKind::wallet && message_.has(Field::additional_data)) {
        const std::string data = message_.get(Field::additional_data);
        const auto code = iso8583::tagged_value(data, IssuerWallet::code_tag);
        const auto order = iso8583::tagged_value(data, IssuerWallet::order_tag);
        if (!code || !order) return std::nullopt;
        r.payment_code = *code;
        r.order_number = *order;
    }
    if (message_.has(Field::original_data)) {
        r.original = parse_original(message_.get(Field::original_data), r.key.rrn);
        if (!r.original) return std::nullopt;
    }
    if (is_reversal) {
        r.kind = EffectKind::reversal;
        return r.original ? std::optional(r) : std::nullopt;
    }
    const auto kind = kind_of(r.mti, processing_code);
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
    const bool partly = !is_new && entry->code.view() == partly_approved;
    const std::int64_t booked = partly ? part_of(request->amount) : request->amount;
    if (!is_new && !is_tombstone && (entry->kind != request->kind || entry->amount != booked)) {
        books_.note(Anomaly::content_changed, request->key);
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
    start_answer(undecided ? ResponseCode::of(is_processing(*entry) ? "09" : "96") : entry->code);
    if (entry->order != 0)
        answer_.set(Field::additional_data,
                    iso8583::tagged_text(IssuerWallet::order_tag, IssuerWallet::order_number(entry->order)));
    if (entry->discount.any())
        answer_.set(Field::additional_amounts,
                    amounts_text(entry->discount, config_.wallet, entry->currency));
    if (!undecided && !entry->authorization.empty())
        answer_.set(Field::authorization_code, entry->authorization.view());
    if (entry->code.view() == partly_approved)
        answer_.set(Field::amount_transaction, fmt::format("{:012}", entry->amount));
    send(behaviour, actions);
}

void IssuerModel::decide(const Request& request, BookEntry& entry, const Behaviour& behaviour,
                         iso8583::UtcTime now, std::vector<IssuerAction>& actions) {
    using State = BookEntry::State;
    if (behaviour.kind == Behaviour::Kind::busy && entry.tries <= busy_tries) return;
    if (is_processing(entry)) return;
    entry.state = State::declined;
    if (behaviour.kind == Behaviour::Kind::decline) {
        entry.code = behaviour.code;
        return;
    }
    if (!pin_block_is_sound()) {
        entry.code = ResponseCode::of("55");
        return;
    }
    BookEntry* original = original_of(request);
    if (original == &entry) original = nullptr;
    if (config_.kind == IssuerKind::wallet) {
        if (const auto refusal = wallet_refusal(request, original)) {
            entry.code = *refusal;
            return;
        }
        if (request.kind == EffectKind::sale && !wallet_.use_code(request.payment_code)) {
            entry.code = ResponseCode::of(code_used_before);
            return;
        }
    }
    entry.code = ResponseCode::of("00");
    if (request.kind == EffectKind::refund && config_.kind == IssuerKind::wallet) {
        // Its number was paid under an earlier DE11: said again, and not paid again.
        if (wallet_.has_paid(request.key.rrn)) return;
        wallet_.paid(request.key.rrn, books_.place_of(*original));
    }
    if (behaviour.kind == Behaviour::Kind::partial) {
        entry.code = ResponseCode::of(partly_approved);
        entry.amount = part_of(entry.amount);
    }
    entry.authorization = authorization_code(authorizations_++);
    if (request.kind == EffectKind::sale && config_.kind == IssuerKind::wallet) {
        entry.order = authorizations_;
        wallet_.remember_sale(IssuerWallet::order_number(entry.order), books_.place_of(entry));
        const bool by_magic = behaviour.kind == Behaviour::Kind::discount;
        entry.discount = discount_of(entry.amount, by_magic ? magic_discount : config_.wallet.discount);
    }
    books_.book(entry, original, request.original.has_value());
    journal(entry, request.original.has_value(), now, actions);
}

BookEntry* IssuerModel::original_of(const Request& request) {
    if (!request.order_number.empty()) {
        const auto sale = wallet_.sale_of(request.order_number);
        return sale ? &books_.entry(*sale) : nullptr;
    }
    return request.original ? books_.find_original(*request.original, request.merchant) : nullptr;
}

bool IssuerModel::is_processing(const BookEntry& entry) const {
    return config_.kind == IssuerKind::wallet && entry.kind == EffectKind::refund &&
           entry.tries <= config_.wallet.processing_polls;
}

std::optional<ResponseCode> IssuerModel::wallet_refusal(const Request& request,
                                                        const BookEntry* original) const {
    if (request.kind == EffectKind::sale)
        return request.payment_code.empty() ? std::optional(ResponseCode::of("30")) : std::nullopt;
    if (original == nullptr || original->kind != EffectKind::sale) return ResponseCode::of("25");
    if (request.kind != EffectKind::refund) return std::nullopt;
    if (wallet_.is_closed(IssuerWallet::order_number(original->order))) return ResponseCode::of("54");
    const bool is_new = !wallet_.has_paid(request.key.rrn);
    if (is_new && wallet_.parts_of(books_.place_of(*original)) >= config_.wallet.parts_max)
        return ResponseCode::of("65");
    return std::nullopt;
}

std::string IssuerModel::change_account(const ControlCommand& command) {
    if (config_.kind != IssuerKind::wallet) return "error: account: this issuer is no wallet";
    return wallet_.set_closed(command.order_number, command.closed)
               ? "ok"
               : "error: account: no sale has that order number";
}

std::string IssuerModel::books_json() const {
    std::string json = books_.summary_json();
    if (config_.kind != IssuerKind::wallet) return json;
    std::int64_t sales = 0, by_wallet = 0, by_merchant = 0, standing = 0;
    for (const BookEntry& e : books_.entries()) {
        if (!e.discount.any()) continue;
        ++sales;
        by_wallet += e.discount.wallet_funded;
        by_merchant += e.discount.merchant_funded;
        standing += e.merchant_funded_standing();
    }
    json.pop_back();
    return json +
           fmt::format(
               R"(,"discounts":{{"sales":{},"wallet_funded":{},"merchant_funded":{},"merchant_funded_standing":{}}}}})",
               sales, by_wallet, by_merchant, standing);
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
    // While a ZPK is changed, either side may use the other one still.
    const hsm::KeyBlock none;
    const hsm::KeyBlock& offered =
        own_key_change_ && own_key_change_->kind == hsm::KeyKind::zpk ? own_key_change_->key : none;
    return pin_block_is_sound_under(config_.zpk, *pan) || pin_block_is_sound_under(offered, *pan) ||
           std::any_of(zpks_before_.begin(), zpks_before_.end(),
                       [&](const hsm::KeyBlock& zpk) { return pin_block_is_sound_under(zpk, *pan); });
}

/// A translation to the same key and format succeeds only for a block that is sound and of this card.
bool IssuerModel::pin_block_is_sound_under(const hsm::KeyBlock& zpk, const iso8583::Pan& pan) {
    if (zpk.empty()) return false;
    const std::string block = message_.get(Field::pin_data);
    hsm::TranslatePin translate{hsm::KeyKind::zpk,
                                zpk,
                                zpk,
                                config_.pin_block_format,
                                config_.pin_block_format,
                                iso8583::Bytes(block.begin(), block.end()),
                                pan};
    return engine_.perform(hsm::Request(std::move(translate))).has_value();
}

namespace {

/// Not found, or reversed already.
bool says_that_nothing_stands(const ResponseCode& code, const ResponseCode& not_found) {
    return code == not_found || code.view() == "25" || code.view() == "76" || code.view() == "79";
}

bool knows(const BookEntry* original) {
    return original != nullptr && original->state != BookEntry::State::undecided &&
           original->state != BookEntry::State::tombstone;
}

}  // namespace

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
            // An issuer that says so keeps to it when the original comes late.
            if (says_that_nothing_stands(code, config_.not_found) &&
                !knows(books_.find_original(*request->original, request->merchant)))
                remember_unknown(*request);
        } else {
            code = reverse(*request, *entry, now, actions);
        }
    }
    start_answer(code.empty() ? ResponseCode::of("96") : code);
    send(behaviour, actions);
}

void IssuerModel::remember_unknown(const Request& request) {
    if (BookEntry* original = books_.find_original(*request.original, request.merchant)) {
        books_.turn_into_tombstone(*original);
    } else if (!books_.full()) {
        BookEntry tombstone;
        tombstone.key = *request.original;
        tombstone.state = BookEntry::State::tombstone;
        tombstone.merchant = request.merchant;
        books_.add(tombstone);
    }
}

ResponseCode IssuerModel::reverse(const Request& request, BookEntry& entry, iso8583::UtcTime now,
                                  std::vector<IssuerAction>& actions) {
    using State = BookEntry::State;
    const auto decide_as = [&entry](const char* code, State state) {
        entry.state = state;
        return entry.code = ResponseCode::of(code);
    };
    BookEntry* original = books_.find_original(*request.original, request.merchant);
    if (!knows(original)) {
        entry.state = State::declined;
        entry.code = config_.not_found;
        remember_unknown(request);  // `entry` may have moved: it is not touched after this
        return config_.not_found;
    }
    // Declined before: there is nothing to take back, which is what the switch wants.
    if (original->state == State::declined) return decide_as("00", State::declined);
    const std::int64_t standing = original->amount - original->reversed;
    std::int64_t back = std::min(request.amount, standing);
    const std::string replacement = message_.get(Field::replacement_amounts);
    if (replacement.size() >= 12) {
        const std::string_view digits = std::string_view(replacement).substr(0, 12);
        if (!iso8583::all_digits(digits)) return decide_as("30", State::declined);
        const std::int64_t kept = digits_value(digits);
        if (kept > standing) return decide_as("64", State::declined);
        back = standing - kept;
    }
    if (original->state == State::collected) {
        books_.note(Anomaly::reversal_of_collected, original->key);
        return decide_as("12", State::declined);
    }
    if (original->state == State::reversed) {
        books_.note(Anomaly::reversal_repeated, original->key);
        return decide_as("79", State::declined);
    }
    if (!request.pan_last4) entry.pan_last4 = original->pan_last4;
    ENSURE(books_.reverse(entry, *original, back));
    entry.code = ResponseCode::of("00");
    journal(entry, true, now, actions);
    return entry.code;
}

void IssuerModel::journal(const BookEntry& e, bool names_original, iso8583::UtcTime now,
                          std::vector<IssuerAction>& actions) {
    JournalLine line;
    line.entry = e;
    line.is_void_of_hold = books_.lifts_a_hold(e);
    line.has_no_rrn = e.key.rrn.empty();
    line.names_original = names_original;
    if (e.original >= 0) line.original = books_.entry(e.original).key;
    actions.emplace_back(AppendJournal{write_journal_line(line, now)});
}

iso8583::Result<void> IssuerModel::read_back(const JournalLine& line) {
    if (books_.full()) return iso8583::parse_error("there are too many entries");
    BookEntry entry = line.entry;
    entry.tries = 1;
    const bool is_reversal = entry.kind == EffectKind::reversal;
    if ((is_reversal ? books_.find_reversal(entry.key) : books_.find_request(entry.key)) != nullptr)
        return iso8583::parse_error("its request is in a line before it");
    BookEntry& added = books_.add(std::move(entry));
    BookEntry* original = line.original ? books_.find_original(*line.original, added.merchant) : nullptr;
    if (original == &added || (line.original && original == nullptr))
        return iso8583::parse_error("original: no line before it has that request");
    if (is_reversal) {
        if (original == nullptr || original->kind != added.reversed_kind)
            return iso8583::parse_error("no line before it has booked what it reverses");
        if (added.amount > original->amount - original->reversed ||
            !books_.reverse(added, *original, added.amount))
            return iso8583::parse_error("amount: more than what stands of the original");
        return {};
    }
    ++authorizations_;
    if (config_.kind == IssuerKind::wallet && added.kind == EffectKind::sale)
        wallet_.remember_sale(IssuerWallet::order_number(added.order), books_.place_of(added));
    if (config_.kind == IssuerKind::wallet && added.kind == EffectKind::refund && original != nullptr)
        wallet_.paid(added.key.rrn, books_.place_of(*original));
    books_.book(added, original, line.names_original);
    return {};
}

}  // namespace routing
