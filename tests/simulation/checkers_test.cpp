// Checkers that never complain are worth nothing: each invariant is broken on purpose.
#include <catch2/catch.hpp>

#include "tests/simulation/checkers.hpp"
#include "tests/simulation/day_watch.hpp"
#include "tests/simulation/naive_books.hpp"
#include "tests/simulation/world.hpp"
#include "tests/simulation/world_configuration.hpp"

namespace {

using namespace simulation;
using iso8583::Field;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr iso8583::Instant at{1'000};

iso8583::Rrn rrn_of(int n) { return iso8583::Rrn::parse("63250000000" + std::to_string(n)).value(); }

TransactionRecord record_of(int n, TransactionKind kind, State state, std::int64_t minor) {
    TransactionRecord r;
    r.rrn = rrn_of(n);
    r.kind = kind;
    r.state = state;
    r.merchant = iso8583::MerchantId::parse(merchant_unionpay).value();
    r.terminal = iso8583::TerminalId::parse("10000001").value();
    r.batch = iso8583::BatchNumber::of(1);
    r.stan = iso8583::Stan::of(static_cast<std::uint32_t>(n));
    r.message_type = "22";
    r.processing_code = "000000";
    r.amount = iso8583::Amount(minor, iso8583::Currency::of(156));
    r.route = 1;
    r.issuer_stan = 100 + static_cast<std::uint32_t>(n);
    r.issuer_transmission_time = 1121040000;
    r.answer = ledger::StoredAnswer{};
    r.answer->code = iso8583::ResponseCode::of("00");
    return r;
}

/// The postings that a record of this kind and state has.
std::vector<ledger::Posting> fitting_postings(const TransactionRecord& r) {
    using ledger::Account;
    const auto posting = [&r](Account debit, Account credit) {
        return ledger::Posting{{iso8583::Date{2026, 11, 21}}, debit, credit, r.amount.minor_units()};
    };
    if (r.kind == TransactionKind::sale && r.state == State::approved)
        return {posting(Account::issuer_receivable, Account::merchant_payable)};
    if (r.kind != TransactionKind::refund) return {};
    std::vector<ledger::Posting> postings{posting(Account::merchant_payable, Account::refund_in_transit)};
    if (r.state == State::approved)
        postings.push_back(posting(Account::refund_in_transit, Account::issuer_receivable));
    return postings;
}

struct Bench {
    ledger::MemoryStore disk;
    Checkers checkers{disk};
    std::uint64_t turn = 0;

    void durable(std::vector<TransactionRecord> records) {
        for (TransactionRecord& r : records) r.postings = fitting_postings(r);
        durable_as_they_are(records);
    }
    void durable_as_they_are(const std::vector<TransactionRecord>& records) {
        ledger::Batch batch;
        batch.turn_number = ++turn;
        for (const TransactionRecord& r : records)
            batch.mutations.push_back(
                {{ledger::Family::journal, ledger::transaction_key(r.rrn)}, ledger::encode(r)});
        disk.begin_sync(batch, [] {});
        REQUIRE(disk.finish_sync());
        checkers.batch_durable(batch, at);
    }
    /// A turn of this number is closed: it wrote `written`, and the core goes on with `objects`.
    void closed(std::uint64_t number, const std::vector<TransactionRecord>& written,
                const std::vector<TransactionRecord>& objects) {
        ledger::Batch batch;
        batch.turn_number = number;
        for (const TransactionRecord& r : written)
            batch.put(ledger::Family::journal, ledger::transaction_key(r.rrn), ledger::encode(r));
        checkers.batch_handed_over(
            batch,
            [&objects](const Checkers::RecordVisitor& visit) {
                for (const TransactionRecord& r : objects) visit(r);
            },
            at);
    }
    void answered(const TransactionRecord& r, const std::string& code, int message_class = 2) {
        acquirer::SendReply reply;
        reply.fields = iso8583::FieldValues(iso8583::Mti::of(message_class * 100 + 10));
        reply.fields.set(Field::merchant, r.merchant.view());
        reply.fields.set(Field::terminal, r.terminal.view());
        reply.fields.set(Field::stan, r.stan.str());
        reply.fields.set(Field::processing_code, r.processing_code);
        reply.fields.set(Field::amount_transaction, r.amount.field());
        reply.fields.set(Field::reserved_private_60, r.message_type + r.batch.str());
        reply.fields.set(Field::rrn, r.rrn.view());
        reply.fields.set(Field::response_code, code);
        checkers.released(reply, at);
    }
    void sent(const TransactionRecord& r, int mti, std::uint32_t stan) {
        acquirer::SendToIssuer message;
        message.route = route_a;
        message.fields = iso8583::FieldValues(iso8583::Mti::of(mti));
        message.fields.set(Field::rrn, r.rrn.view());
        message.fields.set(Field::stan, iso8583::Stan::of(stan).str());
        message.fields.set(Field::transmission_time,
                           iso8583::TransmissionTime::of(r.issuer_transmission_time).str());
        checkers.released(message, at);
    }
    [[nodiscard]] std::string first() const {
        return checkers.all_broken().empty() ? "" : checkers.all_broken().front().invariant;
    }
};

TransactionRecord refund_of(const TransactionRecord& sale, int n, State state, std::int64_t minor) {
    TransactionRecord r = record_of(n, TransactionKind::refund, state, minor);
    r.original = sale.rrn;
    r.message_type = "25";
    r.processing_code = "200000";
    return r;
}

}  // namespace

TEST_CASE("What is right is not complained about", "[simulation]") {
    Bench b;
    TransactionRecord sale = record_of(1, TransactionKind::sale, State::approved, 10'000);
    sale.refunds_minor = 6'000;
    sale.refunds_count = 1;
    sale.postings = fitting_postings(sale);
    TransactionRecord refund = refund_of(sale, 2, State::approved, 6'000);
    refund.postings = fitting_postings(refund);
    b.durable({sale, refund});
    b.sent(sale, 200, sale.issuer_stan);
    b.answered(sale, "00");
    b.answered(sale, "00");
    b.answered(refund, "00");
    b.checkers.after_crash(at);
    const TransactionRecord next = record_of(3, TransactionKind::sale, State::approved, 500);
    for (const std::uint64_t turn : {15U, 16U}) b.closed(turn, {next}, {sale, refund, next});
    CHECK(b.first() == "");
}

TEST_CASE("Each invariant is noticed when it breaks", "[simulation]") {
    Bench b;
    const TransactionRecord sale = record_of(1, TransactionKind::sale, State::approved, 10'000);
    SECTION("records: an object was changed and its bytes were not") {
        TransactionRecord object = sale;
        object.refunds_count = 1;
        b.closed(1, {sale}, {object});
        CHECK(b.first() == "records");
    }
    SECTION("records: the same of one that the turn did not write") {
        b.durable({sale});
        TransactionRecord object = sale;
        object.state = State::voiding;
        b.closed(16, {}, {object});
        CHECK(b.first() == "records");
    }
    SECTION("records: an object was never written") {
        b.closed(16, {}, {sale});
        CHECK(b.first() == "records");
    }
    SECTION("I1: refunds pass the sale") {
        TransactionRecord s = sale;
        s.refunds_minor = 12'000;
        s.refunds_count = 2;
        b.durable({s, refund_of(s, 2, State::approved, 6'000), refund_of(s, 3, State::held, 6'000)});
        CHECK(b.first() == "I1");
    }
    SECTION("I1: the sale's own count is not the sum") {
        b.durable({sale, refund_of(sale, 2, State::approved, 6'000)});
        CHECK(b.first() == "I1");
    }
    SECTION("I2: a voided sale has a refund") {
        TransactionRecord s = sale;
        s.state = State::voided;
        s.refunds_minor = 1;
        s.refunds_count = 1;
        b.durable({s, refund_of(s, 2, State::advice_pending, 1)});
        CHECK(b.first() == "I2");
    }
    SECTION("I3: two entries under one key") {
        TransactionRecord other = record_of(2, TransactionKind::sale, State::approved, 10'000);
        other.stan = sale.stan;
        b.durable({sale, other});
        CHECK(b.first() == "I3");
    }
    SECTION("I3: a 00 that does not hold any more") {
        b.durable({sale});
        b.answered(sale, "00");
        TransactionRecord s = sale;
        s.state = State::declined;
        b.durable({s});
        CHECK(b.first() == "I3");
    }
    SECTION("I3: 00 after a refusal under the same key") {
        b.durable({sale});
        b.answered(sale, "98");
        b.answered(sale, "00");
        CHECK(b.first() == "I3");
    }
    SECTION("I3: 00 after the reversal's 00") {
        TransactionRecord s = sale;
        s.state = State::reversing;
        s.reversal_digest = 7;
        b.durable({s});
        b.answered(s, "00", 4);
        b.answered(s, "00");
        CHECK(b.first() == "I3");
    }
    SECTION("I5: the last key of a shared case was reversed, and it stands") {
        TransactionRecord held = refund_of(sale, 2, State::held, 1'000);
        TransactionRecord s = sale;
        s.refunds_minor = 1'000;
        s.refunds_count = 1;
        held.shared.own_reversal_digest = 7;
        held.shared.joined.resize(1);
        b.durable({s, held});
        b.answered(held, "00", 4);
        CHECK(b.first().empty());
        held.shared.joined[0].reversal_digest = 8;
        b.durable({s, held});
        b.answered(held, "00", 4);
        CHECK(b.first() == "I5");
    }
    SECTION("I4: sent before the intent is durable") {
        b.sent(sale, 200, sale.issuer_stan);
        CHECK(b.first() == "I4");
    }
    SECTION("I4: an attempt that is not durable") {
        TransactionRecord s = sale;
        s.state = State::reversing;
        s.advice.kind = ledger::QueuedAdvice::Kind::reversal;
        s.advice.stan = 500;
        s.advice.transmission_time = s.issuer_transmission_time;
        b.durable({s});
        b.sent(s, 420, 500);
        CHECK(b.first() == "I4");
    }
    SECTION("I4: numbers used twice") {
        TransactionRecord other = record_of(2, TransactionKind::sale, State::sent, 10'000);
        other.issuer_stan = sale.issuer_stan;
        b.durable({sale, other});
        b.sent(sale, 200, sale.issuer_stan);
        b.sent(other, 200, sale.issuer_stan);
        CHECK(b.first() == "I4");
    }
    SECTION("I5: approved before the commit is durable") {
        b.answered(sale, "00");
        CHECK(b.first() == "I5");
    }
    SECTION("I5: a reversal answered 00 whose original stands") {
        b.durable({sale});
        b.answered(sale, "00", 4);
        CHECK(b.first() == "I5");
    }
    SECTION("I7: another card than the sale's") {
        TransactionRecord s = sale;
        s.refunds_minor = 1;
        s.refunds_count = 1;
        TransactionRecord refund = refund_of(s, 2, State::approved, 1);
        refund.pan_token.bytes[0] = 1;
        b.durable({s, refund});
        CHECK(b.first() == "I7");
    }
    SECTION("I8: postings in no total") {
        b.durable({sale});
        CHECK(b.first().empty());
        b.checkers.check_whole_store(at);
        CHECK(b.first() == "I8");
    }
    SECTION("I8: an approved sale is not booked") {
        b.durable_as_they_are({sale});
        CHECK(b.first() == "I8");
    }
    SECTION("I8: a refused refund has taken the merchant's money") {
        TransactionRecord refund = refund_of(sale, 2, State::refused, 1'000);
        refund.postings = fitting_postings(refund);
        b.durable({sale});
        b.durable_as_they_are({refund});
        CHECK(b.first() == "I8");
    }
    SECTION("I9: the disk lost what was durable") {
        b.durable({sale});
        b.disk.lie_about_syncs(true);
        b.durable({record_of(2, TransactionKind::sale, State::approved, 1)});
        b.disk.crash(0);
        b.checkers.after_crash(at);
        CHECK(b.first() == "I9");
    }
    SECTION("I10: a card number in a note, or in the store") {
        b.checkers.forbid(cards_a[0]);
        acquirer::Note note;
        note.detail = std::string("card ") + cards_a[0];
        b.checkers.released(note, at);
        CHECK(b.first() == "I10");
    }
    SECTION("I10: a packed card number in the store") {
        b.checkers.forbid("4111111111111111");
        TransactionRecord s = sale;
        s.state = State::sent;  // without postings, which would have to be in totals
        s.sealed_card = iso8583::as_text(*iso8583::parse_hex("4111111111111111"));
        b.durable({s});
        b.checkers.check_whole_store(at);
        CHECK(b.first() == "I10");
    }
    SECTION("I6: stuck without an exception") {
        TransactionRecord s = sale;
        s.state = State::reversal_stuck;
        b.durable({s});
        b.checkers.check_drained(at);
        CHECK(b.first() == "I6");
    }
    SECTION("liveness: still with the issuer") {
        TransactionRecord s = sale;
        s.state = State::sent;
        b.durable({s});
        b.checkers.check_drained(at);
        CHECK(b.first() == "liveness");
    }
    SECTION("I11: approved here, unknown there") {
        b.durable({sale});
        const routing::IssuerBooks empty;
        b.checkers.check_books(route_a, empty, at);
        CHECK(b.first() == "I11");
    }
    SECTION("I11: booked there, declined here") {
        TransactionRecord s = sale;
        s.state = State::declined;
        b.durable({s});
        routing::IssuerBooks books;
        routing::BookEntry entry;
        entry.key = {iso8583::Stan::of(s.issuer_stan),
                     iso8583::TransmissionTime::of(s.issuer_transmission_time), s.rrn};
        entry.amount = 10'000;
        books.book(books.add(entry), nullptr);
        b.checkers.check_books(route_a, books, at);
        CHECK(b.first() == "I11");
    }
}

TEST_CASE("The naive books notice when more goes back than was sold", "[simulation]") {
    NaiveBooks books;
    const auto told = [&books](peers::Transaction what, const char* rrn, const char* sale,
                               std::int64_t minor) {
        peers::Outgoing sent;
        sent.transaction = what;
        if (*sale != '\0') sent.fields.set(Field::rrn, sale);
        peers::Outcome outcome;
        outcome.code = iso8583::ResponseCode::of("00");
        outcome.fields.set(Field::rrn, rrn);
        outcome.fields.set(Field::amount_transaction,
                           iso8583::Amount(minor, iso8583::Currency::of(156)).field());
        return books.told(sent, outcome);
    };
    using peers::Transaction;
    CHECK_FALSE(told(Transaction::sale, "632500000001", "", 1'000));
    CHECK_FALSE(told(Transaction::refund, "632500000002", "632500000001", 600));
    SECTION("two refunds") { CHECK(told(Transaction::refund, "632500000003", "632500000001", 500)); }
    SECTION("the same answer twice is one refund") {
        CHECK_FALSE(told(Transaction::refund, "632500000002", "632500000001", 600));
    }
    SECTION("a void beside a refund") {
        CHECK(told(Transaction::void_sale, "632500000003", "632500000001", 1'000));
    }
    SECTION("what was reversed does not count") {
        CHECK_FALSE(told(Transaction::reversal, "632500000002", "", 600));
        CHECK_FALSE(told(Transaction::refund, "632500000003", "632500000001", 1'000));
    }
    SECTION("people said otherwise") {
        books.was_told_otherwise = [](const std::string&) { return true; };
        CHECK_FALSE(told(Transaction::refund, "632500000003", "632500000001", 500));
    }
}

TEST_CASE("The watch over the days notices each kind of wrong one", "[simulation]") {
    const auto configuration = world_configuration();
    configuration->cutover_at_minute = 12 * 60;
    DayWatch watch;
    const auto began = [&](int day, std::int64_t hours, const char* by) {
        ledger::Batch batch;
        const ledger::BusinessDayRecord r{{iso8583::Date{2026, 11, static_cast<std::uint8_t>(day)}},
                                          usual_start.plus_ms(hours * 3'600'000),
                                          by,
                                          {}};
        batch.put(ledger::Family::journal, ledger::business_day_key(r.day), ledger::encode(r));
        return watch.durable(batch, *configuration);
    };
    CHECK_FALSE(began(21, -1, "first start"));
    CHECK_FALSE(began(22, 0, "schedule"));
    SECTION("the same local day again") { CHECK(began(23, 1, "schedule")); }
    SECTION("before its minute") { CHECK(began(23, 23, "schedule")); }
    SECTION("before its minute, of a shard that follows the first") {
        watch = DayWatch(true);
        CHECK_FALSE(began(22, 0, "schedule"));
        CHECK_FALSE(began(23, 23, "schedule"));
    }
    SECTION("one is left out") { CHECK(began(24, 24, "schedule")); }
    SECTION("later than tomorrow") {
        CHECK_FALSE(began(23, 24, "admin1"));
        CHECK(began(24, 0, "admin1"));
    }
    SECTION("two people said so") { CHECK_FALSE(began(23, 1, "admin1, checker1")); }
    SECTION("missed for good") {
        CHECK_FALSE(watch.missed(*configuration, usual_start.plus_ms(23 * 3'600'000)));
        CHECK(watch.missed(*configuration, usual_start.plus_ms(24 * 3'600'000)));
    }
}
