#include "switch/config/config_schema.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "switch/config/config_keys.hpp"

namespace acquirer::config {

using iso8583::parse_error;

iso8583::Result<std::string> word(std::string_view text) {
    if (text.empty() || text.size() > 32) return parse_error("needs 1 to 32 characters");
    for (const char c : text)
        if (!(iso8583::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
              c == '_'))
            return parse_error("may hold letters, digits, - and _ only");
    return std::string(text);
}

iso8583::Result<hsm::KeyBlock> key_block(std::string_view text) { return hsm::KeyBlock::parse(text); }

std::optional<std::string> set_endpoints(std::vector<Endpoint>& into, const std::vector<std::string>& texts) {
    constexpr std::size_t addresses_max = 16;
    if (texts.empty() || texts.size() > addresses_max)
        return "needs 1 to " + std::to_string(addresses_max) + " addresses";
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto endpoint = Endpoint::parse(texts[i]);
        if (!endpoint) return "entry " + std::to_string(i + 1) + ": " + endpoint.error().what;
        if (endpoint->port == 0) return "entry " + std::to_string(i + 1) + ": port 0 cannot be connected to";
        if (std::find(into.begin(), into.end(), *endpoint) != into.end())
            return "entry " + std::to_string(i + 1) + " is there twice";
        into.push_back(std::move(*endpoint));
    }
    return std::nullopt;
}

namespace {

iso8583::Result<std::optional<std::int32_t>> minute_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':' || !iso8583::all_digits(text.substr(0, 2)) ||
        !iso8583::all_digits(text.substr(3)))
        return parse_error("needs a time of day as \"23:00\"");
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (hour > 23 || minute > 59) return parse_error("is no time of day");
    return std::optional<std::int32_t>(hour * 60 + minute);
}

std::optional<std::string> set_refund_reasons(RawSwitch& into, std::vector<std::string> codes) {
    constexpr std::size_t codes_max = 64;
    if (codes.empty() || codes.size() > codes_max)
        return "needs 1 to " + std::to_string(codes_max) + " codes";
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::string at = "entry " + std::to_string(i + 1);
        if (auto good = word(codes[i]); !good) return at + " " + good.error().what;
        if (std::find(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(i), codes[i]) !=
            codes.begin() + static_cast<std::ptrdiff_t>(i))
            return at + " is there twice";
    }
    into.refund_reasons = std::move(codes);
    return std::nullopt;
}

iso8583::Result<std::optional<Endpoint>> some_endpoint(std::string_view text) {
    auto endpoint = Endpoint::parse(text);
    if (!endpoint) return tl::unexpected(endpoint.error());
    return std::optional<Endpoint>(std::move(*endpoint));
}

constexpr std::size_t allowed_ranges_max = 256;

Key<RawListen> allow_list(std::string_view name, std::vector<iso8583::IpRange> RawListen::*into) {
    return text_list<RawListen>(
        name, "everybody",
        "Who may connect: addresses and ranges, as 192.0.2.7, 192.0.2.0/24, 2001:db8::/32.",
        [into](RawListen& listen, const std::vector<std::string>& texts) -> std::optional<std::string> {
            if (texts.empty() || texts.size() > allowed_ranges_max)
                return "needs 1 to " + std::to_string(allowed_ranges_max) + " addresses or ranges";
            for (std::size_t i = 0; i < texts.size(); ++i) {
                auto range = iso8583::IpRange::parse(texts[i]);
                if (!range) return "entry " + std::to_string(i + 1) + ": " + range.error().what;
                (listen.*into).push_back(*range);
            }
            return std::nullopt;
        });
}

}  // namespace

const Keys<RawTop>& top_keys() {
    static const Keys<RawTop> keys = {
        boolean<RawTop>(
            "demo",
            "Allows what only a demonstration may do: the test LMK, `refundctl --as`, a quarantine "
            "shorter than the rule.",
            CONFIG_AT(demo)),
        boolean<RawTop>("production",
                        "The switch does not start with what only a trial may have: test keys, one terminal "
                        "master key for "
                        "many terminals unless said, files that others may read, no second place of what was "
                        "acknowledged.",
                        CONFIG_AT(production)),
    };
    return keys;
}

