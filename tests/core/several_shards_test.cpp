// What the first of several shards decides for all: the vault's key, and what operations added.
// docs/decisions/0065.
#include <catch2/catch.hpp>

#include "ledger/retention_records.hpp"
#include "ledger/vault_books.hpp"
#include "switch/core/vault_rotation.hpp"
#include "tests/core/two_shards.hpp"
#include "tests/core/vault_office.hpp"

using acquirer::DecideProposal;
using acquirer::OperatorAnswer;
using acquirer::Role;
using desk::Desk;
using desk::TwoShards;

namespace {

constexpr const char* note = desk::vault_note;

OperatorAnswer rotate(TwoShards& of) { return desk::rotate(of.first); }
OperatorAnswer retire(TwoShards& of, std::uint32_t key) { return desk::retire(of.first, key); }

void wait_until_idle(Desk& d) {
    for (int i = 0; i < 10'000 && d.status().vault.phase != "idle"; ++i)
        d.pass(acquirer::reseal_slice_every_ms);
    REQUIRE(d.status().vault.phase == "idle");
}

std::uint64_t cards_under(Desk& d, std::uint32_t key) {
    const auto report = ledger::find_seal_faults(d.store(), ledger::PanVault(d.vault_file)).value();
    CHECK(report.faults == std::vector<std::string>());
    for (const ledger::SealCount& of : report.keys)
        if (of.key == key) return of.cards;
    return 0;
}

std::string refund(Desk& d, const desk::Answer& sale) {
    return d.ask(d.refund_of(sale, "000000001000"))->code;
}

}  // namespace

TEST_CASE("two shards: the vault's key goes when the cards of both are sealed anew") {
    TwoShards of;
    const auto here = of.first.sale();
    const auto there = of.second.sale();
    REQUIRE(rotate(of).done);
    CHECK(of.second.status().vault.active == 1);  // not told yet
    of.pass_on();
    CHECK(of.first.status().vault.active == 2);
    CHECK(of.second.status().vault.active == 2);
    CHECK(of.second.record(of.second.sale().rrn).sealed_under == 2);

    wait_until_idle(of.first);
    of.pass_on();
    CHECK(
        retire(of, 1).text ==
        "cards of other shards are still sealed under vault key 1: vault status says how far the change is");
    CHECK(rotate(of).text.find("cards of other shards are still being sealed anew") != std::string::npos);
    wait_until_idle(of.second);
    of.pass_on();
    CHECK(cards_under(of.second, 1) == 0);
    REQUIRE(retire(of, 1).done);
    of.pass_on();
    CHECK(of.first.vault_file.find(1) == nullptr);
    for (Desk* d : {&of.first, &of.second}) CHECK(d->status().vault.keys.size() == 1);
    CHECK(refund(of.first, here) == "00");
    CHECK(refund(of.second, there) == "00");
    REQUIRE(rotate(of).done);
}

TEST_CASE("two shards: a death before the other heard of the key is told again") {
    TwoShards of;
    for (int i = 0; i < 40; ++i) of.second.sale();
    REQUIRE(rotate(of).done);
    of.restart();
    CHECK(of.second.status().vault.active == 2);
    of.second.pass(acquirer::reseal_slice_every_ms);
    CHECK(cards_under(of.second, 1) > 0);
    of.restart();  // in the middle of its pass
    wait_until_idle(of.first);
    CHECK_FALSE(retire(of, 1).done);
    wait_until_idle(of.second);
    of.restart();  // before the first heard that it has ended
    REQUIRE(retire(of, 1).done);
    of.restart();  // before the other heard that the key is gone
    for (Desk* d : {&of.first, &of.second}) {
        CHECK(d->status().vault.keys.size() == 1);
        CHECK(ledger::keys_missing(ledger::read_vault_record(d->store()).value(),
                                   ledger::PanVault(of.first.vault_file))
                  .empty());
    }
    CHECK(cards_under(of.second, 2) == 40);
}

TEST_CASE("two shards: a card of the other that cannot be opened keeps its key") {
    TwoShards of;
    const auto bent = of.second.sale();
    ledger::TransactionRecord record = of.second.record(bent.rrn);
    record.sealed_card.back() = static_cast<char>(record.sealed_card.back() ^ 1);
    of.second.overlay().put(ledger::Family::journal, ledger::transaction_key(record.rrn),
                            ledger::encode(record));
    of.second.sale();  // its turn makes that durable
    of.restart();
    REQUIRE(rotate(of).done);
    of.pass_on();
    wait_until_idle(of.first);
    for (int i = 0; i < 1'000 && of.second.status().vault.phase != "stuck"; ++i)
        of.second.pass(acquirer::reseal_slice_every_ms);
    REQUIRE(of.second.status().vault.phase == "stuck");
    of.pass_on();
    CHECK_FALSE(retire(of, 1).done);
    REQUIRE(rotate(of).done);  // as with one shard, another key may come
}

TEST_CASE("two shards: people close the day once, and it ends in both") {
    TwoShards of;
    const auto day = of.first.status().business_date;
    REQUIRE(of.first.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
    CHECK(of.second.status().business_date == day);
    of.pass_on();
    CHECK(of.first.status().business_date == day.next());
    CHECK(of.second.status().business_date == day.next());
    // By force, by two, and the process dies before the other has heard of it.
    const OperatorAnswer proposed = of.first.operate(acquirer::CutOverDay{true}, "admin1", Role::admin);
    REQUIRE(proposed.done);
    REQUIRE(of.first
                .operate(DecideProposal{proposed.values.front().second, DecideProposal::To::approve, note},
                         "checker1", Role::supervisor)
                .done);
    of.restart();
    CHECK(of.first.status().business_date == day.next().next());
    CHECK(of.second.status().business_date == day.next().next());
    of.restart();
    CHECK(of.second.status().business_date == day.next().next());
}

TEST_CASE("two shards: one decision lets both purge, and each once") {
    const auto keeps_a_month = [](acquirer::Configuration& c) {
        c.retention.requests = 31;
        c.retention.daily = false;
    };
    Desk first(keeps_a_month, Desk::noon, ledger::plan_of_shard(0, 2));
    Desk second(keeps_a_month, Desk::noon, ledger::plan_of_shard(1, 2));
    const auto runs_of = [](Desk& d) { return ledger::stored_retention_state(d.store()).value()->runs; };
    const OperatorAnswer proposed = first.operate(acquirer::RunPurge{false, note}, "admin1", Role::admin);
    REQUIRE(proposed.done);
    REQUIRE(first
                .operate(DecideProposal{proposed.values.front().second, DecideProposal::To::approve, note},
                         "checker1", Role::supervisor)
                .done);
    CHECK(runs_of(second) == 0);
    desk::restart(first, second);  // before the other has heard of it
    for (Desk* d : {&first, &second}) {
        d->pass(60'000);
        CHECK(runs_of(*d) == 1);
        CHECK(d->status().retention->ended);
    }
    first.pass(1'000);
    desk::restart(first, second);
    CHECK(runs_of(second) == 1);
}

TEST_CASE("two shards: what was added is taken back when nothing of it is open in the other") {
    TwoShards of;
    constexpr const char* added = "10000001";  // the desk's own range, as if it had been added
    REQUIRE(of.first
                .operate(acquirer::AddParty{ledger::PartyKind::terminals, added, "[[terminals]]\n", "",
                                            of.first.configuration->version},
                         "checker1", Role::supervisor)
                .done);
    const acquirer::RemoveParty remove{ledger::PartyKind::terminals, added, of.second.configuration->version};
    CHECK(of.second.operate(remove, "checker1", Role::supervisor).done);
    CHECK(of.second.parties_changed == 0);
    CHECK_FALSE(of.second.operate(remove, "maker1", Role::operator_).done);
    of.second.sale();
    CHECK(of.second.operate(remove, "checker1", Role::supervisor).text.find("settle it first") !=
          std::string::npos);
}
