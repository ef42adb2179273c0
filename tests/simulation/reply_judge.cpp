#include "tests/simulation/reply_judge.hpp"

#include <algorithm>

namespace simulation {

using iso8583::Field;
using iso8583::Message;

namespace {

constexpr int class_network_management = 8;

/// 0200 → 0210, 0421 → 0430, 0202 → 0212 (a repeat's origin is odd), reckoned here and not by the code under
/// test.
int answer_to(iso8583::Mti request) { return request.value() / 2 * 2 + 10; }

constexpr Field never_answered[] = {Field::pan, Field::expiration_date, Field::track2, Field::track3,
                                    Field::pin_data};
/// What a reply may say of its own; all else in it is the request's.
constexpr Field own_words[] = {Field::local_time,
                               Field::local_date,
                               Field::settlement_date,
                               Field::rrn,
                               Field::authorization_code,
                               Field::response_code,
                               Field::additional_response_data,
                               Field::icc_data,
                               Field::reserved_private_62,
                               Field::mac_primary,
                               Field::mac_secondary,
                               Field::settlement_code};

bool is_own_word(Field f) {
    return std::find(std::begin(own_words), std::end(own_words), f) != std::end(own_words);
}

/// 60.2 and the codes of both halves of DE48 are the switch's in answers that open a batch or compare totals.
bool opens_a_batch(iso8583::Mti request) {
    const int message_class = request.message_class();
    return message_class == 3 || message_class == 5 || message_class == class_network_management;
}

std::string comparable(const Message& message, Field f, bool of_batches) {
    std::string content = message.get(f);
    constexpr std::size_t batch_at = 2, batch_digits = 6;
    constexpr std::size_t codes_at[] = {30, 61};
    if (f == Field::reserved_private_60 && of_batches && content.size() >= batch_at + batch_digits)
        content.replace(batch_at, batch_digits, batch_digits, '0');
    for (const std::size_t at : codes_at)
        if (f == Field::additional_data && content.size() > at) content[at] = '0';
    return content;
}

}  // namespace

ReplyJudge::ReplyJudge(const peers::Terminal& model, std::function<bool(const iso8583::TerminalId&)> has_key)
    : model_(model),
      has_key_(std::move(has_key)),
      sent_reader_(model.framing()),
      reply_reader_(model.framing()) {}

bool ReplyJudge::has_right_mac(const Message& message) const {
    const auto field = message.mac_field();
    if (!field) return false;
    return model_.verifies(message.mac_input(), message.get(*field));
}

bool ReplyJudge::sent(iso8583::ByteView bytes, bool hsm_is_up) {
    sent_reader_.feed(bytes);
    for (auto next = sent_reader_.next(); next; next = sent_reader_.next()) {
        if (!*next) return false;
        Request request;
        request.frame = std::move(**next);
        request.hsm_was_up = hsm_is_up;
        if (auto whole = iso8583::decode(model_.dialect(), request.frame.body, &request.message)) {
            request.message = std::move(*whole);
            request.decodes = true;
        }
        const auto terminal = iso8583::TerminalId::parse(request.message.get(Field::terminal));
        request.verifies = hsm_is_up && terminal && has_key_(*terminal) && has_right_mac(request.message);
        if (requests_.size() == requests_max) requests_.pop_front();
        requests_.push_back(std::move(request));
    }
    return sent_reader_.at_boundary();
}

std::optional<std::string> ReplyJudge::arrived(iso8583::ByteView bytes) {
    reply_reader_.feed(bytes);
    for (auto next = reply_reader_.next(); next; next = reply_reader_.next()) {
        if (!*next) return "replies are no frames: " + next->error().what;
        if (auto breach = judge(**next)) return breach;
    }
    return std::nullopt;
}

std::optional<std::string> ReplyJudge::judge(const iso8583::Frame& frame) const {
    const auto reply = iso8583::decode(model_.dialect(), frame.body);
    if (!reply) return "a reply does not decode: " + reply.error().str();
    std::optional<std::string> breach = "MTI " + reply->mti().str() + " answers nothing that was sent";
    for (auto at = requests_.rbegin(); at != requests_.rend(); ++at) {
        if (answer_to(at->message.mti()) != reply->mti().value() ||
            at->message.get(Field::stan) != reply->get(Field::stan) ||
            at->message.get(Field::terminal) != reply->get(Field::terminal))
            continue;
        breach = breach_of(*at, frame, *reply);
        if (!breach) return std::nullopt;
    }
    return breach;
}

std::optional<std::string> ReplyJudge::breach_of(const Request& request, const iso8583::Frame& frame,
                                                 const Message& reply) const {
    const std::string code = reply.get(Field::response_code);
    const std::string what = "MTI " + request.message.mti().str() + " was answered " + code + ": ";
    const bool network = request.message.mti().message_class() == class_network_management;
    if (code == "00" && !request.decodes) return what + "it does not decode";
    if (code == "00" && !network && !request.verifies) return what + "its MAC is wrong";
    if (request.frame.tpdu.size() == frame.tpdu.size() && !frame.tpdu.empty() &&
        frame.tpdu != iso8583::swapped_tpdu(request.frame.tpdu))
        return what + "the TPDU is not the swapped one";
    for (const Field f : never_answered)
        if (reply.has(f)) return what + "DE" + std::to_string(iso8583::number(f)) + " is in a reply";
    if (auto breach = echo_breach(request, reply)) return what + *breach;
    const bool has_mac = reply.mac_field().has_value();
    if (has_mac && !request.verifies) return what + "it has a MAC, and the request's did not verify";
    if (has_mac && !has_right_mac(reply)) return what + "its MAC is wrong";
    // What is refused before the MAC is looked at has none.
    const bool before_the_mac = code == "30" || code == "97" || code == "03" || code == "77";
    const bool carries_one = !network || model_.config().profile == peers::TerminalProfile::iso87_ascii;
    if (!has_mac && request.verifies && carries_one && !before_the_mac) return what + "its MAC is missing";
    return std::nullopt;
}

std::optional<std::string> ReplyJudge::echo_breach(const Request& request, const Message& reply) const {
    std::optional<std::string> breach;
    const bool of_batches = opens_a_batch(request.message.mti());
    reply.present().for_each([&](int number) {
        const Field f = iso8583::field(number);
        if (breach || is_own_word(f)) return;
        if (!request.message.has(f))
            breach = "DE" + std::to_string(number) + " comes back and was never sent";
        else if (comparable(request.message, f, of_batches) != comparable(reply, f, of_batches))
            breach = "DE" + std::to_string(number) + " comes back with other content";
    });
    return breach;
}

}  // namespace simulation
