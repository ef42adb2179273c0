#include "tests/simulation/honest_traffic.hpp"

#include <algorithm>

#include "ledger/key_layout.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Field;
using iso8583::Message;
using iso8583::TerminalId;
using ledger::TransactionRecord;

namespace {

constexpr std::size_t type_digits = 2, batch_digits = 6;  // 60.1 and 60.2
constexpr std::size_t operator_characters = 3;            // 63.1
constexpr int class_upload = 3, class_reversal = 4, class_settlement = 5, class_network = 8;

std::string amount_digits(const std::string& field) {
    return iso8583::all_digits(field) && !field.empty() ? field : "0";
}

/// Of the PAN, or of the track that stands for it.
std::string card_of(const Message& message) {
    if (message.has(Field::pan)) return message.get(Field::pan);
    const std::string track = message.get(Field::track2);
    return track.substr(0, track.find_first_of("=D"));
}

/// 63.1 without the blanks that fill it up.
std::string operator_of(const Message& message) {
    std::string number = message.get(Field::reserved_private_63).substr(0, operator_characters);
    number.erase(std::remove(number.begin(), number.end(), ' '), number.end());
    return number;
}

/// Terminals of the ISO profile have no session to end.
bool is_sign_off(const Message& message) {
    const std::string private_60 = message.get(Field::reserved_private_60);
    return message.mti().message_class() == class_network && private_60.size() > type_digits + batch_digits &&
           private_60.substr(type_digits + batch_digits) == "002";
}

std::string place(const iso8583::MerchantId& merchant, const TerminalId& terminal) {
    return merchant.str() + "/" + terminal.str();
}

std::string words(const TransactionRecord& r) {
    return std::string(ledger::name(r.kind)) + " " + r.rrn.str() + " of terminal " + r.terminal.str();
}

bool began_as_tombstone(const TransactionRecord& r) {
    return !r.history.empty() && r.history.front().state == ledger::State::tombstone;
}

std::string reply_key(int message_class, std::string_view terminal, std::string_view stan) {
    return std::to_string(message_class) + "/" + std::string(terminal) + "/" + std::string(stan);
}

}  // namespace

// ---- What is sent

void HonestTraffic::sent(const iso8583::Dialect& dialect, iso8583::ByteView bytes) {
    iso8583::FrameReader reader(dialect.framing());
    reader.feed(bytes);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
        const auto message = iso8583::decode(dialect, (*next)->body);
        if (!message) continue;  // it is refused
        const bool is_new = bodies_.insert((*next)->body).second;
        const auto terminal = TerminalId::parse(message->get(Field::terminal));
        if (!terminal) continue;
        if (is_sign_off(*message)) ++terminals_[*terminal].sign_offs;
        if (!is_new) continue;
        note(*message);
        note_for_terminal(*message, terminals_[*terminal]);
    }
}

void HonestTraffic::stranger_sent(std::uint64_t connection, const iso8583::Dialect& dialect,
                                  iso8583::ByteView bytes) {
    auto at = strangers_.find(connection);
    if (at == strangers_.end())
        at = strangers_.emplace(connection, Stranger{iso8583::FrameReader(dialect.framing()), {}}).first;
    Stranger& stranger = at->second;
    stranger.reader.feed(bytes);
    for (auto next = stranger.reader.next(); next && *next; next = stranger.reader.next()) {
        if (!bodies_.contains((*next)->body)) continue;
        const auto message = iso8583::decode(dialect, (*next)->body);
        if (message)
            stranger.honest.insert(reply_key(message->mti().message_class(), message->get(Field::terminal),
                                             message->get(Field::stan)));
    }
}

