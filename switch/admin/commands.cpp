#include "switch/admin/commands.hpp"

#include <algorithm>
#include <charconv>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/bytes.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using Kind = ArgumentKind;

namespace {

const ArgumentInfo limit{"limit", Kind::number, false, false, "at most so many lines (50)"};
const ArgumentInfo route_argument{"route", Kind::word, true, true, "name of the route"};
const ArgumentInfo merchant_argument{"merchant", Kind::merchant, true, true, "DE42"};
const ArgumentInfo terminal_argument{"terminal", Kind::terminal, true, true, "DE41"};
const ArgumentInfo id_argument{"id", Kind::id, true, true, "RRN or case number"};
const ArgumentInfo case_argument{"case", Kind::id, true, true, "case number, as in DE44 of a 01"};
const ArgumentInfo exception_argument{"exception", Kind::exception_id, true, true,
                                      "id, as exceptions list shows it"};

const ArgumentInfo settled_argument{"id", Kind::settled_id, true, true, "RRN, or an exception's id"};
const ArgumentInfo proposal_argument{"proposal", Kind::proposal_id, true, true,
                                     "number of the proposal, or of a case"};
const ArgumentInfo note_argument{"note", Kind::text, true, false, "why: the proof, in words"};
const ArgumentInfo outcome_argument{"outcome", Kind::choice,        true,
                                    false,     "what became of it", "done refused reversed approved voided"};

std::vector<CommandInfo> reading_commands() {
    return {
        {"status", "viewer", "state of the switch, its routes and counters", {}},
        {"find",
         "viewer",
         "transactions that fit all that is given",
         {{"rrn", Kind::rrn, false, false, "DE37"},
          {"auth", Kind::authorization, false, false, "authorization code"},
          {"terminal", Kind::terminal, false, false, "DE41"},
          {"batch", Kind::batch, false, false, "batch number"},
          {"trace", Kind::trace, false, false, "DE11"},
          {"pan-last4", Kind::last4, false, false, "last four digits of the card"},
          {"amount", Kind::amount, false, false, "in major units"},
          {"date", Kind::date, false, false, "local date of the transaction, YYYY-MM-DD"},
          limit}},
        {"show",
         "viewer",
         "everything the ledger has of a transaction",
         {id_argument,
          {"messages", Kind::flag, false, false, "and the fields of its messages that are kept"}}},
        {"explain", "viewer", "why it was answered so, rule by rule, in words", {id_argument}},
        {"receipt", "viewer", "a slip for the customer", {id_argument}},
        {"refund list",
         "viewer",
         "refunds that wait for a person",
         {{"state", Kind::choice, false, false, "which (held)", "held cleared pending abnormal parked all"},
          limit}},
        {"refund show", "viewer", "everything the ledger has of a refund", {id_argument}},
        {"abnormal list", "viewer", "accepted refunds that the issuer refused", {limit}},
        {"abnormal show", "viewer", "everything the ledger has of one", {id_argument}},
        {"proposals list",
         "viewer",
         "everything that waits for a second person",
         {{"all", Kind::flag, false, false, "ended ones too"}, limit}},
        {"dispute list",
         "viewer",
         "holds and chargebacks",
         {{"all", Kind::flag, false, false, "closed ones too"}, limit}},
        {"saf list",
         "viewer",
         "store-and-forward: advices that are not final, parked ones too",
         {{"route", Kind::word, false, false, "of this route only"}, limit}},
        {"saf show", "viewer", "one advice of the queue", {id_argument}},
        {"exceptions show", "viewer", "one exception, with what repeated it", {exception_argument}},
        {"exceptions list",
         "viewer",
         "what a person must look at, oldest first",
         {{"all", Kind::flag, false, false, "resolved ones too"}, limit}},
        {"routes list", "viewer", "routes with their links and queues", {}},
        {"merchants list", "viewer", "merchants with their policy", {limit}},
        {"terminals list",
         "viewer",
         "ranges, and terminals that have signed on",
         {{"merchant", Kind::merchant, false, false, "of this merchant only"}, limit}},
        {"day status", "viewer", "the business day and the last cut-overs", {}},
        {"totals",
         "viewer",
         "sums of a business day",
         {{"by", Kind::choice, false, false, "what they are grouped by (route)",
           "route merchant terminal instrument"},
          {"day", Kind::date, false, false, "business day, YYYY-MM-DD (the current one)"}}},
        {"keys list",
         "viewer",
         "every key: whose, kind, check value; never more",
         {{"terminal", Kind::terminal, false, false, "the working keys of this terminal"}}},
        {"audit verify", "security_officer", "walk the whole chain of operators' changes", {}},
    };
}

std::vector<CommandInfo> refund_commands() {
    const ArgumentInfo rrn{"rrn", Kind::rrn, true, false, "DE37 of the sale"};
    const ArgumentInfo date{"date", Kind::mmdd, true, false, "local date of the sale, MMDD"};
    const ArgumentInfo amount{"amount", Kind::amount, true, false, "in major units, as 60.00"};
    const ArgumentInfo reason{"reason", Kind::text, true, false, "why"};
    return {
        {"refund check", "viewer", "would it be accepted now? changes nothing", {rrn, date, amount}},
        {"refund open",
         "operator",
         "a refund without the card; waits for a checker",
         {rrn,
          date,
          amount,
          reason,
          {"ref", Kind::text, true, false,
           "your reference, once per merchant: the same again is not a second refund"}}},
        {"refund approve", "supervisor", "release a held refund; not by its maker", {case_argument}},
        {"refund reject", "supervisor", "refuse a held refund; not by its maker", {case_argument, reason}},
        {"refund cancel", "operator", "take back a held refund", {case_argument, reason}},
        {"refund edit",
         "operator",
         "another amount or reason for a held case of operations; voids nothing else",
         {case_argument,
          {"amount", Kind::amount, false, false, "in major units"},
          {"reason", Kind::text, false, false, "why"}}},
        {"refund reopen",
         "operator",
         "try a case again that was approved and not paid; waits for a checker",
         {case_argument, note_argument}},
    };
}

/// What leads out of a state that waits for people, and what a second person says to it.
std::vector<CommandInfo> way_out_commands() {
    return {
        {"saf retry", "operator", "try an advice now, a parked one too", {id_argument}},
        {"saf settle",
         "operator",
         "propose what became of a parked or stuck transaction",
         {settled_argument, outcome_argument, note_argument}},
        {"saf release",
         "supervisor",
         "send what is stale after a long outage, in order",
         {{"route", Kind::word, true, false, "name of the route"},
          {"older-than", Kind::minutes, false, false, "minutes; only what waited longer"},
          note_argument}},
        {"abnormal resolve",
         "operator",
         "end a refund that the issuer refused: one of the four ways",
         {id_argument,
          {"retry", Kind::flag, false, false, "a new attempt, with new numbers"},
          {"merchant-account", Kind::flag, false, false, "the merchant pays the customer (two people)"},
          {"alternative-account", Kind::text, false, false,
           "reference of the payout outside, never a card's number (two checkers)"},
          {"cancel", Kind::flag, false, false, "the amount can be refunded again (two people)"},
          note_argument}},
        {"exceptions settle",
         "operator",
         "as saf settle: what became of a stuck or parked transaction",
         {settled_argument, outcome_argument, note_argument}},
        {"dispute add",
         "operator",
         "a hold on a sale, or a chargeback of it (two people)",
         {{"rrn", Kind::rrn, true, false, "DE37 of the sale"},
          {"date", Kind::mmdd, true, false, "local date of the sale, MMDD"},
          {"kind", Kind::choice, true, false, "which", "chargeback hold"},
          {"amount", Kind::amount, false, false, "of a chargeback, in major units"},
          {"ref", Kind::text, false, false, "the issuer's reference"},
          note_argument}},
        {"dispute close",
         "viewer",
         "a hold (supervisor), or a chargeback that was won or lost (operator proposes)",
         {{"dispute", Kind::proposal_id, true, true, "number, as dispute list shows it"},
          {"outcome", Kind::choice, false, false, "of a chargeback", "won lost"},
          note_argument}},
        {"proposals approve", "supervisor", "carry out what another person proposed", {proposal_argument}},
        {"proposals reject",
         "supervisor",
         "refuse what another person proposed",
         {proposal_argument, note_argument}},
    };
}

std::vector<CommandInfo> changing_commands() {
    return {
        {"exceptions assign",
         "supervisor",
         "give it an owner",
         {exception_argument, {"owner", Kind::word, true, true, "who"}}},
        {"exceptions resolve",
         "supervisor",
         "close it",
         {exception_argument, {"note", Kind::text, true, false, "what was done"}}},
        {"routes up", "supervisor", "use the route again", {route_argument}},
        {"routes down", "supervisor", "use it for nothing; advices queue", {route_argument}},
        {"routes drain", "supervisor", "take no new sale; refunds and reversals go on", {route_argument}},
        {"merchants suspend", "supervisor", "refuse its new transactions (03)", {merchant_argument}},
        {"merchants resume", "supervisor", "take them again", {merchant_argument}},
        {"merchants enable-refund", "supervisor", "let it refund", {merchant_argument}},
        {"merchants disable-refund", "supervisor", "refuse its refunds (58)", {merchant_argument}},
        {"terminals suspend", "supervisor", "refuse its new transactions (97)", {terminal_argument}},
        {"terminals resume", "supervisor", "take them again", {terminal_argument}},
        {"terminals close-batch", "supervisor", "settle its open batch by hand", {terminal_argument}},
        {"keys rotate",
         "security_officer",
         "hand a new ZAK or ZPK over to an issuer (0800, DE70 161)",
         {{"issuer", Kind::word, true, true, "name of the issuer"},
          {"kind", Kind::choice, true, true, "which key", "zak zpk"},
          {"new", Kind::flag, false, false,
           "give up a key that was offered and not answered; the issuer must not have it"}}},
        {"day cutover",
         "admin",
         "close the business day now",
         {{"force", Kind::flag, false, false, "though the day becomes later than tomorrow (two people)"}}},
    };
}

iso8583::Result<void> digits(std::string_view text, std::size_t count) {
    if (text.size() == count && iso8583::all_digits(text)) return {};
    return parse_error("needs " + std::to_string(count) + " digits");
}

template <typename T>
iso8583::Result<void> as(iso8583::Result<T> parsed) {
    if (!parsed) return tl::unexpected(parsed.error());
    return {};
}

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_word(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return iso8583::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
               c == '_' || c == '.';
    });
}

