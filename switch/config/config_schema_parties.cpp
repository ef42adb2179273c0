// The keys of those the switch talks to: issuers, IIN ranges, merchants, terminals, operators.
#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "switch/config/config_keys.hpp"
#include "switch/core/till_operators.hpp"

namespace acquirer::config {

namespace {

template <typename At>
Key<routing::ResponseCodeLists> code_list(std::string_view name, std::string_view meaning, At at) {
    routing::ResponseCodeLists defaults;
    std::string shown;
    for (const auto& code : at(defaults).codes()) shown += (shown.empty() ? "" : " ") + code.str();
    return text_list<routing::ResponseCodeLists>(
        name, shown, meaning,
        [at](routing::ResponseCodeLists& lists,
             const std::vector<std::string>& texts) -> std::optional<std::string> {
            auto set = routing::ResponseCodeSet::parse(texts);
            if (!set) return set.error().what;
            at(lists) = std::move(*set);
            return std::nullopt;
        });
}

/// A word of the route's own enum, as routing::name() says it.
template <typename Value, typename At>
Key<RawIssuer> route_choice(std::string_view name, const std::vector<Value>& values, std::string_view meaning,
                            At at) {
    std::vector<Choice<Value>> choices;
    choices.reserve(values.size());
    for (const Value value : values) choices.push_back({routing::name(value), value});
    return choice<RawIssuer, Value>(name, std::move(choices), meaning, at);
}

Keys<RawIssuer> identity_keys() {
    return {
        required(integer<RawIssuer>(
            "id", 1, 65'535, "", "The route's number, stored on every sale: never give it to another issuer.",
            CONFIG_AT(route.id.value))),
        required(parsed<RawIssuer>("name", "word", "", "The route's name in commands, views and metrics.",
                                   CONFIG_AT(route.name), word)),
        required(text_list<RawIssuer>("addresses", "", "\"HOST:PORT\" of each host of the issuer.",
                                      [](RawIssuer& issuer, const std::vector<std::string>& texts) {
                                          return set_endpoints(issuer.connections.addresses, texts);
                                      })),
        integer<RawIssuer>("connections", 1, 64, "", "Connections to each address.",
                           CONFIG_AT(connections.connections)),
        parsed<RawIssuer>("tls", "name of a [[tls]]", "none: in clear", "TLS to its hosts.",
                          CONFIG_AT(connections.tls), word),
        boolean<RawIssuer>("protected_channel",
                           "Said by you: the way to its hosts is protected (a tunnel, a leased line). Needed "
                           "without TLS where they are not on loopback.",
                           CONFIG_AT(connections.protected_channel)),
        parsed<RawIssuer>("dialect", "name of a dialect, or file", "iso87-ascii",
                          "How its messages look: built in, or a file (TOML, JSON, XML) beside this one.",
                          CONFIG_AT(route.dialect), plain_text(1024)),
        parsed<RawIssuer>("acquirer", "up to 11 digits", "that of [switch]",
                          "DE32 and DE90 towards this issuer.", CONFIG_AT(route.acquirer),
                          iso8583::InstitutionId::parse),
        parsed<RawIssuer>("forwarder", "up to 11 digits", "none", "DE33 and DE90.",
                          CONFIG_AT(route.forwarder), iso8583::InstitutionId::parse),
        boolean<RawIssuer>("retired", "Takes no new sale; refunds go to the successor or become a case (01).",
                           CONFIG_AT(route.retired)),
        parsed<RawIssuer>("successor", "name of an issuer", "none", "Only of a retired one.",
                          CONFIG_AT(successor), word),
    };
}

Keys<RawIssuer> message_keys() {
    using namespace routing;
    return {
        route_choice<SaleMode>("sale_mode", {SaleMode::financial_0200, SaleMode::authorization_0100},
                               "How a sale is asked for; what asks with 0100 is completed by a 0220.",
                               CONFIG_AT(route.sale_mode)),
        route_choice<RouteKind>(
            "kind", {RouteKind::card, RouteKind::wallet},
            "A wallet works at refunds by itself: 09 to a refund is \"processing\", and it is asked until it "
            "says (R80).",
            CONFIG_AT(route.kind)),
        route_choice<RefundMode>(
            "refund_mode", {RefundMode::advice, RefundMode::online},
            "Refunds as 0220 from the queue, or as 0200 before the terminal is answered.",
            CONFIG_AT(route.refund_mode)),
        route_choice<VoidMode>("void_mode", {VoidMode::online_0200, VoidMode::reversal_0420},
                               "Voids as 0200 with DE3 02xxxx, or as a 0420 of the sale.",
                               CONFIG_AT(route.void_mode)),
        route_choice<AuthorizationVoidMode>(
            "authorization_void_mode",
            {AuthorizationVoidMode::reversal_0420, AuthorizationVoidMode::online_0100},
            "Voids of an authorization as a 0420 of its 0100, or as 0100 with DE3 02xxxx (R91).",
            CONFIG_AT(route.authorization_void_mode)),
        route_choice<RouteMac>("mac", {RouteMac::retail, RouteMac::aes_cmac}, "The MAC in DE64/DE128.",
                               CONFIG_AT(route.mac)),
        route_choice<SettlementHalf>("settlement_half", {SettlementHalf::domestic, SettlementHalf::foreign},
                                     "The half of DE48 that this issuer's transactions are settled in.",
                                     CONFIG_AT(route.settlement_half)),
        choice<RawIssuer, std::string>("mac_padding", {{"zeros", "zeros"}, {"bit", "bit"}},
                                       "ISO 9797-1 padding 1 or 2 of a retail MAC.", CONFIG_AT(mac_padding)),
        required(parsed<RawIssuer>("zak", "key block under the LMK", "", "The key of the MAC.",
                                   CONFIG_AT(keys.zak), key_block)),
        required(parsed<RawIssuer>("zpk", "key block under the LMK", "", "The key of PIN blocks.",
                                   CONFIG_AT(keys.zpk), key_block)),
        parsed<RawIssuer>("zmk", "key block under the LMK", "none",
                          "What new ZAKs and ZPKs travel under (0800, DE70 161); without it none can.",
                          CONFIG_AT(keys.zmk), key_block),
        choice<RawIssuer, hsm::PinBlockFormat>("pin_block_format",
                                               {{"iso0", hsm::PinBlockFormat::iso0},
                                                {"iso3", hsm::PinBlockFormat::iso3},
                                                {"iso4", hsm::PinBlockFormat::iso4}},
                                               "ISO 9564-1 format of DE52; iso4 needs an AES ZPK.",
                                               CONFIG_AT(keys.pin_block_format)),
    };
}

iso8583::Result<std::string> amount_type(std::string_view text) {
    if (text.size() == 2 && iso8583::all_digits(text)) return std::string(text);
    return iso8583::parse_error("two digits are needed");
}

Keys<RawIssuer> bound_keys() {
    using namespace routing;
    return {
        with_default(integer<RawIssuer>("reply_timeout_ms", reply_timeout_ms_min, reply_timeout_ms_max, "ms",
                                        "As issuer_reply_timeout_ms, for this issuer.",
                                        CONFIG_AT(route.reply_timeout_ms)),
                     "that of [limits]"),
        with_default(
            integer<RawIssuer>("not_found_quarantine_ms", 1'000, 3'600'000, "ms",
                               "As in [limits], for this issuer.", CONFIG_AT(route.not_found_quarantine_ms)),
            "that of [limits]"),
        boolean<RawIssuer>(
            "partial_approval",
            "A sale may be approved in part (10) when its terminal asks for it, 60.6 = 1 (R26).",
            CONFIG_AT(route.partial_approval)),
        parsed<RawIssuer>("wallet_funded_type", "two digits", "80",
                          "Amount type in DE54 of a sale's answer: what the wallet paid of it (R102).",
                          CONFIG_AT(route.wallet_funded_type), amount_type),
        parsed<RawIssuer>("merchant_funded_type", "two digits", "81",
                          "Amount type in DE54: what the merchant gave as a discount (R102).",
                          CONFIG_AT(route.merchant_funded_type), amount_type),
        boolean<RawIssuer>(
            "blind_reversal",
            "A reversal whose original is not known goes to this issuer all the same, by its card (R35).",
            CONFIG_AT(route.blind_reversal)),
        integer<RawIssuer>("completion_percent_max", 1, completion_percent_most, "%",
                           "A completion is of at most so much of the authorized amount (R92).",
                           CONFIG_AT(route.completion_percent_max)),
        integer<RawIssuer>("authorization_days", 1, authorization_days_max, "calendar days",
                           "Until the end of so many days after its own an authorization can be completed; "
                           "then it lapses (R92, R95).",
                           CONFIG_AT(route.authorization_days)),
        boolean<RawIssuer>("reverse_lapsed", "The issuer is told of an authorization that lapses (R95).",
                           CONFIG_AT(route.reverse_lapsed)),
        integer<RawIssuer>("in_flight_max", 1, route_in_flight_max, "",
                           "Requests awaiting this issuer; 96 beyond.", CONFIG_AT(route.in_flight_max)),
        integer<RawIssuer>("window_days", 0, window_days_max, "business days",
                           "Refund window of this route; the shorter of it and the merchant's holds (R16).",
                           CONFIG_AT(route.window_days)),
        integer<RawIssuer>("advices_in_flight_max", 1, route_in_flight_max, "",
                           "Advices awaiting this issuer.", CONFIG_AT(route.advices_in_flight_max)),
        with_default(integer<RawIssuer>("advice_retry_first_ms", 10, 600'000, "ms", "As in [limits].",
                                        CONFIG_AT(route.advice_retry_first_ms)),
                     "that of [limits]"),
        with_default(integer<RawIssuer>("advice_retry_longest_ms", 10, 86'400'000, "ms", "As in [limits].",
                                        CONFIG_AT(route.advice_retry_max_ms)),
                     "that of [limits]"),
        integer<RawIssuer>("advice_attempts_max", 1, 1'000'000, "",
                           "Attempts after which an advice is parked for a person (R60).",
                           CONFIG_AT(route.advice_attempts_max)),
        integer<RawIssuer>("stale_after_minutes", 1, 525'600, "minutes",
                           "An advice that waited longer is not sent without a person's word (R60, R73).",
                           CONFIG_AT(route.stale_after_minutes)),
        integer<RawIssuer>(
            "processing_poll_seconds", 1, poll_seconds_max, "s",
            "Of a wallet: how often it is asked what became of a refund that is processing (R80).",
            CONFIG_AT(route.wallet.poll_seconds)),
        integer<RawIssuer>(
            "processing_days_max", 1, processing_days_bound, "days",
            "Of a wallet: a refund that is processing for longer is parked for a person (R80).",
            CONFIG_AT(route.wallet.processing_days_max)),
        integer<RawIssuer>("refund_spacing_seconds", 0, spacing_seconds_max, "s",
                           "Of a wallet: distance between two refunds of one sale; 0 is none.",
                           CONFIG_AT(route.wallet.spacing_seconds)),
        integer<RawIssuer>("refunds_per_sale_max", 1, refunds_per_sale_bound, "refunds",
                           "Of a wallet: refunds of one sale that count; 65 beyond (R80).",
                           CONFIG_AT(route.wallet.per_sale_max)),
        integer<RawIssuer>("echo_seconds", 5, 3'600, "s", "Silence after which an echo is sent.",
                           CONFIG_AT(connections.echo_seconds)),
        integer<RawIssuer>("reconnect_first_ms", 10, 60'000, "ms",
                           "Wait before a lost connection is made again.",
                           CONFIG_AT(connections.reconnect_first_ms)),
        integer<RawIssuer>("reconnect_longest_ms", 10, 600'000, "ms", "Longest such wait.",
                           CONFIG_AT(connections.reconnect_longest_ms)),
    };
}

}  // namespace

const Keys<RawIssuer>& issuer_keys() {
    static const Keys<RawIssuer> keys = [] {
        Keys<RawIssuer> all = identity_keys();
        for (auto&& group : {message_keys(), bound_keys()}) all.insert(all.end(), group.begin(), group.end());
        return all;
    }();
    return keys;
}

const Keys<routing::ResponseCodeLists>& code_keys() {
    static const Keys<routing::ResponseCodeLists> keys = {
        code_list("approved", "Answers to 01xx and 02xx that approve.", CONFIG_AT(approved)),
        code_list("partly_approved", "Answers that approve a part, their DE4 (R26, R26a).",
                  CONFIG_AT(partly_approved)),
        code_list("unknown", "Answers that say nothing of the outcome: in doubt, reversed (R50).",
                  CONFIG_AT(unknown)),
        code_list("declined", "Answers that decline. A code in none of the four: in doubt, reversed, alarm.",
                  CONFIG_AT(declined)),
        code_list("advice_approved", "Answers to 0220 and 0221 that approve.", CONFIG_AT(advice_approved)),
        code_list("advice_processing",
                  "Answers to 0220 and 0221 of a wallet that has accepted the refund and works at it (R80).",
                  CONFIG_AT(advice_processing)),
        code_list("advice_repeat_unclear", "Refusals of a 0221 that may mean that the issuer has it: parked.",
                  CONFIG_AT(advice_repeat_unclear)),
        code_list("reversal_done", "Answers to 0420 and 0421 that end the reversal.",
                  CONFIG_AT(reversal_done)),
        code_list("reversal_stuck", "Refusals of a reversal of an approved original.",
                  CONFIG_AT(reversal_stuck)),
        code_list("reversal_not_found", "The issuer does not know the original in doubt (R51a).",
                  CONFIG_AT(reversal_not_found)),
        code_list("retry", "Answers to advices and reversals that ask for a repeat.", CONFIG_AT(retry)),
    };
    return keys;
}

const Keys<RawIin>& iin_keys() {
    static const Keys<RawIin> keys = {
        required(parsed<RawIin>(
            "range", "\"621234-621299\"", "",
            "First digits of cards, 6 to 11 digits, both ends included; the longest prefix wins.",
            CONFIG_AT(range),
            [](std::string_view text) -> iso8583::Result<routing::IinRange> {
                const std::size_t dash = text.find('-');
                routing::IinRange range{std::string(text.substr(0, dash)),
                                        std::string(dash == text.npos ? text : text.substr(dash + 1)),
                                        {routing::RouteId{1}}};
                // The table's own check, so that there is one set of rules.
                auto table = routing::IinTable::build({range});
                if (!table) return tl::unexpected(table.error());
                return range;
            })),
        required(
            text_list<RawIin>("routes", "", "Names of issuers, in order of preference.",
                              [](RawIin& iin, std::vector<std::string> texts) -> std::optional<std::string> {
                                  constexpr std::size_t most = routing::IinTable::routes_per_range_max;
                                  if (texts.empty() || texts.size() > most)
                                      return "needs 1 to " + std::to_string(most) + " names";
                                  iin.routes = std::move(texts);
                                  return std::nullopt;
                              })),
    };
    return keys;
}

const Keys<MerchantConfig>& merchant_keys() {
    static const Keys<MerchantConfig> keys = {
        required(parsed<MerchantConfig>("id", "15 characters", "", "DE42.", CONFIG_AT(id),
                                        iso8583::MerchantId::parse)),
        parsed<MerchantConfig>("name", "text", "the id", "For people.", CONFIG_AT(name), plain_text(80)),
        boolean<MerchantConfig>("suspended", "New 02xx are refused (03); retries and reversals pass.",
                                CONFIG_AT(suspended)),
        boolean<MerchantConfig>("refund_enabled", "The merchant may refund (R24: else 58).",
                                CONFIG_AT(refund_enabled)),
    };
    return keys;
}

namespace {

std::optional<std::string> set_certificate_names(RawTerminals& into, std::vector<std::string> names) {
    if (auto fault = fault_of_names(names)) return fault;
    into.range.certificate_names = std::move(names);
    return std::nullopt;
}

}  // namespace

const Keys<RawTerminals>& terminals_keys() {
    static const Keys<RawTerminals> keys = {
        required(parsed<RawTerminals>("first", "8 digits", "", "DE41 of the first terminal of the range.",
                                      CONFIG_AT(first), plain_text(8))),
        required(parsed<RawTerminals>("last", "8 digits", "", "DE41 of the last one, included.",
                                      CONFIG_AT(last), plain_text(8))),
        required(parsed<RawTerminals>("merchant", "id of a merchant", "", "DE42 of all of them.",
                                      CONFIG_AT(merchant), plain_text(15))),
        required(choice<RawTerminals, Profile>(
            "profile", {{"unionpay-pos", Profile::unionpay_pos}, {"iso87-ascii", Profile::iso87}},
            "How they speak.", CONFIG_AT(range.profile))),
        with_default(choice<RawTerminals, std::optional<hsm::MacAlgorithm>>(
                         "mac",
                         {{"ecb", hsm::MacAlgorithm::unionpay_ecb},
                          {"retail", hsm::MacAlgorithm::retail},
                          {"cmac", hsm::MacAlgorithm::aes_cmac}},
                         "The MAC in DE64/DE128. ecb can be forged by who sees one message: it needs "
                         "protected_channel = true.",
                         CONFIG_AT(mac)),
                     "retail for iso87-ascii; unionpay-pos must say it"),
        boolean<RawTerminals>(
            "protected_channel",
            "You say that nobody else reads or writes between these terminals and the port.",
            CONFIG_AT(range.protected_channel)),
        boolean<RawTerminals>(
            "single_length_keys",
            "unionpay-pos: a sign-on may ask for single-length keys (60.3 = 001); mac = \"ecb\" "
            "alone.",
            CONFIG_AT(range.single_length_keys)),
        text_list<RawTerminals>(
            "certificate_names", "any that the port lets in",
            "Whose certificates may speak for these terminals: DNS names. Another one's connection "
            "is closed, with an alarm. Needs TLS with an authority on the port.",
            set_certificate_names),
        boolean<RawTerminals>(
            "shared_keys",
            "You say that these terminals have the same key blocks as others, or each other's: "
            "who opens one terminal opens all of them. Needed with production = true.",
            CONFIG_AT(shared_keys)),
        choice<RawTerminals, hsm::MacPadding>(
            "mac_padding", {{"zeros", hsm::MacPadding::zeros}, {"bit", hsm::MacPadding::bit}},
            "ISO 9797-1 padding 1 or 2.", CONFIG_AT(range.mac.padding)),
        parsed<RawTerminals>("tmk", "key block under the LMK", "none",
                             "unionpay-pos, required: the master key that sign-on sends working keys under.",
                             CONFIG_AT(range.tmk), key_block),
        parsed<RawTerminals>("tak", "key block under the LMK", "none",
                             "iso87-ascii, required: the key of the MAC.", CONFIG_AT(range.tak), key_block),
        parsed<RawTerminals>("tpk", "key block under the LMK", "none",
                             "iso87-ascii, required: the key of PIN blocks.", CONFIG_AT(range.tpk),
                             key_block),
    };
    return keys;
}

namespace {

std::optional<std::string> set_terminal_operators(OperatorAccount& account,
                                                  const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::string entry = "entry " + std::to_string(i + 1);
        const std::size_t slash = texts[i].rfind('/');
        if (slash == std::string::npos) return entry + " has to be MERCHANT/NUMBER";
        const auto merchant = iso8583::MerchantId::parse(std::string_view(texts[i]).substr(0, slash));
        if (!merchant) return entry + ": merchant: " + merchant.error().what;
        TillOperator at{*merchant, till_operator_number(std::string_view(texts[i]).substr(slash + 1))};
        if (at.number.empty() || at.number != texts[i].substr(slash + 1))
            return entry + ": number: 1 to " + std::to_string(TillOperator::number_characters_max) +
                   " digits or letters are needed";
        const auto& known = account.terminal_operators;
        if (std::find(known.begin(), known.end(), at) != known.end()) return entry + " is there twice";
        account.terminal_operators.push_back(std::move(at));
    }
    return std::nullopt;
}

}  // namespace