HonestTraffic::Request HonestTraffic::read(const Message& message) const {
    Request request;
    if (const auto stan = iso8583::Stan::parse(message.get(Field::stan))) request.stan = *stan;
    request.processing_code = message.get(Field::processing_code);
    request.batch_and_type = message.get(Field::reserved_private_60).substr(0, type_digits + batch_digits);
    request.transmission_time = message.get(Field::transmission_time);
    request.rrn = message.get(Field::rrn);
    request.original = message.get(Field::original_data);
    request.left = message.get(Field::replacement_amounts).substr(0, 12);
    request.amount = std::stoll(amount_digits(message.get(Field::amount_transaction)));
    if (const auto pan = iso8583::Pan::parse(card_of(message))) request.card = vault_.token(*pan);
    return request;
}

void HonestTraffic::note(const Message& message) {
    const std::string sender = message.get(Field::merchant) + "/" + message.get(Field::terminal);
    const int message_class = message.mti().message_class();
    if (message_class == class_reversal)
        reversals_[sender].push_back(read(message));
    else if (message_class < class_upload)
        financial_[sender + "/" + message.get(Field::stan)].push_back(read(message));
}

void HonestTraffic::note_for_terminal(const Message& message, Terminal& terminal) {
    const int message_class = message.mti().message_class();
    const std::string private_60 = message.get(Field::reserved_private_60);
    if (message_class == class_network) terminal.operators.insert(operator_of(message));
    if (message_class == class_settlement || message_class == class_upload)
        if (private_60.size() >= type_digits + batch_digits)
            terminal.batches_to_close.insert(private_60.substr(type_digits, batch_digits));
    if (message_class == class_settlement)
        terminal.settlements.insert(message.get(Field::stan) + message.get(Field::transmission_time));
}

// ---- What leaves

void HonestTraffic::released(const Effect& effect) {
    if (const auto* install = std::get_if<InstallKeys>(&effect)) return check_keys(*install);
    const auto* reply = std::get_if<SendReply>(&effect);
    if (reply == nullptr || reply->to.mac_key.empty()) return;
    const auto stranger = strangers_.find(reply->to.link.value);
    if (stranger == strangers_.end()) return;
    const iso8583::FieldValues& f = reply->fields;
    if (!stranger->second.honest.contains(
            reply_key(f.mti().message_class(), f.get(Field::terminal), f.get(Field::stan))))
        breach_("a reply with a MAC left for a stranger's request, MTI " + f.mti().str() + " code " +
                std::string(f.get(Field::response_code)));
}

void HonestTraffic::check_keys(const InstallKeys& install) {
    Terminal& known = terminals_[install.terminal];
    for (const TerminalKeyVersion& key : install.keys.versions)
        if (key.asked_on != 0) known.asked_on.emplace(key.version, key.asked_on);
    const std::uint32_t proven = install.keys.proven_version;
    if (proven == 0 || proven == known.proven) return;
    known.proven = proven;
    const auto asked = known.asked_on.find(proven);
    if (asked != known.asked_on.end() && !honest_connections_.contains(asked->second))
        breach_("keys that a stranger asked for are those of terminal " + install.terminal.str());
}

// ---- What becomes durable

void HonestTraffic::batch_durable(const ledger::Batch& batch) {
    for (const ledger::Mutation& m : batch.mutations) {
        if (!m.value || m.key.bytes.empty()) continue;
        const auto prefix = static_cast<ledger::KeyPrefix>(m.key.bytes[0]);
        if (m.key.family == ledger::Family::journal && prefix == ledger::KeyPrefix::transaction) {
            if (const auto record = ledger::decode_transaction_record(*m.value)) check(*record);
        } else if (m.key.family == ledger::Family::index && prefix == ledger::KeyPrefix::terminal) {
            if (const auto record = ledger::decode_terminal(*m.value)) check(*record);
        }
    }
}

HonestTraffic::Key HonestTraffic::key_of(const TransactionRecord& r) {
    Key key{r.merchant, r.terminal, r.stan, r.processing_code, {}, {}};
    if (static_cast<Profile>(r.profile) == Profile::unionpay_pos)
        key.batch_and_type = r.message_type + r.batch.str();
    else
        key.transmission_time = r.transmission_time.str();
    return key;
}

