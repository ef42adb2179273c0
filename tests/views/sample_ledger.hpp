// A small ledger made by hand, for the views: two terminals' transactions of one day in Shanghai, in a memory
// store.
#pragma once

#include "ledger/key_layout.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/stored_records.hpp"
#include "switch/config/config.hpp"
#include "switch/core/refusal.hpp"
#include "switch/views/operator_views.hpp"
#include "tests/test_paths.hpp"

namespace acquirer::sample {

/// 2026-11-21T14:00:00+08:00
inline constexpr iso8583::UtcTime noon{1'795'240'800'000};
inline constexpr std::int32_t shanghai_offset_s = 8 * 3600;

inline iso8583::Rrn rrn(std::string_view text) { return iso8583::Rrn::parse(text).value(); }

inline ConfigurationPtr demo_configuration() {
    ConfigSurroundings around;
    around.zone_of = [](std::string_view) { return iso8583::TimeZone::fixed(shanghai_offset_s); };
    around.dialects = {"iso87-ascii", "iso87-bcd"};
    auto loaded = load_config(source_path("switch/config/demo.toml"), around);
    ENSURE(loaded.has_value());
    auto configuration = std::make_shared<Configuration>(*loaded->configuration);
    configuration->hash = "0123456789abcdef";  // a comment in demo.toml must not change golden texts
    return configuration;
}

inline void keep(ledger::MemoryStore& store, ledger::Family family, std::string key, std::string value) {
    ledger::Batch batch;
    batch.turn_number = store.last_turn_number() + 1;
    batch.put(family, std::move(key), std::move(value));
    store.begin_sync(std::move(batch), [] {});
    ENSURE(store.finish_sync().has_value());
}

inline void keep(ledger::MemoryStore& store, const ledger::TransactionRecord& record) {
    keep(store, ledger::Family::journal, ledger::transaction_key(record.rrn), ledger::encode(record));
    if (ledger::is_open(record)) keep(store, ledger::Family::journal, ledger::open_work_key(record.rrn), "");
}

inline ledger::TransactionRecord record(std::string_view rrn_text, ledger::TransactionKind kind,
                                        ledger::State state, std::int64_t minor, std::string_view code) {
    using namespace iso8583;
    ledger::TransactionRecord r;
    r.rrn = rrn(rrn_text);
    r.kind = kind;
    r.state = state;
    r.merchant = MerchantId::parse("898110157220001").value();
    r.terminal = TerminalId::parse("10000001").value();
    r.batch = BatchNumber::of(1);
    r.stan = Stan::of(7);
    r.processing_code = kind == ledger::TransactionKind::sale ? "000000" : "200000";
    r.amount = Amount(minor, Currency::of(156));
    r.pan_masked = "621234******0001";
    r.entry_mode = "051";
    r.policy_version = 1;
    r.created = noon;
    r.updated = noon.plus_ms(400);
    r.local_date = Date{2026, 11, 21};
    r.business_date = BusinessDate{Date{2026, 11, 21}};
    r.route = 1;
    ledger::StoredAnswer answer;
    answer.code = ResponseCode::of(code);
    answer.business_date = r.business_date;
    answer.local_time = "140000";
    answer.local_date = "1121";
    r.answer = answer;
    return r;
}

/// sale …01 (100.00, 60.00 refunded) ← refund …02 approved 60.00, refund …03 refused 40.01 (R11), refund …04
/// held; sale …05 in doubt, being reversed; refund …06 whose advice waits.
inline void fill(ledger::MemoryStore& store) {
    using ledger::State;
    using ledger::TransactionKind;
    auto sale = record("632500000001", TransactionKind::sale, State::approved, 10'000, "00");
    sale.answer->authorization = iso8583::AuthorizationCode::parse("A1B2C3").value();
    sale.refunds_minor = 6'000;
    sale.refunds_count = 1;
    sale.last_refund = rrn("632500000002");
    sale.history = {{noon, State::intent, "R1"}, {noon.plus_ms(300), State::approved, "R1"}};
    sale.postings = {
        {sale.business_date, ledger::Account::issuer_receivable, ledger::Account::merchant_payable, 10'000}};
    keep(store, sale);

    auto refund = record("632500000002", TransactionKind::refund, State::approved, 6'000, "00");
    refund.original = sale.rrn;
    refund.stan = iso8583::Stan::of(8);
    refund.created = noon.plus_ms(60'000);
    keep(store, refund);

    auto refused = record("632500000003", TransactionKind::refund, State::refused, 4'001, "64");
    refused.refusal = static_cast<std::uint8_t>(Refusal::amount_against_original);
    refused.answer->text = "AMOUNT AGAINST ORIGINAL";
    refused.original = sale.rrn;
    refused.stan = iso8583::Stan::of(9);
    refused.created = noon.plus_ms(120'000);
    refused.history = {{refused.created, State::refused, "R11"}};
    keep(store, refused);
    ledger::TraceSlot slot;
    slot.entries.push_back({2, false, "25", "200000", 0, 1, refused.created.ms, "", refused.rrn});
    keep(store, ledger::Family::index,
         ledger::trace_slot_key(refused.merchant, refused.terminal, refused.batch, refused.stan),
         ledger::encode(slot));

    auto held = record("632500000004", TransactionKind::refund, State::held, 1'200'000, "01");
    held.answer->text = "632500000004";
    held.pan_masked = "621234******0009";
    held.created = noon.plus_ms(180'000);
    held.history = {{held.created, State::held, "R17"}};
    keep(store, held);

    auto in_doubt = record("632500000005", TransactionKind::sale, State::reversing, 9'968, "98");
    in_doubt.refusal = static_cast<std::uint8_t>(Refusal::issuer_silent);
    in_doubt.cut_in_doubt = true;
    in_doubt.stan = iso8583::Stan::of(10);
    in_doubt.advice.kind = ledger::QueuedAdvice::Kind::reversal;
    in_doubt.advice.status = ledger::QueuedAdvice::Status::waiting;
    in_doubt.advice.attempts = 2;
    in_doubt.advice.stan = 4711;
    in_doubt.advice.transmission_time = 1'121'060'000;
    in_doubt.advice.queued = noon.plus_ms(240'000);
    in_doubt.advice.next_attempt = noon.plus_ms(300'000);
    in_doubt.advice.last_code = "25";
    in_doubt.advice.not_found_once = true;
    in_doubt.history = {{noon, State::intent, "R1"},
                        {noon.plus_ms(5'000), State::in_doubt, "R50"},
                        {noon.plus_ms(5'000), State::reversing, "R50"}};
    keep(store, in_doubt);

    auto pending = record("632500000006", TransactionKind::refund, State::advice_pending, 1'500, "00");
    pending.advice.kind = ledger::QueuedAdvice::Kind::refund;
    pending.advice.status = ledger::QueuedAdvice::Status::in_flight;
    pending.advice.attempts = 1;
    pending.advice.stan = 4712;
    pending.advice.transmission_time = 1'121'060'100;
    pending.advice.queued = noon.plus_ms(360'000);
    pending.created = noon.plus_ms(360'000);
    keep(store, pending);

    ledger::ExceptionRecord exception;
    exception.id = "632500000005-00000001";
    exception.opened = noon.plus_ms(300'000);
    exception.kind = "unmatched_reply";
    exception.rule = "R63";
    exception.owner = "operations";
    exception.text = "an answer of issuer-a fits nothing that was asked";
    keep(store, ledger::Family::journal, ledger::exception_key(exception.id), ledger::encode(exception));
    exception.id = "000000000000-00000002";
    exception.resolution = "explained by the issuer";
    exception.resolved_by = "checker1";
    keep(store, ledger::Family::journal, ledger::exception_key(exception.id), ledger::encode(exception));

    ledger::TerminalRecord terminal;
    terminal.terminal = sale.terminal;
    terminal.batch = iso8583::BatchNumber::of(1);
    terminal.proven_key_version = 3;
    terminal.keys.push_back({3, "U1", "U2"});
    keep(store, ledger::Family::index, ledger::terminal_key(terminal.terminal), ledger::encode(terminal));
    keep(store, ledger::Family::index, ledger::override_key(ledger::OverrideKind::route, "issuer-b"),
         ledger::encode(ledger::OverrideRecord{"drain", "checker1", noon}));
    keep(store, ledger::Family::index,
         ledger::override_key(ledger::OverrideKind::refunds_of_merchant, "898110157220003"),
         ledger::encode(ledger::OverrideRecord{"refund_enabled", "checker2", noon}));
    ledger::BusinessDayRecord day{{iso8583::Date{2026, 11, 21}}, noon.plus_ms(-14 * 3'600'000), "admin1"};
    keep(store, ledger::Family::journal, ledger::business_day_key(day.day), ledger::encode(day));
}

struct World {
    ledger::MemoryStore store;
    CoreStatus status;
    ConfigurationPtr configuration = demo_configuration();
    iso8583::Now now{iso8583::Instant{0}, noon.plus_ms(600'000), shanghai_offset_s};

    World() {
        fill(store);
        status.business_date = {iso8583::Date{2026, 11, 21}};
        status.config_version = 1;
        status.held = 1;
        status.open_exceptions = 1;
        status.routes = {{"issuer-a", 2, 1, 2, "up"}, {"issuer-b", 2, 0, 0, "drain"}};
        status.counters = {{"answered.refund.00", 2}};
    }
    [[nodiscard]] ViewContext context() const { return {store, status, *configuration, now}; }
};

}  // namespace acquirer::sample