const Keys<RawSwitch>& switch_keys() {
    static const Keys<RawSwitch> keys = {
        required(parsed<RawSwitch>("zone", "IANA time zone", "",
                                   "Local dates and times of messages and people.", CONFIG_AT(zone),
                                   plain_text(64))),
        required(parsed<RawSwitch>("currency", "three digits (ISO 4217)", "",
                                   "The one currency that terminals may use.", CONFIG_AT(currency),
                                   iso8583::Currency::parse)),
        parsed<RawSwitch>("acquirer", "up to 11 digits", "none",
                          "DE32 towards issuers that set none of their own.", CONFIG_AT(acquirer),
                          iso8583::InstitutionId::parse),
        boolean<RawSwitch>("refund_reversal_allowed", "A unionpay-pos terminal may reverse a refund (R33).",
                           CONFIG_AT(refund_reversal_allowed)),
        parsed<RawSwitch>("cutover_at", "time of day \"HH:MM\"", "none: an operator cuts over",
                          "The local time at which the business day is closed every day.",
                          CONFIG_AT(cutover_at_minute), minute_of_day),
        text_list<RawSwitch>("refund_reasons", "quality, service, mistake, promise, duplicate, other",
                             "The codes of `refund open --reason` and of a batch's column reason.",
                             set_refund_reasons),
    };
    return keys;
}

const Keys<RawListen>& listen_keys() {
    static const Keys<RawListen> keys = {
        parsed<RawListen>("unionpay-pos", "address \"HOST:PORT\"", "not listening",
                          "Terminals of the profile unionpay-pos. Port 0: the system chooses.",
                          CONFIG_AT(unionpay_pos), some_endpoint),
        parsed<RawListen>("iso87-ascii", "address \"HOST:PORT\"", "not listening",
                          "Terminals of the profile iso87-ascii.", CONFIG_AT(iso87_ascii), some_endpoint),
        parsed<RawListen>("unionpay-pos-dialect", "name of a dialect, or file", "unionpay-pos",
                          "How messages of those terminals look; a file beside this one.",
                          CONFIG_AT(unionpay_dialect), plain_text(1024)),
        parsed<RawListen>("iso87-ascii-dialect", "name of a dialect, or file", "iso87-ascii",
                          "How messages of those terminals look; a file beside this one.",
                          CONFIG_AT(iso87_dialect), plain_text(1024)),
        parsed<RawListen>("metrics", "address \"HOST:PORT\"", "not listening",
                          "HTTP: /metrics, /healthz, /readyz.", CONFIG_AT(metrics), some_endpoint),
        parsed<RawListen>("unionpay-pos-tls", "name of a [[tls]]", "none: in clear",
                          "TLS for terminals of that profile.", CONFIG_AT(unionpay_tls), word),
        parsed<RawListen>("iso87-ascii-tls", "name of a [[tls]]", "none: in clear",
                          "TLS for terminals of that profile.", CONFIG_AT(iso87_tls), word),
        parsed<RawListen>("metrics-tls", "name of a [[tls]]", "none: in clear", "TLS for monitoring.",
                          CONFIG_AT(metrics_tls), word),
        allow_list("unionpay-pos-allow", &RawListen::unionpay_allow),
        allow_list("iso87-ascii-allow", &RawListen::iso87_allow),
        allow_list("metrics-allow", &RawListen::metrics_allow),
        boolean<RawListen>(
            "protected_channel",
            "Said by you: the way to these ports is protected (a tunnel, a network of its own). "
            "Needed for a port without TLS on an address that is not loopback.",
            CONFIG_AT(protected_channel)),
    };
    return keys;
}