iso8583::Result<void> check_amount(std::string_view text) {
    // Of any currency; the switch checks against its own.
    constexpr std::size_t whole_digits_max = 12, decimals_max = 3;
    const auto dot = text.find('.');
    const std::string_view whole = text.substr(0, dot);
    const std::string_view part = dot == std::string_view::npos ? "0" : text.substr(dot + 1);
    if (whole.empty() || whole.size() > whole_digits_max || part.empty() || !iso8583::all_digits(whole) ||
        !iso8583::all_digits(part))
        return parse_error("needs an amount in major units, as 60 or 60.00");
    if (part.size() > decimals_max) return parse_error("has more decimals than any currency");
    if ((std::string(whole) + std::string(part)).find_first_not_of('0') == std::string::npos)
        return parse_error("has to be more than nothing");
    return {};
}

iso8583::Result<void> check_mmdd(std::string_view text) {
    if (text.size() != 4 || !iso8583::all_digits(text)) return parse_error("needs month and day, as 0612");
    const int month = (text[0] - '0') * 10 + (text[1] - '0');
    const int day = (text[2] - '0') * 10 + (text[3] - '0');
    constexpr int a_leap_year = 2024;
    if (!iso8583::is_valid_date(a_leap_year, month, day)) return parse_error("is no day of the year");
    return {};
}