bool HonestTraffic::same_means(const Request& request, const TransactionRecord& r) {
    const bool same_card =
        !request.card || r.pan_token == iso8583::PanToken{} || *request.card == r.pan_token;
    return same_card && (r.names_amount(request.amount) || r.amount.minor_units() == request.amount);
}

void HonestTraffic::check(const TransactionRecord& r) {
    const auto [at, is_new] = records_.try_emplace(r.rrn);
    if (is_new) {
        at->second.key = key_of(r);
        if (!r.from_operations) check_origin(r, at->second.key);
    }
    check_reversals(r, at->second);
    check_shared(r, at->second);
}

void HonestTraffic::check_origin(const TransactionRecord& r, const Key& key) {
    const std::string sender = place(r.merchant, r.terminal);
    bool is_honest = false;
    if (began_as_tombstone(r)) {
        for (const Request& q : reversals_[sender])
            is_honest = is_honest || (q.stan == key.stan && q.processing_code == key.processing_code &&
                                      q.batch_and_type == key.batch_and_type && same_means(q, r));
    } else {
        for (const Request& q : financial_[sender + "/" + key.stan.str()])
            is_honest = is_honest ||
                        (q.processing_code == key.processing_code && q.batch_and_type == key.batch_and_type &&
                         q.transmission_time == key.transmission_time && same_means(q, r));
    }
    if (!is_honest) breach_("recorded, and never sent by an honest terminal: " + words(r));
    const auto terminal = terminals_.find(r.terminal);
    if (!r.operator_number.empty() &&
        (terminal == terminals_.end() || !terminal->second.operators.contains(r.operator_number)))
        breach_("the operator of no honest sign-on stands in " + words(r));
}

bool HonestTraffic::reaches(const Request& reversal, const Key& key, const std::string& rrn) {
    if (!key.batch_and_type.empty())
        return reversal.stan == key.stan && reversal.batch_and_type == key.batch_and_type &&
               reversal.processing_code == key.processing_code;
    if (!rrn.empty() && reversal.rrn == rrn) return true;
    constexpr std::size_t stan_at = 4, stan_digits = 6, time_at = 10, time_digits = 10;
    const bool names_one = reversal.original.size() >= time_at + time_digits &&
                           reversal.original.substr(stan_at, stan_digits) == key.stan.str();
    if (names_one && reversal.original.substr(time_at, time_digits) == key.transmission_time) return true;
    return (names_one || reversal.stan == key.stan) && reversal.processing_code == key.processing_code;
}

bool HonestTraffic::was_reversed(const Key& key, const std::string& rrn) const {
    const auto sent = reversals_.find(place(key.merchant, key.terminal));
    return sent != reversals_.end() && std::any_of(sent->second.begin(), sent->second.end(),
                                                   [&](const Request& q) { return reaches(q, key, rrn); });
}

void HonestTraffic::check_reversals(const TransactionRecord& r, Seen& seen) {
    const std::string rrn = r.rrn.str();
    if (r.reversal_digest != 0 && !seen.reversed) {
        seen.reversed = true;
        // That of its sale ends a held refund, that of another key a shared case.
        const auto sale = r.original ? records_.find(*r.original) : records_.end();
        bool is_honest = was_reversed(seen.key, rrn) ||
                         (sale != records_.end() && was_reversed(sale->second.key, r.original->str()));
        for (const ledger::AskingKey& k : r.shared.joined) {
            Key key{r.merchant, k.terminal, k.stan, k.processing_code, {}, {}};
            if (static_cast<Profile>(r.profile) == Profile::unionpay_pos)
                key.batch_and_type = r.message_type + k.batch.str();
            else
                key.transmission_time = iso8583::TransmissionTime::of(k.transmission_time).str();
            is_honest = is_honest || was_reversed(key, "");
        }
        if (!is_honest) breach_("reversed, and no honest terminal asked for it: " + words(r));
    }
    const auto& partials = r.lowering.reversals;
    for (; seen.partials < partials.size(); ++seen.partials) {
        const std::int64_t left = partials[seen.partials].left_minor;
        const auto& sent = reversals_[place(r.merchant, r.terminal)];
        const bool is_honest = std::any_of(sent.begin(), sent.end(), [&](const Request& q) {
            return !q.left.empty() && std::stoll(amount_digits(q.left)) == left && reaches(q, seen.key, rrn);
        });
        if (!is_honest) breach_("reversed in part, and no honest terminal asked for it: " + words(r));
    }
}