const Keys<DataOptions>& data_keys() {
    static const Keys<DataOptions> keys = {
        parsed<DataOptions>("directory", "path", "data", "The ledger and its keys; --data wins over it.",
                            CONFIG_AT(directory), plain_text(1024)),
        parsed<DataOptions>("control_socket", "path", "control.sock",
                            "The Unix socket of refundctl, in the directory unless it is an absolute path.",
                            CONFIG_AT(control_socket), plain_text(100)),
        parsed<DataOptions>(
            "control_group", "name of a Unix group", "none: the switch's user alone",
            "Whose members may connect to that socket (0660). It then lies outside of the data "
            "directory, which nobody else may enter.",
            CONFIG_AT(control_group), word),
        integer<DataOptions>(
            "disk_free_mib_min", 16, 1'000'000, "MiB",
            "Below this free space new requests are refused; answers and reversals go on (R62).",
            CONFIG_AT(disk_free_mib_min)),
        integer<DataOptions>("wal_mib_max", 16, 65'536, "MiB", "Write-ahead log kept before it is flushed.",
                             CONFIG_AT(wal_mib_max)),
        integer<DataOptions>("cache_mib", 8, 1'000'000, "MiB", "Memory for blocks of the store.",
                             CONFIG_AT(cache_mib)),
        choice<DataOptions, MemoryLock>(
            "memory_lock",
            {{"required", MemoryLock::required}, {"tried", MemoryLock::tried}, {"none", MemoryLock::none}},
            "Keys and card numbers in memory are kept from the swap (mlockall): or the switch does not "
            "start, or "
            "with a warning, or not at all. A demonstration never locks.",
            CONFIG_AT(memory_lock)),
    };
    return keys;
}

const Keys<NoticeOptions>& notice_keys() {
    static const Keys<NoticeOptions> keys = {
        parsed<NoticeOptions>("directory", "path", "none",
                              "Notices to customers and merchants as JSON lines, a file a day; in the data "
                              "directory unless it is an absolute path. Without it nobody is told.",
                              CONFIG_AT(directory), plain_text(1024)),
    };
    return keys;
}

const Keys<HsmOptions>& hsm_keys() {
    static const Keys<HsmOptions> keys = {
        choice<HsmOptions, bool>(
            "mode", {{"embedded", true}, {"tcp", false}},
            "The engine in this process, or host-command servers (hsm-sim, a payShield).",
            CONFIG_AT(embedded)),
        parsed<HsmOptions>("lmk", "\"test\" or a path", "test",
                           "embedded: the local master key. The test LMK is allowed with demo = true only.",
                           CONFIG_AT(lmk), plain_text(1024)),
        text_list<HsmOptions>("addresses", "none",
                              "tcp: \"HOST:PORT\" of each server, also with tcp:// in front; questions "
                              "are spread over those that answer.",
                              [](HsmOptions& h, std::vector<std::string> texts) {
                                  constexpr std::string_view scheme = "tcp://";
                                  for (std::string& text : texts)
                                      if (text.rfind(scheme, 0) == 0) text.erase(0, scheme.size());
                                  return set_endpoints(h.addresses, texts);
                              }),
        integer<HsmOptions>("connections", 1, 64, "", "tcp: connections to each address.",
                            CONFIG_AT(connections)),
        boolean<HsmOptions>("zone_key_exchange",
                            "embedded: new ZAKs and ZPKs may be handed over and taken in under a ZMK without "
                            "officers, so that issuers' keys can be changed while the switch runs.",
                            CONFIG_AT(zone_key_exchange)),
        integer<HsmOptions>("header_characters", 1, 32, "", "tcp: length of the message header.",
                            CONFIG_AT(header_characters)),
        parsed<HsmOptions>("tls", "name of a [[tls]]", "none: in clear", "tcp: TLS to the servers.",
                           CONFIG_AT(tls), word),
        boolean<HsmOptions>("protected_channel",
                            "tcp: said by you: the way to the servers is protected. Needed without TLS where "
                            "they are not on loopback.",
                            CONFIG_AT(protected_channel)),
    };
    return keys;
}

