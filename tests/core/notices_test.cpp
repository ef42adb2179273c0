// Notices: the outbox as the core keeps it: what is due, what waits, what is full, what a restart finds.
#include <catch2/catch.hpp>

#include "switch/core/notices.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using ledger::NoticeKind;
using ledger::State;

namespace {

void on(Configuration& c) { c.notices = true; }

std::vector<std::string> kinds(const std::vector<ledger::Notice>& notices) {
    std::vector<std::string> words;
    for (const ledger::Notice& n : notices) words.emplace_back(ledger::name(n.kind));
    return words;
}

using Words = std::vector<std::string>;

desk::Answer refund(desk::Desk& d, const desk::Answer& sale, const std::string& amount) {
    const auto answer = d.ask(d.refund_of(sale, amount, desk::card_a));
    REQUIRE(answer);
    return *answer;
}

/// A context with an empty ledger, notices on.
struct EmptyLedger {
    static ConfigurationPtr with_notices() {
        auto configuration = std::make_shared<Configuration>();
        configuration->notices = true;
        return configuration;
    }
    ledger::MemoryStore store;
    ledger::Overlay overlay{store};
    ledger::PanVault vault{ledger::PanVaultKey(std::array<std::uint8_t, ledger::PanVaultKey::size>{})};
    CoreContext context{with_notices(), overlay, vault, {}};
    Effects effects;
    EmptyLedger() {
        context.effects = &effects;
        context.ledger.recover();
    }
};

}  // namespace

TEST_CASE("notices: what a refund's state is to tell, after what was told last") {
    struct Row {
        State state;
        NoticeKind before;
        NoticeKind due;
    };
    const Row rows[] = {
        {State::advice_pending, NoticeKind::none, NoticeKind::accepted},
        {State::advice_pending, NoticeKind::processing, NoticeKind::accepted},
        {State::advice_pending, NoticeKind::accepted, NoticeKind::none},
        {State::advice_pending, NoticeKind::abnormal, NoticeKind::processing},
        {State::held, NoticeKind::none, NoticeKind::processing},
        {State::cleared, NoticeKind::processing, NoticeKind::accepted},
        {State::approved, NoticeKind::none, NoticeKind::done},
        {State::approved, NoticeKind::accepted, NoticeKind::done},
        {State::approved, NoticeKind::done, NoticeKind::none},
        {State::approved, NoticeKind::not_paid, NoticeKind::done},
        {State::merchant_account, NoticeKind::abnormal, NoticeKind::done},
        {State::alternative_account, NoticeKind::abnormal, NoticeKind::done},
        {State::parked, NoticeKind::accepted, NoticeKind::processing},
        {State::abnormal, NoticeKind::accepted, NoticeKind::abnormal},
        {State::abnormal, NoticeKind::processing, NoticeKind::abnormal},
        {State::expired, NoticeKind::processing, NoticeKind::expired},
        {State::rejected, NoticeKind::processing, NoticeKind::not_paid},
        {State::cancelled, NoticeKind::accepted, NoticeKind::not_paid},
        {State::reversed, NoticeKind::done, NoticeKind::not_paid},
        {State::declined, NoticeKind::accepted, NoticeKind::not_paid},
        {State::declined, NoticeKind::none, NoticeKind::none},
        {State::reversed, NoticeKind::none, NoticeKind::none},
        {State::refused, NoticeKind::none, NoticeKind::none},
        {State::sent, NoticeKind::accepted, NoticeKind::none},
        {State::in_doubt, NoticeKind::none, NoticeKind::none},
        {State::reversing, NoticeKind::done, NoticeKind::none},
    };
    for (const Row& row : rows) {
        ledger::TransactionRecord record;
        record.kind = ledger::TransactionKind::refund;
        record.state = row.state;
        record.noticed = static_cast<std::uint8_t>(row.before);
        INFO(ledger::name(row.state) << " after " << ledger::name(row.before));
        CHECK(notice_due(record) == row.due);
    }
    ledger::TransactionRecord sale;
    sale.state = State::approved;
    CHECK(notice_due(sale) == NoticeKind::none);
}

TEST_CASE("notices: off means that nothing is written") {
    desk::Desk d;
    const auto sale = d.sale(desk::card_a);
    REQUIRE(refund(d, sale, "000000004000").code == "00");
    d.pass(1);
    CHECK(d.notices.empty());
    CHECK(d.status().notices_waiting == 0);
}

