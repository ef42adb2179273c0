#include "tests/ledger/golden_ledger.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/ledger.hpp"
#include "tests/ledger/store_driver.hpp"

namespace ledger_test {
namespace {

using namespace ledger;
using namespace iso8583;

/// 2026-11-21T14:00:00+08:00
constexpr UtcTime noon{1'795'240'800'000};
constexpr BusinessDate day{Date{2026, 11, 21}};

Rrn rrn(std::string_view text) { return Rrn::parse(text).value(); }
MerchantId merchant() { return MerchantId::parse("898110157220001").value(); }
TerminalId terminal() { return TerminalId::parse("10000001").value(); }

TransactionRecord plain(std::string_view rrn_text, TransactionKind kind, State state, std::int64_t minor) {
    TransactionRecord r;
    r.rrn = rrn(rrn_text);
    r.kind = kind;
    r.state = state;
    r.merchant = merchant();
    r.terminal = terminal();
    r.batch = BatchNumber::of(12);
    r.stan = Stan::of(static_cast<std::uint32_t>(100 + minor % 7));
    r.processing_code = kind == TransactionKind::sale ? "000000" : "200000";
    r.message_type = kind == TransactionKind::sale ? "22" : "25";
    r.digest = 0x0123456789ABCDEF ^ static_cast<std::uint64_t>(minor);
    r.amount = Amount(minor, Currency::of(156));
    r.pan_token = golden_vault().token(Pan::parse(golden_card).value());
    r.sealed_card = golden_vault().seal(std::string(golden_card) + "|2912", r.rrn.view());
    r.pan_masked = "621234*********0003";
    r.entry_mode = "051";
    r.policy_version = 7;
    r.created = noon;
    r.updated = noon.plus_ms(412);
    r.local_date = day.date;
    r.business_date = day;
    r.route = 2;
    r.history = {{noon, State::intent, "R1"}, {noon.plus_ms(412), state, "R30"}};
    return r;
}

StoredAnswer answer(std::string_view code) {
    StoredAnswer a;
    a.code = ResponseCode::of(code);
    a.local_time = "140000";
    a.local_date = "1121";
    a.business_date = day;
    return a;
}

QueuedAdvice advice(QueuedAdvice::Kind kind, QueuedAdvice::Status status) {
    QueuedAdvice a;
    a.kind = kind;
    a.status = status;
    a.of_approved_original = true;
    a.not_found_once = kind == QueuedAdvice::Kind::reversal;
    a.attempts = 3;
    a.stan = 4'711;
    a.transmission_time = 1'121'060'000;
    a.next_attempt = noon.plus_ms(60'000);
    a.queued = noon.plus_ms(500);
    a.last_code = "96";
    return a;
}

/// A record with every field that a transaction can have.
TransactionRecord full_sale() {
    TransactionRecord r = plain("632500000001", TransactionKind::sale, State::approved, 10'000);
    r.profile = 1;
    r.hold = true;
    r.reversal_exception = true;
    r.cut_in_doubt = true;
    r.transmission_time = TransmissionTime::of(1'121'060'000);
    r.reversal_digest = 0xFEDCBA9876543210;
    r.instrument = Instrument::unionpay_qr;
    r.reason = "goods came back";
    r.reference = "OPS-2026-17";
    r.maker = "maker1";
    r.checker = "checker1";
    r.issuer_stan = 4'710;
    r.issuer_transmission_time = 1'121'060'001;
    r.issuer_authorization = AuthorizationCode::parse("A1B2C3").value();
    r.advice = advice(QueuedAdvice::Kind::reversal, QueuedAdvice::Status::final);
    r.last_refund = rrn("632500000003");
    r.refunds_minor = 6'000;
    r.refunds_count = 2;
    r.chargebacks_minor = 1'000;
    r.answer = answer("00");
    r.answer->authorization = r.issuer_authorization;
    r.answer->text = "APPROVED";
    r.answer->icc_data = std::string("\x91\x0A\x00\x01\x02\x03\x04\x05\x06\x07\x30\x30", 12);
    r.postings = {{day, Account::issuer_receivable, Account::merchant_payable, 10'000}};
    return r;
}

void commit_turn(Store& store, Overlay& overlay, Ledger& books) {
    books.close_turn();
    Batch batch = overlay.take_batch();
    ENSURE(!batch.empty());
    ENSURE(commit(store, std::move(batch)).has_value());
    overlay.in_flight_done();
    ENSURE(!books.error());
}

TerminalRecord full_terminal() {
    TerminalRecord t;
    t.terminal = terminal();
    t.batch = BatchNumber::of(12);
    t.next_key_version = 4;
    t.proven_key_version = 3;
    t.keys = {{3, "U11", "U12"}, {2, "U21", "U22"}};
    t.uploading = true;
    t.batch_totals = {10'000, 6'000, 1, 2};
    t.closed_batch = BatchNumber::of(11);
    t.closed_totals = {1, 2, 3, 4};
    t.closed_stan = 99;
    t.closed_transmission_time = 1'120'010'203;
    t.closed_code = '2';
    t.closed_rrn = "632400000009";
    t.closed_local_time = "235959";
    t.closed_local_date = "1120";
    t.closed_day = BusinessDate{Date{2026, 11, 20}};
    return t;
}

ZoneKeyRecord full_zone_key() {
    ZoneKeyRecord k;
    k.kind = ZoneKeyKind::zpk;
    k.route = "issuer-a";
    k.configured = "U00";
    k.current = {"U01", "ABCDEF"};
    k.since = noon;
    k.by = "issuer";
    k.previous = {"U02", "012345"};
    k.previous_until = noon.plus_ms(600'000);
    k.offered = {"U03", "6789AB"};
    k.offered_under_zmk = "U04";
    k.offered_by = "admin1";
    k.offers = 2;
    return k;
}

void append_audit(Store& store, Overlay& overlay, std::string action) {
    auto log = AuditLog::open(store, &audit_sha256);
    ENSURE(log.has_value());
    ENSURE(log->append(overlay, {noon, "admin1", "admin", std::move(action), "merchant 898110157220001"})
               .has_value());
}

}  // namespace

PanVault golden_vault() {
    std::array<std::uint8_t, PanVaultKey::size> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
    return PanVault(PanVaultKey(key));
}

std::vector<TransactionRecord> golden_transactions() {
    using Kind = TransactionKind;
    std::vector<TransactionRecord> all = {full_sale()};
    auto pending = plain("632500000002", Kind::refund, State::advice_pending, 2'000);
    pending.original = all[0].rrn;
    pending.advice = advice(QueuedAdvice::Kind::refund, QueuedAdvice::Status::waiting);
    pending.answer = answer("00");
    pending.postings = {{day, Account::merchant_payable, Account::refund_in_transit, 2'000}};
    all.push_back(pending);

    auto abnormal = plain("632500000003", Kind::refund, State::abnormal, 4'000);
    abnormal.original = all[0].rrn;
    abnormal.last_refund = pending.rrn;
    abnormal.answer = answer("00");
    abnormal.postings = {{day, Account::merchant_payable, Account::refund_in_transit, 4'000},
                         {day, Account::refund_in_transit, Account::refund_suspense, 4'000}};
    all.push_back(abnormal);

    auto held = plain("632500000004", Kind::refund, State::held, 1'200'000);
    held.from_operations = true;
    held.maker = "maker1";
    held.reason = "double charge";
    held.reference = "OPS-2026-18";
    all.push_back(held);

    auto refused = plain("632500000005", Kind::refund, State::refused, 4'001);
    refused.refusal = 9;
    refused.answer = answer("64");
    all.push_back(refused);

    auto voided = plain("632500000006", Kind::sale, State::voided, 500);
    voided.voided_by = rrn("632500000007");
    voided.reverse_if_void_fails = true;
    all.push_back(voided);
    auto undo = plain("632500000007", Kind::void_sale, State::approved, 500);
    undo.original = voided.rrn;
    all.push_back(undo);

    auto stone = plain("6325A0000001", Kind::sale, State::tombstone, 1);
    stone.history.clear();
    stone.sealed_card.clear();
    all.push_back(stone);
    auto in_doubt = plain("6325A0000002", Kind::sale, State::in_doubt, 9'968);
    for (std::size_t i = in_doubt.history.size(); i < history_entries_max; ++i)
        in_doubt.history.push_back({noon.plus_ms(static_cast<std::int64_t>(i) * 1'000), State::sent, "R50"});
    all.push_back(in_doubt);
    return all;
}

void write_golden_ledger_first(Store& store) {
    Overlay overlay(store);
    Ledger books(overlay);
    books.recover();
    for (const TransactionRecord& t : golden_transactions()) {
        books.add(TransactionRecord(t));
        TraceEntry entry{2,
                         false,
                         t.message_type,
                         t.processing_code,
                         1'121'060'000,
                         t.digest,
                         t.created.ms,
                         "140000112100AB",
                         t.rrn};
        const std::string key = trace_slot_key(t.merchant, t.terminal, t.batch, t.stan);
        books.add_trace(key, books.trace_slot(key), entry);
        commit_turn(store, overlay, books);
    }
    books.save(full_terminal());
    books.save(full_zone_key());
    books.save_override(OverrideKind::merchant, "898110157220001", {"suspended", "admin1", noon});
    books.save_reference(merchant(), "OPS-2026-18", rrn("632500000004"));
    books.save(BusinessDayRecord{day, noon.plus_ms(-14 * 3'600'000), "schedule"});
    append_audit(store, overlay, "merchant suspend");
    commit_turn(store, overlay, books);
    auto closed = books.open_exception(
        {rrn("6325A0000002"), {}, "unmatched_reply", "R63", "an answer fits nothing", true}, noon);
    commit_turn(store, overlay, books);
    closed.resolution = "explained by the issuer";
    closed.resolved_by = "checker1";
    books.save(closed);
    books.open_exception({std::nullopt, {}, "reversal_stuck", "R51", "the issuer refused it finally", false},
                         noon);
    commit_turn(store, overlay, books);
    // Enough turns for a checkpoint, and a few records of turns after it.
    while (store.last_turn_number() < golden_turns_first) {
        books.totals().add(refund_count_name(terminal(), day), 1, 0);
        commit_turn(store, overlay, books);
    }
}

void write_golden_ledger_second(Store& store) {
    Overlay overlay(store);
    Ledger books(overlay);
    books.recover();
    books.totals().forget(batch_debit_name(terminal(), BatchNumber::of(11)));
    books.totals().add(account_name(day, Account::refund_suspense, "2"), 1, 4'000);
    append_audit(store, overlay, "merchant resume");
    TransactionRecord late = golden_transactions().at(0);
    late.rrn = rrn("632500000008");
    late.state = State::approved;
    books.add(std::move(late));
    commit_turn(store, overlay, books);
}

}  // namespace ledger_test