const Keys<Limits>& limits_keys() {
    static const Keys<Limits> keys = {
        integer<Limits>("issuer_reply_timeout_ms", routing::reply_timeout_ms_min,
                        routing::reply_timeout_ms_max, "ms",
                        "How long an issuer may take (R50). Terminals give up after 60 s.",
                        CONFIG_AT(issuer_reply_timeout_ms)),
        integer<Limits>(
            "not_found_quarantine_ms", 1'000, 3'600'000, "ms",
            "R51a: how long after \"not found\" the reversal is tried once more. At least twice the "
            "time-out and 60 s, but with demo = true.",
            CONFIG_AT(not_found_quarantine_ms)),
        integer<Limits>("advice_retry_first_ms", 10, 600'000, "ms",
                        "Wait before the first repeat of an advice.", CONFIG_AT(advice_retry_first_ms)),
        integer<Limits>("advice_retry_longest_ms", 10, 86'400'000, "ms", "Longest wait between repeats.",
                        CONFIG_AT(advice_retry_longest_ms)),
        integer<Limits>("case_expires_days", 1, 365, "days",
                        "A held case ends after so long; a reminder comes after half of it (R77).",
                        CONFIG_AT(case_expires_days)),
        integer<Limits>("proposal_expires_hours", 1, 8'760, "h",
                        "What a second person has not approved for so long lapses.",
                        CONFIG_AT(proposal_expires_hours)),
        integer<Limits>("vault_key_days", 1, 3'650, "days",
                        "Cryptoperiod of the key that seals card numbers: after so long an alarm each day, "
                        "until vault rotate.",
                        CONFIG_AT(vault_key_days)),
        integer<Limits>("vault_key_warn_days", 0, 365, "days", "A warning each day for so long before.",
                        CONFIG_AT(vault_key_warn_days)),
        integer<Limits>("tombstone_hours", 24, 720, "h",
                        "How long a reversal without its original is remembered (R35).",
                        CONFIG_AT(tombstone_hours)),
        integer<Limits>("hsm_reply_timeout_ms", 10, 30'000, "ms", "How long an HSM may take (R64).",
                        CONFIG_AT(hsm_reply_timeout_ms)),
        integer<Limits>("key_change_grace_seconds", 1, 86'400, "s",
                        "How long an issuer's key before a change still verifies; longer than a time-out.",
                        CONFIG_AT(key_change_grace_seconds)),
        integer<Limits>("sign_on_burst", 1, 1'000, "",
                        "Sign-ons of one terminal from one address at once; 96 beyond.",
                        CONFIG_AT(sign_on_burst)),
        integer<Limits>("sign_on_refill_ms", 1, 3'600'000, "ms", "After so long one more of them is allowed.",
                        CONFIG_AT(sign_on_refill_ms)),
        integer<Limits>("sign_ons_per_address_second_max", 0, 100'000, "",
                        "Sign-ons of all terminals from one address in a second; 0 is off.",
                        CONFIG_AT(sign_ons_per_address_second_max)),
        integer<Limits>(
            "bad_macs_per_minute_max", 1, 10'000, "",
            "Wrong MACs of one terminal from one address; beyond it their answers are held back a "
            "second each, with an alarm (R40).",
            CONFIG_AT(bad_macs_per_minute_max)),
        integer<Limits>("pending_max", 1, 1'000'000, "",
                        "Transactions that wait for an issuer or the HSM; 96 beyond.",
                        CONFIG_AT(pending_max)),
        integer<Limits>("terminal_pending_max", 1, 1'000'000, "",
                        "The same of one terminal: it takes no room from the others; 96 beyond.",
                        CONFIG_AT(terminal_pending_max)),
        integer<Limits>("askers_max", 1, 64, "", "Connections joined to one answer (R22).",
                        CONFIG_AT(askers_max)),
        integer<Limits>(
            "lines_per_second", 1, 1'000, "",
            "Lines of batches of refunds that are run in a second, of all batches together (R100).",
            CONFIG_AT(lines_per_second)),
    };
    return keys;
}