const Keys<OperatorAccount>& operator_keys() {
    static const Keys<OperatorAccount> keys = {
        required(integer<OperatorAccount>("uid", 0, 4'294'967'294, "",
                                          "Unix user id of the control socket's peer.", CONFIG_AT(uid))),
        required(parsed<OperatorAccount>("name", "word", "", "The name in the audit log and in cases.",
                                         CONFIG_AT(name), word)),
        required(text_list<OperatorAccount>(
            "roles", "", "viewer, operator, supervisor, security_officer, admin; each includes viewer.",
            [](OperatorAccount& account,
               const std::vector<std::string>& texts) -> std::optional<std::string> {
                if (texts.empty()) return std::string("needs at least one role");
                for (std::size_t i = 0; i < texts.size(); ++i) {
                    const auto role = parse_role(texts[i]);
                    if (!role) return "entry " + std::to_string(i + 1) + ": " + role.error().what;
                    if (std::find(account.roles.begin(), account.roles.end(), *role) != account.roles.end())
                        return "entry " + std::to_string(i + 1) + " is there twice";
                    account.roles.push_back(*role);
                }
                return std::nullopt;
            })),
        text_list<OperatorAccount>("terminal_operators", "[]",
                                   "\"MERCHANT/NUMBER\" each: who this person is at tills (DE63.1 of the "
                                   "sign-on); what was made there "
                                   "another person approves.",
                                   set_terminal_operators),
    };
    return keys;
}

}  // namespace acquirer::config
