// The vault's key is changed while the switch works: what was sealed before goes on, what is new is sealed
// under the new key, all of it is sealed anew, and only then the old key goes. docs/decisions/0054.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "ledger/vault_books.hpp"
#include "ledger/vault_key_file.hpp"
#include "switch/core/vault_rotation.hpp"
#include "tests/core/vault_office.hpp"

using acquirer::DecideProposal;
using acquirer::OperatorAnswer;
using acquirer::Role;
using acquirer::VaultStatus;
using desk::Desk;
using desk::retire;
using desk::rotate;

namespace {

constexpr const char* note = desk::vault_note;

std::string refund(Desk& d, const desk::Answer& sale) {
    return d.ask(d.refund_of(sale, "000000001000"))->code;
}

/// Until no pass goes on.
void wait_until_idle(Desk& d) {
    for (int i = 0; i < 10'000 && d.status().vault.phase != "idle"; ++i)
        d.pass(acquirer::reseal_slice_every_ms);
    REQUIRE(d.status().vault.phase == "idle");
}

std::map<std::uint32_t, std::uint64_t> cards_by_key(Desk& d) {
    const auto report = ledger::find_seal_faults(d.store(), ledger::PanVault(d.vault_file)).value();
    CHECK(report.faults == std::vector<std::string>());
    std::map<std::uint32_t, std::uint64_t> cards;
    for (const ledger::SealCount& of : report.keys) cards[of.key] = of.cards;
    return cards;
}

VaultStatus::Key::State state_of(const Desk& d, std::uint32_t number) {
    for (const VaultStatus::Key& key : d.status().vault.keys)
        if (key.number == number) return key.state;
    FAIL("there is no key " << number);
    return {};
}

}  // namespace

TEST_CASE("a sale from before the change of the vault's key is refunded after the old key is wiped") {
    Desk d;
    const auto before = d.sale();
    const OperatorAnswer changed = rotate(d);
    INFO(changed.text);
    REQUIRE(changed.done);
    CHECK(d.status().vault.active == 2);
    CHECK(state_of(d, 1) == VaultStatus::Key::State::old);
    const auto after = d.sale();
    CHECK(d.record(after.rrn).sealed_under == 2);

    const OperatorAnswer refused = retire(d, 1);
    CHECK_FALSE(refused.done);
    CHECK(refused.text ==
          "cards are still sealed under vault key 1: vault status says how far the change is");

    wait_until_idle(d);
    CHECK(state_of(d, 1) == VaultStatus::Key::State::empty);
    CHECK(cards_by_key(d) == std::map<std::uint32_t, std::uint64_t>{{2, 2}});
    CHECK(d.status().vault.resealed == 1);
    CHECK(d.status().vault.percent == 100);
    REQUIRE(retire(d, 1).done);
    CHECK(d.vault_file.find(1) == nullptr);
    CHECK(d.status().vault.keys.size() == 1);
    CHECK(refund(d, before) == "00");
    CHECK(refund(d, after) == "00");
}

TEST_CASE("the token of a card stays when the key that seals it changes") {
    Desk d;
    const auto before = d.sale();
    const auto token = d.record(before.rrn).pan_token;
    REQUIRE(rotate(d).done);
    wait_until_idle(d);
    CHECK(d.record(before.rrn).pan_token == token);
    CHECK(d.record(d.sale().rrn).pan_token == token);
}

TEST_CASE("sealing anew changes no time, no state and no history") {
    Desk d;
    const auto sale = d.sale();
    const ledger::TransactionRecord before = d.record(sale.rrn);
    REQUIRE(rotate(d).done);
    wait_until_idle(d);
    ledger::TransactionRecord after = d.record(sale.rrn);
    CHECK(after.sealed_under == 2);
    CHECK(after.sealed_card != before.sealed_card);
    after.sealed_under = before.sealed_under;
    after.sealed_card = before.sealed_card;
    CHECK(after == before);
}

TEST_CASE("a change of the vault's key is two people's, and one at a time") {
    Desk d;
    CHECK_FALSE(d.operate(acquirer::RotateVaultKey{note}, "admin1", Role::admin).done);
    CHECK_FALSE(d.operate(acquirer::RotateVaultKey{""}, "officer1", Role::security_officer).done);
    const auto proposed = d.operate(acquirer::RotateVaultKey{note}, "officer1", Role::security_officer);
    REQUIRE(proposed.done);
    CHECK(d.status().vault.active == 1);
    const DecideProposal approve{proposed.values.front().second, DecideProposal::To::approve, note};
    CHECK_FALSE(d.operate(approve, "officer1", Role::supervisor).done);
    CHECK(d.status().vault.active == 1);
    // Another was faster: what was proposed before it has lapsed.
    d.sale();
    REQUIRE(rotate(d).done);
    CHECK(d.operate(approve, "checker1", Role::supervisor).text.find("the vault's keys changed") !=
          std::string::npos);
    CHECK(rotate(d).text.find("still being sealed anew") != std::string::npos);
    CHECK(retire(d, 2).text.find("is the active one") != std::string::npos);
    CHECK(retire(d, 7).text == "there is no vault key 7");
}

TEST_CASE("a key that could not be written begins nothing") {
    Desk d;
    const auto sale = d.sale();
    d.vault_fault = "the disk is full";
    REQUIRE(rotate(d).done);
    CHECK(d.status().vault.active == 1);
    CHECK(d.status().vault.making == 0);
    CHECK(d.notes.back().detail == "vault key 2 was not made: the disk is full");
    d.sale();
    CHECK(cards_by_key(d) == std::map<std::uint32_t, std::uint64_t>{{1, 2}});
    d.vault_fault.clear();
    REQUIRE(rotate(d).done);
    CHECK(d.status().vault.active == 3);  // a number is asked for once
    wait_until_idle(d);

    d.vault_fault = "the disk is full";
    REQUIRE(retire(d, 1).done);
    CHECK(d.vault_file.find(1) != nullptr);
    CHECK(d.notes.back().detail == "vault key 1 was not wiped: the disk is full");
    d.vault_fault.clear();
    REQUIRE(retire(d, 1).done);
    CHECK(d.vault_file.find(1) == nullptr);
    CHECK(refund(d, sale) == "00");
}

TEST_CASE("a death between the file and the turn asks for the same key again") {
    Desk d;
    d.sale();
    d.vault_is_slow = true;
    REQUIRE(rotate(d).done);
    REQUIRE(d.vault_file.find(2) != nullptr);
    const ledger::SealingKey made = d.vault_file.find(2)->key;
    CHECK(d.status().vault.active == 1);
    CHECK(d.record(d.sale().rrn).sealed_under == 1);
    d.vault_is_slow = false;
    d.restart();
    CHECK(d.status().vault.active == 2);
    CHECK(std::ranges::equal(made.reveal(), d.vault_file.find(2)->key.reveal()));
    wait_until_idle(d);

    d.vault_is_slow = true;
    REQUIRE(retire(d, 1).done);
    CHECK(d.vault_file.find(1) == nullptr);
    d.vault_is_slow = false;
    d.restart();
    CHECK(d.status().vault.keys.size() == 1);
}

TEST_CASE("a death in the middle of sealing anew goes on where it was") {
    Desk d;
    for (int i = 0; i < 100; ++i) d.sale();
    d.restart();  // so that they are not decoded
    REQUIRE(rotate(d).done);
    d.pass(acquirer::reseal_slice_every_ms);
    const VaultStatus middle = d.status().vault;
    CHECK(middle.phase == "re-sealing");
    CHECK(middle.resealed == acquirer::reseal_slice.resealed_max);
    CHECK(middle.percent < 100);
    const auto cards = cards_by_key(d);
    CHECK(cards == std::map<std::uint32_t, std::uint64_t>{{1, 68}, {2, 32}});
    d.restart();
    CHECK(d.status().vault.resealed == middle.resealed);
    CHECK(d.status().vault.phase == "re-sealing");
    wait_until_idle(d);
    CHECK(d.status().vault.resealed == 100);
    CHECK(cards_by_key(d) == std::map<std::uint32_t, std::uint64_t>{{2, 100}});
}

TEST_CASE("a card that cannot be opened keeps its key, and is told") {
    Desk d;
    const auto good = d.sale();
    const auto bent = d.sale();
    ledger::TransactionRecord record = d.record(bent.rrn);
    record.sealed_card.back() = static_cast<char>(record.sealed_card.back() ^ 1);
    d.overlay().put(ledger::Family::journal, ledger::transaction_key(record.rrn), ledger::encode(record));
    d.sale();  // its turn makes that durable
    d.restart();
    REQUIRE(rotate(d).done);
    for (int i = 0; i < 1'000 && d.status().vault.phase != "stuck"; ++i)
        d.pass(acquirer::reseal_slice_every_ms);
    const VaultStatus stuck = d.status().vault;
    REQUIRE(stuck.phase == "stuck");
    CHECK(stuck.unreadable == 1);
    CHECK(stuck.first_unreadable == bent.rrn);
    CHECK(d.notes.back().severity == acquirer::Severity::alarm);
    CHECK(retire(d, 1).text ==
          "cards are still sealed under vault key 1, of which 1 cannot be opened (vault status)");
    CHECK(d.record(bent.rrn) == record);
    CHECK(d.record(good.rrn).sealed_under == 2);
    CHECK(refund(d, good) == "00");
}

TEST_CASE("no key is wiped while a backup is made, and none is made while a key is wiped") {
    Desk d;
    d.sale();
    REQUIRE(rotate(d).done);
    wait_until_idle(d);
    REQUIRE(d.operate(acquirer::BackUp{"/backup/1"}, "admin1", Role::admin).done);
    const OperatorAnswer waits = retire(d, 1);
    CHECK(waits.text == "vault key 1 will be wiped when the backup that is being made has ended");
    CHECK(d.vault_file.find(1) != nullptr);
    d.vault_is_slow = true;
    d.offer(acquirer::BackupEnded{true, "it is there", "20261121T040000Z-0", 7, 3, 999});
    CHECK(d.vault_file.find(1) == nullptr);
    const OperatorAnswer refused = d.operate(acquirer::BackUp{"/backup/2"}, "admin1", Role::admin);
    CHECK(refused.text == "the vault's keys are being changed: try again");
}

TEST_CASE("a ledger does not start on a vault that lacks its key") {
    Desk d;
    d.sale();
    REQUIRE(rotate(d).done);
    const ledger::VaultRecord state = ledger::read_vault_record(d.store()).value();
    CHECK(state.active == 2);
    CHECK(ledger::keys_missing(state, ledger::PanVault(d.vault_file)).empty());
    for (const std::uint32_t missing : {1U, 2U}) {
        ledger::VaultKeys without = d.vault_file;
        without.active = 3 - missing;
        without = ledger::without_key(without, missing).value();
        CHECK(ledger::keys_missing(state, ledger::PanVault(without))
                  .find("under vault key " + std::to_string(missing)) != std::string::npos);
    }
}

TEST_CASE("a key that is over its cryptoperiod is told each day, and before") {
    const auto told = [](Desk& d, const std::string& words) {
        return std::count_if(d.notes.begin(), d.notes.end(), [&](const acquirer::Note& n) {
            return n.kind == acquirer::NoteKind::vault_key && n.detail.find(words) != std::string::npos;
        });
    };
    Desk d([](acquirer::Configuration& c) {
        c.limits.vault_key_days = 10;
        c.limits.vault_key_warn_days = 3;
    });
    CHECK(d.status().vault.due.ms == 0);  // of a key without a date nothing is known
    REQUIRE(rotate(d).done);
    wait_until_idle(d);
    constexpr std::int64_t day_ms = 86'400'000;
    for (int day = 0; day < 8; ++day) d.pass(day_ms);
    CHECK(told(d, "within") == 2);
    CHECK(told(d, "over its cryptoperiod") == 0);
    for (int day = 0; day < 4; ++day) d.pass(day_ms);
    CHECK(told(d, "over its cryptoperiod") == 3);
    REQUIRE(rotate(d).done);
    wait_until_idle(d);
    d.pass(day_ms);
    CHECK(told(d, "over its cryptoperiod") == 3);
}
