// Retention: what is kept long enough goes, and nothing whose story has not ended. docs/operations.md,
// "Retention".
#include <catch2/catch.hpp>

#include "ledger/authorization_index.hpp"
#include "ledger/retention_books.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "switch/core/money_check.hpp"
#include "switch/core/retention.hpp"
#include "switch/core/retention_check.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::Role;
using ledger::Family;
using ledger::RetentionFamily;

namespace {

constexpr std::int64_t day_ms = 24 * 3'600'000LL;

struct Days {
    std::int32_t card_numbers = 0, requests = 0, transactions = 0, exceptions = 0, proposals = 0;
};

/// A refund is possible on the day of its sale alone, so that days are few.
Desk desk_with(const Days& days, std::int32_t window_days = 0) {
    return Desk([=](acquirer::Configuration& c) {
        c.retention.card_numbers = days.card_numbers;
        c.retention.requests = days.requests;
        c.retention.transactions = days.transactions;
        c.retention.exceptions = days.exceptions;
        c.retention.proposals = days.proposals;
        for (auto& [id, merchant] : c.merchants) {
            merchant.refund.window_days = window_days;
            merchant.refund.repeat_refund_seconds = 0;
        }
    });
}

/// Business days end, each in its own time.
void pass_days(Desk& d, int days) {
    for (int i = 0; i < days; ++i) {
        d.pass(day_ms);
        REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
        d.pass(60'000);  // the run that follows
    }
}

void close_batches(Desk& d) {
    for (const char* terminal : {"10000001", "20000001"})
        (void)d.operate(acquirer::ChangeTerminal{terminal, acquirer::ChangeTerminal::To::close_batch},
                        "checker1", Role::supervisor);
}

bool is_stored(Desk& d, const std::string& rrn) {
    const auto value =
        d.overlay().get(Family::journal, ledger::transaction_key(iso8583::Rrn::parse(rrn).value()));
    REQUIRE(value.has_value());
    return value->has_value();
}

/// A refund in the batch that is open now.
Ask refund_after_settlement(Desk& d, const Answer& sale, const std::string& amount) {
    Ask refund = d.refund_of(sale, amount, card_a);
    refund.batch = "000002";
    return refund;
}

std::size_t keys_of(Desk& d, Family family, ledger::KeyPrefix prefix) {
    const ledger::KeyRange range = ledger::all_keys(prefix);
    std::size_t count = 0;
    REQUIRE(d.overlay().scan(family, range.from, range.to, [&count](std::string_view, std::string_view) {
        ++count;
        return true;
    }));
    return count;
}

/// The sums of all closed days and what is stored and was purged say the same of every account.
void check_sums(Desk& d) {
    std::map<std::string, std::int64_t> fold;
    const auto purged = ledger::purged_sums(d.overlay());
    REQUIRE(purged.has_value());
    for (const auto& [name, total] : *purged)
        if (!name.starts_with("k/")) fold[name] += total.amount_minor;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::transaction);
    REQUIRE(
        d.overlay().scan(Family::journal, range.from, range.to, [&](std::string_view, std::string_view v) {
            const auto r = ledger::decode_transaction_record(v).value();
            for (const ledger::Posting& p : r.postings) {
                const auto who = [&](ledger::Account a) {
                    return a == ledger::Account::merchant_payable ? r.merchant.str()
                                                                  : std::to_string(r.route);
                };
                fold[ledger::account_name(p.day, p.debit, who(p.debit))] += p.amount_minor;
                fold[ledger::account_name(p.day, p.credit, who(p.credit))] -= p.amount_minor;
            }
            return true;
        }));
    ledger::Ledger books(d.overlay());
    books.recover();
    REQUIRE(!books.error());
    ledger::Totals totals(books.totals());
    const ledger::KeyRange closed = ledger::all_keys(ledger::KeyPrefix::day_sums);
    REQUIRE(
        d.overlay().scan(Family::journal, closed.from, closed.to, [&](std::string_view, std::string_view v) {
            return totals.add_stored(ledger::decode_day_sums(v)->sums).has_value();
        }));
    for (const auto& [name, minor] : fold) CHECK(totals.get(name).amount_minor == minor);
    CHECK(acquirer::find_money_faults(d.overlay())->faults.empty());
    CHECK(acquirer::find_merchant_money_faults(d.overlay(), books.totals())->faults.empty());
}

std::optional<ledger::PurgeLogEntry> logged(Desk& d, RetentionFamily family) {
    std::optional<ledger::PurgeLogEntry> found;
    REQUIRE(ledger::visit_purge_log(d.overlay(), [&](const ledger::PurgeLogEntry& e) {
        if (e.family == family) found = e;
        return true;
    }));
    return found;
}

}  // namespace