TEST_CASE("notices: each tells whose refund it is, with a masked card") {
    desk::Desk d(on);
    const auto sale = d.sale(desk::card_a);
    const auto part = refund(d, sale, "000000004000");
    REQUIRE(part.code == "00");
    d.pass(1'000);
    REQUIRE(kinds(d.notices) == Words{"accepted", "done"});
    const ledger::Notice& n = d.notices.front();
    CHECK(n.number == 1);
    CHECK(n.rrn.str() == part.rrn);
    CHECK(n.original.str() == sale.rrn);
    CHECK(n.amount_minor == 4'000);
    CHECK(n.currency == 156);
    CHECK(n.state == "advice_pending");
    CHECK(n.card.find("******") != std::string::npos);
    CHECK(d.status().notices_waiting == 0);
}

TEST_CASE("notices: files that cannot be written hold up nothing, raise one alarm, and all come later") {
    desk::Desk d(on);
    const auto sale = d.sale(desk::card_a);
    d.notices_fault = "notices: no space left on device";
    for (int i = 0; i < 3; ++i) CHECK(refund(d, sale, "000000001000").code == "00");
    d.pass(60'000);
    CHECK(d.notices.empty());
    CHECK(d.status().notices_stuck);
    CHECK(d.status().notices_waiting == 6);
    CHECK(d.exceptions("notices_stuck").size() == 1);
    CHECK(d.exceptions("notices_stuck").front().alarm);
    d.notices_fault.clear();
    d.pass(notices_retry_ms + 1);
    CHECK_FALSE(d.status().notices_stuck);
    CHECK(d.status().notices_waiting == 0);
    CHECK(d.status().open_exceptions == 0);
    REQUIRE(d.notices.size() == 6);
    std::uint64_t expected = 0;
    for (const ledger::Notice& n : d.notices) CHECK(n.number == ++expected);
}

TEST_CASE("notices: what waited at a crash is delivered after it") {
    desk::Desk d(on);
    const auto sale = d.sale(desk::card_a);
    d.notices_fault = "gone";
    const auto part = refund(d, sale, "000000001000");
    CHECK(part.code == "00");
    d.pass(1'000);
    CHECK(d.notices.empty());
    d.notices_fault.clear();
    d.restart();
    d.pass(60'000);
    REQUIRE(kinds(d.notices) == Words{"accepted", "done"});
    CHECK(d.notices.front().rrn.str() == part.rrn);
    CHECK(d.status().notices_waiting == 0);
    CHECK(d.status().open_exceptions == 0);  // that of before the crash is closed as well
}

TEST_CASE("notices: beyond the bound they are not written, counted, and somebody is told") {
    EmptyLedger b;
    CoreContext& context = b.context;
    Effects& effects = b.effects;
    Notices outbox(context, 2);
    outbox.recover();
    for (const char* number : {"632500000001", "632500000002", "632500000003", "632500000004"}) {
        ledger::TransactionRecord refund;
        refund.rrn = iso8583::Rrn::parse(number).value();
        refund.kind = ledger::TransactionKind::refund;
        refund.state = State::approved;
        refund.amount = iso8583::Amount(100, iso8583::Currency::of(156));
        context.ledger.add(ledger::TransactionRecord(refund));
    }
    outbox.close_turn();
    context.ledger.close_turn();
    CHECK(outbox.waiting() == 2);
    outbox.on_deadline();
    const auto* write = std::get_if<WriteNotices>(&effects.back());
    REQUIRE(write != nullptr);
    CHECK(write->notices.size() == 2);
    CHECK(context.counters.at("exceptions.notices_lost") == 1);
    CHECK(context.ledger.exceptions_open() == 1);
    // What could not be told stays due: it is told when its refund changes again.
    const auto* third = context.ledger.find(iso8583::Rrn::parse("632500000003").value());
    REQUIRE(third != nullptr);
    CHECK(third->noticed == 0);
    outbox.on_written({write->notices.back().number, ""});
    CHECK(outbox.waiting() == 0);
}

TEST_CASE("notices: those that were delivered long ago are erased, the newest stay to be looked at") {
    EmptyLedger b;
    CoreContext& context = b.context;
    ledger::NoticeBooks books(context.ledger);
    ledger::Notice one;
    one.kind = NoticeKind::done;
    const std::uint64_t last = notices_kept_max + 5;
    for (one.number = 1; one.number <= last; ++one.number) books.save(one);
    books.save(ledger::NoticeProgress{last, last - 1, 0, {}});
    Notices outbox(context);
    outbox.recover();
    outbox.on_written({last, ""});
    std::uint64_t first = 0;
    books.visit_behind(0, [&](ledger::Notice&& n) {
        first = n.number;
        return false;
    });
    CHECK(first == 6);
    CHECK(books.progress().erased == 5);
}
