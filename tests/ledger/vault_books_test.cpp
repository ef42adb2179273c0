// Which key has sealed a card, and what the ledger knows of a change of it.
#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "ledger/vault_books.hpp"
#include "ledger/vault_key_file.hpp"
#include "tests/ledger/key_of_number.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using iso8583::Rrn;
using ledger::TransactionRecord;
using ledger::VaultRecord;

namespace {

ledger::VaultKeys two_keys() {
    KeyOfNumber random(1);
    return ledger::with_new_key(ledger::new_vault_keys(random, {1'000}), 2, random, {2'000}).value();
}

TransactionRecord sale(const char* rrn, const ledger::PanVault& vault) {
    TransactionRecord r;
    r.rrn = Rrn::parse(rrn).value();
    r.sealed_card = vault.seal("6212345678900000003|2912", r.rrn.view());
    r.sealed_under = vault.active();
    return r;
}

}  // namespace

TEST_CASE("a record says which key sealed its card; what says nothing is sealed under the first") {
    TransactionRecord r;
    r.rrn = Rrn::parse("632500000001").value();
    r.sealed_card = "sealed";
    const std::string of_first = ledger::encode(r);
    CHECK(ledger::decode_transaction_record(of_first)->sealed_under == ledger::first_vault_key);
    r.sealed_under = 70'000;
    const std::string later = ledger::encode(r);
    CHECK(later.size() > of_first.size());
    CHECK(ledger::decode_transaction_record(later).value() == r);
}

TEST_CASE("the record of the vault's keys comes back, and impossible ones do not") {
    VaultRecord v;
    CHECK(ledger::decode_vault_record(ledger::encode(v)).value() == v);
    v.active = 5;
    v.last = 7;
    v.old = {{1, true}, {4, false}};
    v.making = 7;
    v.retiring = 1;
    v.by = "officer1, checker1";
    v.phase = VaultRecord::Phase::checking;
    v.after = Rrn::parse("632500000001").value();
    v.from = {1};
    v.at = {2};
    v.began = {3};
    v.ended = {-4};
    v.looked = 5;
    v.resealed = 6;
    v.found = 7;
    v.unreadable = 8;
    CHECK(ledger::decode_vault_record(ledger::encode(v)).value() == v);
    const auto refused = [&](auto change) {
        VaultRecord wrong = v;
        change(wrong);
        CHECK_FALSE(ledger::decode_vault_record(ledger::encode(wrong)));
    };
    refused([](VaultRecord& r) { r.active = 0; });
    refused([](VaultRecord& r) { r.active = 8; });
    refused([](VaultRecord& r) { r.active = 4; });
    refused([](VaultRecord& r) { r.old = {{4, true}, {4, true}}; });
    refused([](VaultRecord& r) { r.phase = static_cast<VaultRecord::Phase>(5); });
    refused([](VaultRecord& r) { r.old.assign(9, {}); });
}

TEST_CASE("cards are sealed anew in slices, decoded ones where they are decoded") {
    ledger::MemoryStore store;
    ledger::Overlay overlay(store);
    ledger::Ledger books(overlay);
    books.recover();
    ledger::PanVault vault(two_keys());
    vault.use(1);
    for (const char* rrn : {"632500000001", "632500000002", "632500000003"}) books.add(sale(rrn, vault));
    TransactionRecord without_card;
    without_card.rrn = Rrn::parse("632500000000").value();
    books.add(std::move(without_card));
    books.close_turn();
    vault.use(2);
    ledger::VaultBooks vaults(books);

    const auto first = vaults.reseal({}, vault, {2, 10});
    CHECK(first.looked == 2);
    CHECK(first.resealed == 1);
    CHECK_FALSE(first.ended);
    CHECK(first.last.view() == "632500000001");
    // The decoded one has it, so that a later change of it writes no older bytes.
    CHECK(books.find(Rrn::parse("632500000001").value())->sealed_under == 2);
    const auto second = vaults.reseal(first.last, vault, {10, 1});
    CHECK(second.resealed == 1);
    CHECK_FALSE(second.ended);
    const auto third = vaults.reseal(second.last, vault, {10, 10});
    CHECK(third.resealed == 1);
    CHECK(third.ended);
    books.close_turn();
    const auto nothing = vaults.reseal({}, vault, {10, 10});
    CHECK(nothing.looked == 4);
    CHECK(nothing.resealed == 0);
    CHECK(nothing.ended);

    // Another process finds them so, and works on bytes alone.
    ledger::Ledger again(overlay);
    again.recover();
    vault.use(1);
    const auto back = ledger::VaultBooks(again).reseal({}, vault, {10, 10});
    CHECK(back.resealed == 3);
    const auto seals = ledger::find_seal_faults(overlay, vault).value();
    REQUIRE(seals.keys.size() == 1);
    CHECK(seals.keys.front().key == 1);
    CHECK(seals.keys.front().cards == 3);
    CHECK(seals.faults.empty());
}

TEST_CASE("a card that cannot be opened stays as it is, and is told") {
    ledger::MemoryStore store;
    ledger::Overlay overlay(store);
    ledger::Ledger books(overlay);
    books.recover();
    ledger::PanVault vault(two_keys());
    vault.use(1);
    TransactionRecord bent = sale("632500000001", vault);
    bent.sealed_card.back() = static_cast<char>(bent.sealed_card.back() ^ 1);
    books.add(TransactionRecord(bent));
    books.add(sale("632500000002", vault));
    books.close_turn();
    vault.use(2);
    const auto slice = ledger::VaultBooks(books).reseal({}, vault, {10, 10});
    CHECK(slice.resealed == 1);
    REQUIRE(slice.unreadable.size() == 1);
    CHECK(slice.unreadable.front() == bent.rrn);
    CHECK(*books.find(bent.rrn) == bent);
    const auto seals = ledger::find_seal_faults(overlay, vault).value();
    REQUIRE(seals.faults.size() == 1);
    CHECK(seals.faults.front().find("632500000001: sealed PAN: it was changed") == 0);
}

TEST_CASE("what a turn has just written is sealed anew with it, before any scan can meet it") {
    ledger::MemoryStore store;
    ledger::Overlay overlay(store);
    ledger::Ledger books(overlay);
    books.recover();
    ledger::PanVault vault(two_keys());
    vault.use(1);
    const TransactionRecord& added = books.add(sale("632500000001", vault));
    vault.use(2);
    ledger::VaultBooks vaults(books);
    CHECK(vaults.reseal({}, vault, {10, 10}).looked == 0);
    CHECK(vaults.reseal_of_turn(vault) == 1);
    CHECK(added.sealed_under == 2);
    CHECK(vaults.reseal_of_turn(vault) == 0);
}