TEST_CASE("retention: a finished story goes as a whole, and its sums stay", "[retention]") {
    Desk d = desk_with({.transactions = 2});
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    const auto refund = d.ask(d.refund_of(sale, "000000004000", card_a));
    REQUIRE(refund);
    CHECK(refund->code == "00");
    const Answer other = d.sale(card_b);
    REQUIRE(d.ask(d.void_of(other, card_b))->code == "00");
    d.pass(60'000);
    close_batches(d);
    pass_days(d, 1);
    CHECK(is_stored(d, sale.rrn));
    check_sums(d);
    pass_days(d, 1);
    for (const std::string& rrn : {sale.rrn, refund->rrn, other.rrn}) CHECK(!is_stored(d, rrn));
    CHECK(keys_of(d, Family::journal, ledger::KeyPrefix::transaction) == 0);
    CHECK(keys_of(d, Family::index, ledger::KeyPrefix::trace_slot) == 0);
    check_sums(d);
    const auto entry = logged(d, RetentionFamily::transactions);
    REQUIRE(entry);
    CHECK(entry->purged == 4);
    CHECK(entry->first == sale.rrn);
    CHECK(entry->by == "the switch");
    CHECK(d.status().retention->ended);
}

TEST_CASE("retention: what is not at its end stays, whatever its age", "[retention]") {
    struct Case {
        const char* what;
        std::function<std::string(Desk&)> make;  // an RRN that has to stay
        acquirer::KeptBy kept_by;
    };
    using acquirer::KeptBy;
    const Case cases[] = {
        {"a batch that is not settled",
         [](Desk& d) {
             const std::string rrn = d.sale(card_a).rrn;
             return rrn;
         },
         KeptBy::batch},
        {"a sale on hold",
         [](Desk& d) {
             const std::string rrn = d.sale(card_a).rrn;
             close_batches(d);
             REQUIRE(d.operate(acquirer::AddDispute{rrn, "", "", "hold", "H-1", "asked for"}, "maker1",
                               Role::operator_)
                         .done);
             return rrn;
         },
         KeptBy::hold},
        {"an exception that is open",
         [](Desk& d) {
             const Answer sale = d.sale(card_a);
             Ask reversal;
             reversal.what = What::reversal;
             reversal.trace = "000001";
             reversal.amount = "000000000001";  // another amount: R37
             reversal.card = card_a;
             (void)d.ask(reversal);
             REQUIRE(!d.exceptions("reversal_other_amount").empty());
             close_batches(d);
             return sale.rrn;
         },
         KeptBy::exception},
        {"a refund whose advice nobody answers",
         [](Desk& d) {
             const Answer sale = d.sale(card_a);
             d.issuer = [](const Sent&) { return Does{Does::Kind::silent, "", MacState::verified, {}}; };
             const auto refund = d.ask(d.refund_of(sale, "000000001000", card_a));
             close_batches(d);
             return refund->rrn;
         },
         KeptBy::story},
    };
    for (const Case& c : cases) {
        INFO(c.what);
        Desk d = desk_with({.card_numbers = 1, .transactions = 1});
        d.pass(1'000);
        const std::string rrn = c.make(d);
        pass_days(d, 3);
        REQUIRE(is_stored(d, rrn));
        const ledger::TransactionRecord record = d.record(rrn);
        CHECK(!record.sealed_card.empty());
        acquirer::RetentionCheck check(d.overlay(), *d.configuration, d.status().business_date);
        REQUIRE(check.load());
        auto story = check.story_of(record);
        REQUIRE(story.has_value());
        if (!*story) story = check.story_of(d.record(record.original->str()));
        const auto verdict = check.judge(RetentionFamily::transactions, **story);
        REQUIRE(verdict.has_value());
        CHECK(name(verdict->kept_by) == name(c.kept_by));
        check_sums(d);
    }
}

TEST_CASE("retention: a sale stays while it may be refunded, and its refund later makes it younger",
          "[retention]") {
    Desk d = desk_with({.transactions = 2}, 3);
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    close_batches(d);
    pass_days(d, 3);
    REQUIRE(is_stored(d, sale.rrn));
    // On the last day of its window.
    const auto refund = d.ask(refund_after_settlement(d, sale, "000000004000"));
    REQUIRE(refund->code == "00");
    d.pass(60'000);
    close_batches(d);
    pass_days(d, 1);
    CHECK(is_stored(d, sale.rrn));
    pass_days(d, 1);
    CHECK(!is_stored(d, sale.rrn));
    CHECK(!is_stored(d, refund->rrn));
    check_sums(d);
}

TEST_CASE("retention: without its card number a sale can be looked at and not refunded", "[retention]") {
    Desk d = desk_with({.card_numbers = 1}, 5);
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    const Ask refund = d.refund_of(sale, "000000010000", card_a);
    REQUIRE(d.ask(refund)->code == "00");  // nothing remains: its window does not keep it
    d.pass(60'000);
    close_batches(d);
    pass_days(d, 1);
    const ledger::TransactionRecord record = d.record(sale.rrn);
    CHECK(record.sealed_card.empty());
    CHECK(!record.pan_masked.empty());
    CHECK(record.card_purged == d.status().business_date);
    // As one that is not found.
    CHECK(d.ask(refund_after_settlement(d, sale, "000000001000"))->code == "25");
    const auto opened =
        d.operate(acquirer::OpenRefund{sale.rrn, "", "1.00", "quality", "ref-1"}, "maker1", Role::operator_);
    CHECK(!opened.done);
    CHECK(opened.text.find("purged") != std::string::npos);
    // Its issuer says once more what it said: nothing begins with it.
    const std::size_t before = d.sent.size();
    d.reply(d.last_sent("0200"), Does{});
    d.pass(60'000);
    CHECK(d.sent.size() == before);
    check_sums(d);
}

TEST_CASE("retention: the key of an answered request goes, and its transaction stays", "[retention]") {
    Desk d = desk_with({.requests = 1}, 5);
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    close_batches(d);
    CHECK(keys_of(d, Family::index, ledger::KeyPrefix::trace_slot) == 1);
    pass_days(d, 1);
    CHECK(keys_of(d, Family::index, ledger::KeyPrefix::trace_slot) == 0);
    CHECK(is_stored(d, sale.rrn));
    // Refunds name the RRN.
    CHECK(d.ask(refund_after_settlement(d, sale, "000000001000"))->code == "00");
}

TEST_CASE("retention: what is purged is not found, and operations are told when it went", "[retention]") {
    Desk d = desk_with({.transactions = 1});
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    close_batches(d);
    pass_days(d, 1);
    REQUIRE(!is_stored(d, sale.rrn));
    CHECK(d.ask(refund_after_settlement(d, sale, "000000001000"))->code == "25");
    const auto checked = d.operate(acquirer::CheckRefund{sale.rrn, "", "1.00"}, "viewer1", Role::viewer);
    CHECK(!checked.done);
    CHECK(checked.text.find("were purged on 2026-11-22 by retention") != std::string::npos);
}

TEST_CASE("retention: a run goes on behind what it had done when the process died", "[retention]") {
    Desk d = desk_with({.transactions = 1});
    d.pass(1'000);
    std::vector<std::string> rrns;
    for (int i = 0; i < 200; ++i) rrns.push_back(d.sale(i % 2 == 0 ? card_a : card_b).rrn);
    close_batches(d);
    d.pass(day_ms);
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    std::size_t restarts = 0;
    while (!d.status().retention || !d.status().retention->ended) {
        d.pass(acquirer::retention_pause_ms);
        d.restart();
        ++restarts;
        REQUIRE(restarts < 100);
    }
    CHECK(restarts > 3);
    for (const std::string& rrn : rrns) CHECK(!is_stored(d, rrn));
    CHECK(logged(d, RetentionFamily::transactions)->purged == rrns.size());
    check_sums(d);
}

TEST_CASE("retention: people let it run, two of them", "[retention]") {
    Desk d = desk_with({.transactions = 1});
    d.configuration = std::make_shared<acquirer::Configuration>(*d.configuration);
    d.configuration->retention.daily = false;
    ++d.configuration->version;
    d.offer(acquirer::ConfigReplaced{d.configuration});
    const Answer sale = d.sale(card_a);
    close_batches(d);
    pass_days(d, 2);
    REQUIRE(is_stored(d, sale.rrn));
    const acquirer::RunPurge run{false, "the auditor has what he needs"};
    CHECK(!d.operate(run, "maker1", Role::operator_).done);
    CHECK(!d.operate(acquirer::RunPurge{false, ""}, "admin1", Role::admin).done);
    const auto proposal = d.operate(run, "admin1", Role::admin);
    REQUIRE(proposal.done);
    using To = acquirer::DecideProposal::To;
    const std::string id = proposal.values.front().second;
    CHECK(!d.operate(acquirer::DecideProposal{id, To::approve, ""}, "admin1", Role::supervisor).done);
    REQUIRE(d.operate(acquirer::DecideProposal{id, To::approve, ""}, "checker1", Role::supervisor).done);
    d.pass(10'000);
    CHECK(!is_stored(d, sale.rrn));
}

TEST_CASE("retention: days that pass at once are not believed", "[retention]") {
    Desk d = desk_with({.transactions = 1});
    d.configuration = std::make_shared<acquirer::Configuration>(*d.configuration);
    d.configuration->cutover_at_minute = 23 * 60;
    ++d.configuration->version;
    d.offer(acquirer::ConfigReplaced{d.configuration});
    const Answer sale = d.sale(card_a);
    close_batches(d);
    d.set_clock({d.now().utc.ms + 40 * day_ms});
    d.pass(2 * 3'600'000);
    REQUIRE(d.status().business_date.date.days() > 20'000);
    CHECK(is_stored(d, sale.rrn));
    CHECK(d.exceptions("retention_waits").size() == 1);
    CHECK(d.status().retention == std::nullopt);
    d.restart();
    d.pass(3'600'000);
    CHECK(is_stored(d, sale.rrn));
}

TEST_CASE("retention: closed exceptions and decided proposals", "[retention]") {
    Desk d = desk_with({.exceptions = 1, .proposals = 1}, 5);
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    Ask reversal;
    reversal.what = What::reversal;
    reversal.trace = "000001";
    reversal.amount = "000000000001";
    reversal.card = card_a;
    (void)d.ask(reversal);
    pass_days(d, 2);
    const auto open = d.exceptions("reversal_other_amount");
    REQUIRE(open.size() == 1);
    REQUIRE(d.operate(acquirer::ChangeException{open.front().id, acquirer::ChangeException::To::resolve,
                                                "the customer was called"},
                      "checker1", Role::supervisor)
                .done);
    for (int i = 0; i < 2; ++i)
        REQUIRE(d.operate(acquirer::AddDispute{sale.rrn, "", "1.00", "chargeback", "CB-" + std::to_string(i),
                                               "as the network says"},
                          "maker1", Role::operator_)
                    .done == (i == 0));
    CHECK(keys_of(d, Family::journal, ledger::KeyPrefix::exception) == 1);
    pass_days(d, 1);
    // It was closed yesterday, though it had been opened before.
    CHECK(keys_of(d, Family::journal, ledger::KeyPrefix::exception) == 0);
    // The newest proposal numbers the next one.
    CHECK(keys_of(d, Family::index, ledger::KeyPrefix::proposal) == 1);
}

TEST_CASE("retention: what was closed after an early cut-over is kept for its days", "[retention]") {
    Desk d = desk_with({.exceptions = 1}, 5);
    d.pass(1'000);
    const Answer sale = d.sale(card_a);
    Ask reversal;
    reversal.what = What::reversal;
    reversal.trace = "000001";
    reversal.amount = "000000000001";
    reversal.card = card_a;
    (void)d.ask(reversal);
    // The business day is a day ahead of the calendar now, and its run is yet to come.
    REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    REQUIRE(d.operate(
                 acquirer::ChangeException{d.exceptions("reversal_other_amount").at(0).id,
                                           acquirer::ChangeException::To::resolve, "the customer was called"},
                 "checker1", Role::supervisor)
                .done);
    d.pass(60'000);
    CHECK(keys_of(d, Family::journal, ledger::KeyPrefix::exception) == 1);
    pass_days(d, 1);
    CHECK(keys_of(d, Family::journal, ledger::KeyPrefix::exception) == 0);
}

TEST_CASE("retention: the day that an RRN names", "[retention]") {
    const auto today = iso8583::Date::parse_iso("2026-11-30").value();
    const std::pair<const char*, const char*> cases[] = {
        {"633400000001", "2026-11-30"}, {"600100000001", "2026-01-01"}, {"633500000001", "2026-12-01"},
        {"633600000001", "2016-12-01"}, {"536500000001", "2025-12-31"}, {"700100000001", "2017-01-01"},
    };
    for (const auto& [rrn, date] : cases)
        CHECK(acquirer::date_of_rrn(iso8583::Rrn::parse(rrn).value(), today).iso() == date);
}

TEST_CASE("retention: its records read as they were written, and no other way", "[retention]") {
    const iso8583::BusinessDate day{iso8583::Date::parse_iso("2026-11-30").value()};
    ledger::PurgeLogEntry entry;
    entry.day = day;
    entry.family = RetentionFamily::transactions;
    entry.add("633400000002", day);
    entry.add("633400000001", day.next());
    entry.at.ms = 1'795'233'600'000;
    entry.by = "the switch";
    CHECK(entry.first == "633400000001");
    CHECK(entry.last == "633400000002");
    CHECK(entry.newest == day.next());
    ledger::RetentionState state;
    state.runs = 3;
    state.day = day;
    state.by = "admin1 and checker1";
    state.running = true;
    state.family = RetentionFamily::requests;
    state.stage = ledger::RetentionState::Stage::days;
    state.date = day.date;
    state.cursor = "t633400000001";
    state.looked_through[RetentionFamily::card_numbers] = day.date;
    const std::string bytes[] = {encode(entry), encode(state), ledger::encode_purged_sum({7, -700})};
    CHECK(ledger::decode_purge_log_entry(bytes[0]).value() == entry);
    CHECK(ledger::decode_retention_state(bytes[1]).value() == state);
    CHECK(ledger::decode_purged_sum(bytes[2]).value() == ledger::Total{7, -700});
    for (const std::string& whole : bytes)
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const std::string_view cut = std::string_view(whole).substr(0, size);
            CHECK(!ledger::decode_purge_log_entry(cut));
            CHECK(!ledger::decode_retention_state(cut));
            CHECK(!ledger::decode_purged_sum(cut));
        }
    CHECK(ledger::waiting_rrn(ledger::retention_waiting_key(RetentionFamily::requests, day,
                                                            iso8583::Rrn::parse("633400000001").value())) ==
          iso8583::Rrn::parse("633400000001").value());
    CHECK(!ledger::waiting_rrn("Xw2"));
}