void HonestTraffic::check_shared(const TransactionRecord& r, Seen& seen) {
    const auto& joined = r.shared.joined;
    for (; seen.joined < joined.size(); ++seen.joined) {
        const ledger::AskingKey& k = joined[seen.joined];
        const auto& sent = financial_[place(r.merchant, k.terminal) + "/" + k.stan.str()];
        if (std::none_of(sent.begin(), sent.end(), [&](const Request& q) {
                return q.processing_code == k.processing_code && same_means(q, r);
            }))
            breach_("a key joined a case that no honest terminal asked for: " + words(r));
    }
    const auto reversed = static_cast<std::size_t>(std::count_if(
        joined.begin(), joined.end(), [](const ledger::AskingKey& k) { return k.reversal_digest != 0; }));
    if (reversed <= seen.joined_reversed) return;
    seen.joined_reversed = reversed;
    for (const ledger::AskingKey& k : joined)
        if (k.reversal_digest != 0 && reversals_[place(r.merchant, k.terminal)].empty())
            breach_("a key of a case was taken back by nobody honest: " + words(r));
}

void HonestTraffic::check(const ledger::TerminalRecord& r) {
    Terminal& known = terminals_[r.terminal];
    const ledger::TerminalRecord before = std::exchange(stored_terminals_[r.terminal], r);
    if (r.closed_rrn != before.closed_rrn && !r.closed_rrn.empty()) check_closing(r, known);
    if (r.uploading && !before.uploading && !known.batches_to_close.contains(r.batch.str()))
        breach_("terminal " + r.terminal.str() + " is to upload a batch that it did not settle");
    // Keys that verified a message are dropped when its terminal signs off, or newer ones verify.
    const bool had_session = before.proven_key_version != 0;
    if (had_session && r.proven_key_version == 0 && known.sign_offs <= known.sign_offs_used++)
        breach_("the session of terminal " + r.terminal.str() + " ended, and it did not sign off");
    const auto has = [](const ledger::TerminalRecord& t, std::uint32_t version) {
        return std::any_of(t.keys.begin(), t.keys.end(), [&](const auto& k) { return k.version == version; });
    };
    if (r.proven_key_version != 0 && !has(r, r.proven_key_version))
        breach_("the keys of terminal " + r.terminal.str() + " that verified a message were dropped");
    // Before any keys have verified a message the record names whoever asked last; no message carries it.
    if (r.proven_key_version != 0 && !r.operator_number.empty() &&
        !known.operators.contains(r.operator_number))
        breach_("the operator of no honest sign-on stands at terminal " + r.terminal.str());
}

void HonestTraffic::check_closing(const ledger::TerminalRecord& r, Terminal& known) {
    // Settlements of the ISO profile are known by their numbers, those of the other by their batch.
    const bool is_iso = r.closed_stan != 0;
    const std::string what = is_iso ? iso8583::Stan::of(r.closed_stan).str() +
                                          iso8583::TransmissionTime::of(r.closed_transmission_time).str()
                                    : r.closed_batch.str();
    const bool was_asked = is_iso ? known.settlements.contains(what) : known.batches_to_close.contains(what);
    if (was_asked && known.closed.insert(what).second) return;
    if (closings_asked_[r.terminal] > 0) {
        --closings_asked_[r.terminal];
        return;
    }
    breach_("batch " + r.closed_batch.str() + " of terminal " + r.terminal.str() + " was closed " +
            (was_asked ? "by a settlement that had closed one before" : "and it did not settle it"));
}

}  // namespace simulation