iso8583::Result<void> check_exception_id(std::string_view text) {
    // 12 characters of an RRN, a dash, a sequence of 8 digits or more.
    if (text.size() < 21 || text.size() > 23 || text[12] != '-' || !iso8583::Rrn::parse(text.substr(0, 12)) ||
        !iso8583::all_digits(text.substr(13)))
        return parse_error("needs an exception's id, as 632500000123-00000007");
    return {};
}

iso8583::Result<void> check_number(std::string_view text, unsigned max) {
    unsigned value = 0;
    constexpr std::size_t digits_max = 7;
    if (!text.empty() && text.size() <= digits_max && iso8583::all_digits(text))
        std::from_chars(text.data(), text.data() + text.size(), value);
    if (value < 1 || value > max) return parse_error("needs a number from 1 to " + std::to_string(max));
    return {};
}

iso8583::Result<void> check_choice(std::string_view choices, std::string_view text) {
    const std::string padded = " " + std::string(choices) + " ";
    if (!text.empty() && text.find(' ') == std::string_view::npos &&
        padded.find(" " + std::string(text) + " ") != std::string::npos)
        return {};
    return parse_error("has to be one of " + std::string(choices));
}

iso8583::Result<void> check_form(const ArgumentInfo& argument, std::string_view text) {
    switch (argument.kind) {
        case Kind::rrn:
            return as(iso8583::Rrn::parse(text));
        case Kind::id:
            if (text.empty() || text.size() > 25 || !is_word(text))
                return parse_error("needs an RRN or a case number");
            return {};
        case Kind::exception_id:
            return check_exception_id(text);
        case Kind::settled_id:
            if (text.find('-') != std::string_view::npos) return check_exception_id(text);
            return as(iso8583::Rrn::parse(text));
        case Kind::proposal_id:
            if (text.empty() || text.size() > 25 || !is_word(text))
                return parse_error("needs a number as the list shows it");
            return {};
        case Kind::authorization:
            return as(iso8583::AuthorizationCode::parse(text));
        case Kind::terminal:
            return digits(text, 8);
        case Kind::merchant:
            return as(iso8583::MerchantId::parse(text));
        case Kind::batch:
        case Kind::trace:
            return digits(text, 6);
        case Kind::last4:
            return digits(text, 4);
        case Kind::amount:
            return check_amount(text);
        case Kind::mmdd:
            return check_mmdd(text);
        case Kind::date:
            return as(iso8583::Date::parse_iso(text));
        case Kind::text:
            if (text.empty() || text.size() > argument_text_max || !is_printable(text))
                return parse_error("needs 1 to " + std::to_string(argument_text_max) +
                                   " printable characters");
            return {};
        case Kind::word:
            if (text.empty() || text.size() > 64 || !is_word(text))
                return parse_error("needs a name of letters, digits, - and _");
            return {};
        case Kind::number:
            return check_number(text, 1'000);
        case Kind::minutes:
            return check_number(text, 525'600);
        case Kind::flag:
            return text == "true" || text == "false" ? iso8583::Result<void>{}
                                                     : parse_error("needs true or false");
        case Kind::choice:
            return check_choice(argument.choices, text);
    }
    return parse_error("cannot be read");
}

}  // namespace

const std::vector<CommandInfo>& commands() {
    static const std::vector<CommandInfo> all = [] {
        std::vector<CommandInfo> list = reading_commands();
        for (auto&& group : {refund_commands(), way_out_commands(), changing_commands()})
            list.insert(list.end(), group.begin(), group.end());
        return list;
    }();
    return all;
}

const CommandInfo* find_command(std::string_view name) {
    for (const CommandInfo& command : commands())
        if (command.name == name) return &command;
    return nullptr;
}

iso8583::Result<void> check_argument(const ArgumentInfo& argument, std::string_view text) {
    auto form = check_form(argument, text);
    if (!form) return parse_error(std::string(argument.name) + ": " + form.error().what);
    return form;
}

}  // namespace acquirer::admin