const Keys<ShellLimits>& shell_keys() {
    static const Keys<ShellLimits> keys = {
        integer<ShellLimits>("terminal_links_max", 1, 1'000'000, "", "Open terminal connections.",
                             CONFIG_AT(terminal_links_max)),
        integer<ShellLimits>("idle_link_seconds", 10, 86'400, "s",
                             "A terminal connection without a message for so long is closed.",
                             CONFIG_AT(idle_link_seconds)),
        integer<ShellLimits>("links_per_address_percent_max", 1, 100, "percent of terminal_links_max",
                             "Terminal connections from one address (of IPv6: one /64); 100 is off.",
                             CONFIG_AT(links_per_address_percent_max)),
        integer<ShellLimits>("unverified_link_seconds", 5, 86'400, "s",
                             "A terminal connection on which no MAC has verified for so long is closed.",
                             CONFIG_AT(unverified_link_seconds)),
        integer<ShellLimits>(
            "bad_links_per_address_minute_max", 1, 1'000'000, "",
            "Terminal connections from one address that had to be closed for what they sent; "
            "beyond it that address gets none for a while, unless a terminal there has verified.",
            CONFIG_AT(bad_links_per_address_minute_max)),
        integer<ShellLimits>("control_idle_seconds", 5, 86'400, "s",
                             "A control connection that asks nothing for so long is closed.",
                             CONFIG_AT(control_idle_seconds)),
        integer<ShellLimits>(
            "peer_user_timeout_ms", 1'000, 600'000, "ms",
            "How long what was sent to an issuer or HSM may stay unacknowledged by its machine "
            "before the connection is given up (TCP_USER_TIMEOUT).",
            CONFIG_AT(peer_user_timeout_ms)),
        integer<ShellLimits>(
            "link_timeouts_max", 1, 1'000, "",
            "Requests in a row without any answer on an issuer connection; then an echo goes out "
            "at once.",
            CONFIG_AT(link_timeouts_max)),
        integer<ShellLimits>("link_probe_ms", 100, 60'000, "ms",
                             "How long the answer to that echo may take; the connection is closed beyond.",
                             CONFIG_AT(link_probe_ms)),
        integer<ShellLimits>("outbox_kib_max", 16, 65'536, "KiB",
                             "What may wait to be sent on one connection; it is closed beyond.",
                             CONFIG_AT(outbox_kib_max)),
        integer<ShellLimits>("keepalives_per_minute_max", 1, 100'000, "",
                             "Frames of length zero on one connection, terminal's or issuer's; it is closed "
                             "beyond.",
                             CONFIG_AT(keepalives_per_minute_max)),
        integer<ShellLimits>("request_inbox_max", 16, 1'000'000, "",
                             "Requests waiting for the core; terminal sockets are not read beyond.",
                             CONFIG_AT(request_inbox_max)),
        integer<ShellLimits>("drain_seconds_max", 1, 600, "s", "How long a stop waits for what is in flight.",
                             CONFIG_AT(drain_seconds_max)),
    };
    return keys;
}

