// The sample ledger with more days in it, for reports: sales and refunds of two merchants, a year-old sale
// whose window ends, and what waits for people since minutes, hours and weeks.
#pragma once

#include "tests/views/sample_ledger.hpp"

namespace acquirer::sample {

inline constexpr std::int64_t minute_ms = 60'000;
inline constexpr std::int64_t hour_ms = 60 * minute_ms;
inline constexpr std::int64_t day_ms = 24 * hour_ms;

/// As record(), `days` after 2026-11-21, of the merchant …`merchant` (one digit).
inline ledger::TransactionRecord record_of(std::string_view rrn_text, ledger::TransactionKind kind,
                                           ledger::State state, std::int64_t minor, std::int32_t days,
                                           char merchant = '1') {
    auto r = record(rrn_text, kind, state, minor, "00");
    r.merchant = iso8583::MerchantId::parse(std::string("89811015722000") + merchant).value();
    r.terminal = iso8583::TerminalId::parse(std::string(1, merchant) + "0000007").value();
    r.created = noon.plus_ms(days * day_ms);
    r.updated = r.created;
    r.local_date = r.local_date.plus_days(days);
    r.business_date = {r.local_date};
    return r;
}

inline ledger::TransactionRecord sale_of(std::string_view rrn_text, std::int64_t minor, std::int32_t days,
                                         char merchant = '1') {
    auto sale =
        record_of(rrn_text, ledger::TransactionKind::sale, ledger::State::approved, minor, days, merchant);
    sale.postings = {
        {sale.business_date, ledger::Account::issuer_receivable, ledger::Account::merchant_payable, minor}};
    sale.history = {{sale.created, ledger::State::intent, "R1"},
                    {sale.created.plus_ms(3), ledger::State::sent, "R1"},
                    {sale.created.plus_ms(250), ledger::State::approved, "R1"}};
    return sale;
}

inline ledger::TransactionRecord refund_of(std::string_view rrn_text, std::int64_t minor, std::int32_t days,
                                           std::string reason, std::int64_t took_ms, char merchant = '1') {
    auto refund =
        record_of(rrn_text, ledger::TransactionKind::refund, ledger::State::approved, minor, days, merchant);
    refund.reason = std::move(reason);
    refund.from_operations = !refund.reason.empty();
    refund.history = {{refund.created, ledger::State::advice_pending, "R8"},
                      {refund.created.plus_ms(took_ms), ledger::State::approved, "R54"}};
    return refund;
}

inline void keep_day(ledger::MemoryStore& store, iso8583::Date date) {
    const iso8583::BusinessDate day{date};
    const iso8583::UtcTime began{std::int64_t{date.days()} * day_ms - shanghai_offset_s * std::int64_t{1000}};
    keep(store, ledger::Family::journal, ledger::business_day_key(day),
         ledger::encode(ledger::BusinessDayRecord{day, began, "schedule"}));
}

inline void fill_days(ledger::MemoryStore& store) {
    using ledger::State;
    using ledger::TransactionKind;
    for (std::int32_t before = 366; before > 0; --before)
        keep_day(store, iso8583::Date{2026, 11, 21}.plus_days(-before));
    // The day before yesterday: 5 sales and 2 refunds of merchant …1, one of them refused.
    for (char n = '1'; n <= '5'; ++n) keep(store, sale_of(std::string("63230000000") + n, 10'000, -2));
    keep(store, refund_of("632300000011", 2'500, -2, "quality", 800));
    keep(store, refund_of("632300000012", 10'000, -2, "", 2 * hour_ms));
    auto refused = record_of("632300000013", TransactionKind::refund, State::refused, 99'999, -2);
    refused.refusal = static_cast<std::uint8_t>(Refusal::amount_against_original);
    refused.history = {{refused.created, State::refused, "R11"}};
    keep(store, refused);
    // Yesterday: merchant …2, whose refunds are many, and one that the issuer refused.
    keep(store, sale_of("632400000001", 20'000, -1, '2'));
    keep(store, sale_of("632400000002", 20'000, -1, '2'));
    keep(store, refund_of("632400000011", 19'000, -1, "service", 90'000, '2'));
    auto abnormal = refund_of("632400000012", 8'000, -1, "service", 0, '2');
    abnormal.state = State::abnormal;
    abnormal.history.back() = {abnormal.created.plus_ms(4 * hour_ms), State::abnormal, "R55"};
    keep(store, abnormal);
    // Cases of a month, and a reversal that nobody answers.
    auto old_case = record_of("630000000001", TransactionKind::refund, State::held, 120'000, -25);
    old_case.history = {{old_case.created, State::held, "R17"}};
    old_case.maker = "maker1";
    keep(store, old_case);
    auto parked = record_of("632400000020", TransactionKind::sale, State::reversing, 4'200, -1);
    parked.advice.kind = ledger::QueuedAdvice::Kind::reversal;
    parked.advice.status = ledger::QueuedAdvice::Status::parked;
    parked.history = {{parked.created, State::sent, "R1"},
                      {parked.created.plus_ms(30'000), State::in_doubt, "R50"},
                      {parked.created.plus_ms(30'000), State::reversing, "R50"}};
    keep(store, parked);
    // A year ago: sales whose window of 365 days ends; and one of today whose merchant gives no day more.
    keep(store, sale_of("532500000001", 5'000, -365));
    auto in_part = sale_of("532600000001", 7'000, -364, '2');
    in_part.refunds_minor = 6'000;
    in_part.refunds_count = 1;
    keep(store, in_part);
    auto refunded = sale_of("532600000002", 7'000, -364, '2');
    refunded.refunds_minor = 7'000;
    refunded.refunds_count = 2;
    keep(store, refunded);
    keep(store, sale_of("533500000001", 9'900, -355));
    keep(store, sale_of("632500000091", 3'000, 0, '4'));
}

struct ReportWorld : World {
    ReportWorld() {
        fill_days(store);
        // R28: merchant …2 may give back 30 % of what it sells.
        auto bounded = std::make_shared<Configuration>(*configuration);
        RefundPolicy& policy =
            bounded->merchants.at(iso8583::MerchantId::parse("898110157220002").value()).refund;
        policy.refund_ratio_percent_max = 30;
        policy.ratio_sales_min = 2;
        configuration = bounded;
    }
};

}  // namespace acquirer::sample
