// [retention]: how long what is finished is kept, and that no rule needs it for longer.
#include <algorithm>

#include "switch/config/config_builder.hpp"
#include "switch/config/config_keys.hpp"
#include "switch/core/caution.hpp"
#include "switch/core/reconciliation.hpp"

namespace acquirer::config {

namespace {

constexpr std::int64_t retention_days_max = 36'500;
/// Ruling 41: so long a key, a slot and a tombstone are looked at.
constexpr std::int32_t key_days = 30;
constexpr std::int32_t hours_a_day = 24;

/// The longest time that something needs, and the setting that says so.
struct Longest {
    std::int32_t days = 0;
    std::string setting;
    void need(std::int64_t wanted, std::string by) {
        if (wanted <= days) return;
        days = static_cast<std::int32_t>(wanted);
        setting = std::move(by);
    }
};

/// Refunds of a sale, and what names or completes it.
Longest longest_of_stories(const RawConfig& raw) {
    Longest most;
    std::int64_t by_routes = 0;
    for (const auto& [path, issuer] : raw.issuers) {
        by_routes = std::max<std::int64_t>(by_routes, issuer.route.window_days);
        most.need(issuer.route.authorization_days, path + ".authorization_days");
    }
    const auto window = [&](std::int32_t days, const std::string& setting) {
        most.need(std::min<std::int64_t>(days, by_routes), setting);
    };
    if (raw.merchants.empty()) window(raw.refund.window_days, "refund.window_days");
    for (const auto& [path, merchant] : raw.merchants) {
        const bool own = merchant.refund.window_days != raw.refund.window_days;
        window(merchant.refund.window_days, own ? path + ".refund.window_days" : "refund.window_days");
        if (merchant.refund.refund_ratio_percent_max)
            most.need(caution::ratio_days, "refund.refund_ratio_percent_max");
    }
    most.need(raw.limits.case_expires_days, "limits.case_expires_days");
    most.need(key_days, "the keys of requests");
    most.need((raw.limits.tombstone_hours + hours_a_day - 1) / hours_a_day, "limits.tombstone_hours");
    return most;
}

std::string said(const std::string& name, std::int32_t days) {
    return name + " (" + std::to_string(days) + " days)";
}

}  // namespace

const Keys<RetentionDays>& retention_keys() {
    const auto days = [](std::string_view name, std::string_view meaning, auto at) {
        return integer<RetentionDays>(name, 0, retention_days_max, "business days; 0: for ever", meaning, at);
    };
    static const Keys<RetentionDays> keys = {
        days("card_numbers_days",
             "Sealed card numbers of finished transactions; masked number and token stay. Longer than "
             "anything that may still go back to the card.",
             CONFIG_AT(card_numbers)),
        days("requests_days", "Keys of answered requests, by which a repeat is known (R20); at least 30.",
             CONFIG_AT(requests)),
        days("transactions_days",
             "Finished sales and authorizations with their refunds, voids, keys, closed exceptions and "
             "disputes. Sums stay.",
             CONFIG_AT(transactions)),
        days("exceptions_days", "Exceptions after they were closed.", CONFIG_AT(exceptions)),
        days("proposals_days", "Proposals after they were decided or lapsed.", CONFIG_AT(proposals)),
        days("batches_days", "Batches of refunds with their lines (R100), after their end.",
             CONFIG_AT(batches)),
        days("reconciliation_days",
             "What issuers' files said of each transaction (R101), when no difference is open; the days that "
             "were compared, the files' records.",
             CONFIG_AT(reconciliation)),
        days("notices_days", "Notices after they were delivered; the newest 100,000 stay at most anyway.",
             CONFIG_AT(notices)),
        boolean<RetentionDays>("daily",
                               "A run after each end of a business day; false: only by refundctl purge run.",
                               CONFIG_AT(daily)),
    };
    return keys;
}

void check_retention(const RawConfig& raw, Reader& reader) {
    const RetentionDays& r = raw.retention;
    const Longest story = longest_of_stories(raw);
    const auto longer = [&](const char* key, std::int32_t days, const Longest& needed) {
        if (days > 0 && days <= needed.days)
            reader.problem(std::string("retention.") + key,
                           "is " + std::to_string(days) + ", more than " + said(needed.setting, needed.days) +
                               " is needed: what is purged can be found no more");
    };
    longer("card_numbers_days", r.card_numbers, story);
    Longest whole = story;
    for (const auto& [path, issuer] : raw.issuers)
        whole.need(issuer.files.recon_days + recon_days_back, path + ".recon.recon_days and the " +
                                                                  std::to_string(recon_days_back) +
                                                                  " days that are compared again");
    longer("transactions_days", r.transactions, whole);
    if (r.requests > 0 && r.requests < key_days)
        reader.problem("retention.requests_days", "is " + std::to_string(r.requests) + ", at least " +
                                                      std::to_string(key_days) +
                                                      " is needed: so long a repeat is known (R20)");
    Longest compared;
    for (const auto& [path, issuer] : raw.issuers)
        compared.need(issuer.files.recon_days + recon_days_back, path + ".recon.recon_days and the " +
                                                                     std::to_string(recon_days_back) +
                                                                     " days that are compared again");
    longer("reconciliation_days", r.reconciliation, compared);
    // What a repeat of a file is known by has to outlive the window in which its lines could be paid again.
    longer("batches_days", r.batches, story);
    const std::pair<const char*, std::int32_t> parts[] = {{"card_numbers_days", r.card_numbers},
                                                          {"requests_days", r.requests}};
    for (const auto& [key, days] : parts)
        if (r.transactions > 0 && days > r.transactions)
            reader.problem(std::string("retention.") + key,
                           "is " + std::to_string(days) + ", but " +
                               said("retention.transactions_days", r.transactions) +
                               " lets the whole transaction go before");
}

}  // namespace acquirer::config