const Keys<RefundPolicy>& refund_keys() {
    static const Keys<RefundPolicy> keys = {
        integer<RefundPolicy>("window_days", 0, routing::window_days_max, "business days",
                              "How long a sale can be refunded; 0 ends with its business day (R16).",
                              CONFIG_AT(window_days)),
        amount<RefundPolicy>("refund_amount_max", "One refund at most (R24: 61).",
                             CONFIG_AT(refund_amount_max)),
        integer<RefundPolicy>("refunds_per_terminal_day_max", 1, 1'000'000, "a terminal and business day",
                              "Accepted and held refunds (R24: 65).",
                              CONFIG_AT(refunds_per_terminal_day_max)),
        amount<RefundPolicy>("approval_amount_above", "A larger refund waits for a checker (R17).",
                             CONFIG_AT(approval_amount_above)),
        amount<RefundPolicy>("approval_keyed_amount_above",
                             "The same for a card that was keyed in (DE22 01x).",
                             CONFIG_AT(approval_keyed_amount_above)),
        integer<RefundPolicy>("repeat_refund_seconds", 0, 86'400, "s",
                              "The same sale and amount refunded again so soon is held (R20b); 0 is off.",
                              CONFIG_AT(repeat_refund_seconds)),
        choice<RefundPolicy, RefundBeforeSettlement>(
            "before_settlement",
            {{"allow", RefundBeforeSettlement::allow},
             {"suggest_void", RefundBeforeSettlement::suggest_void},
             {"turn_into_void", RefundBeforeSettlement::turn_into_void}},
            "A refund of the whole sale from its own terminal while a void is possible: done, refused (12, "
            "\"VOID INSTEAD\"), or made a void (R9).",
            CONFIG_AT(before_settlement)),
        integer<RefundPolicy>("approval_age_days", 0, routing::window_days_max, "business days",
                              "A refund of an older sale waits for a checker (R29).",
                              CONFIG_AT(approval_age_days)),
        choice<RefundPolicy, RefundFunding>(
            "funding",
            {{"none", RefundFunding::none},
             {"net_sales", RefundFunding::net_sales},
             {"reserve", RefundFunding::reserve}},
            "What has to cover a refund: nothing, the merchant's sales less refunds of the open day, or its "
            "reserve (R27).",
            CONFIG_AT(funding)),
        choice<RefundPolicy, OnCaution>(
            "on_short", {{"hold", OnCaution::hold}, {"refuse", OnCaution::refuse}},
            "A refund that is not covered waits (01), or is refused (51).", CONFIG_AT(on_short)),
        integer<RefundPolicy>("reserve_percent", 0, ledger::reserve_percent_max, "percent",
                              "What of each sale the reserve keeps back, with funding = \"reserve\" (R104).",
                              CONFIG_AT(reserve_percent)),
        amount<RefundPolicy>("reserve_max", "Until the reserve holds so much (R104).",
                             CONFIG_AT(reserve_max)),
        choice<RefundPolicy, ledger::FeeReturn>(
            "fee_on_refund",
            {{"keep", ledger::FeeReturn::keep},
             {"return_proportional", ledger::FeeReturn::return_proportional},
             {"return_on_full", ledger::FeeReturn::return_on_full}},
            "What a refund returns of its sale's fee: nothing, its share, or all of it with the last part.",
            CONFIG_AT(fee_on_refund)),
        integer<RefundPolicy>(
            "refund_ratio_percent_max", 1, 100, "percent",
            "Refunds of the merchant against its sales, of the last 30 business days (R28).",
            CONFIG_AT(refund_ratio_percent_max)),
        choice<RefundPolicy, RatioOf>("refund_ratio_of",
                                      {{"count", RatioOf::count}, {"amount", RatioOf::amount}},
                                      "What the ratio compares.", CONFIG_AT(refund_ratio_of)),
        integer<RefundPolicy>("ratio_sales_min", 1, 1'000'000, "sales",
                              "Before so many sales in those days no ratio is judged.",
                              CONFIG_AT(ratio_sales_min)),
        integer<RefundPolicy>("refunds_per_card_day_max", 1, 1'000'000, "a card, merchant and business day",
                              "Accepted and held refunds (R28).", CONFIG_AT(refunds_per_card_day_max)),
        integer<RefundPolicy>(
            "refunds_per_operator_day_max", 1, 1'000'000, "an operator number, merchant and business day",
            "Accepted and held refunds (R28); the number is DE63.1 of the terminal's sign-on.",
            CONFIG_AT(refunds_per_operator_day_max)),
        integer<RefundPolicy>(
            "refunds_per_terminal_day_caution", 1, 1'000'000, "a terminal and business day",
            "Accepted and held refunds (R28); refunds_per_terminal_day_max is R24's bound, which refuses.",
            CONFIG_AT(refunds_per_terminal_day_caution)),
        integer<RefundPolicy>("refunds_per_merchant_day_max", 1, 1'000'000, "a merchant and business day",
                              "Accepted and held refunds (R28).", CONFIG_AT(refunds_per_merchant_day_max)),
        choice<RefundPolicy, OnCaution>(
            "on_fraud", {{"hold", OnCaution::hold}, {"refuse", OnCaution::refuse}},
            "A refund over a bound of R28 waits (01), or is refused (59).", CONFIG_AT(on_fraud)),
    };
    return keys;
}

}  // namespace acquirer::config
