// The audit chain: whatever is changed, the first entry that is wrong is named.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/memory_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::audit_key;
using ledger::audit_sha256;
using ledger::AuditHead;
using ledger::AuditLog;
using ledger::MemoryStore;

namespace {

ledger::AuditEvent event(int n) {
    return {{1'700'000'000'000 + n},
            "maker1",
            "operator",
            "refund open",
            "rrn 632500000" + std::to_string(100 + n)};
}

/// A store with a chain of `count` entries.
AuditHead fill(MemoryStore& store, int count) {
    auto log = AuditLog::open(store, audit_sha256);
    REQUIRE(log);
    for (int n = 1; n <= count; ++n) {
        Batch batch;
        batch.turn_number = store.last_turn_number() + 1;
        REQUIRE(log->append(batch, event(n)));
        REQUIRE(commit(store, batch));
    }
    return log->head();
}

void tamper(MemoryStore& store, std::uint64_t sequence, const std::optional<std::string>& value) {
    REQUIRE(commit(
        store, batch_of(store.last_turn_number() + 1, {{{Family::journal, audit_key(sequence)}, value}})));
}
std::string stored(const MemoryStore& store, std::uint64_t sequence) {
    return store.get(Family::journal, audit_key(sequence)).value().value();
}

}  // namespace

TEST_CASE("SHA-256 is SHA-256") {
    CHECK(iso8583::to_hex(audit_sha256(iso8583::as_bytes("abc"))) ==
          "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

TEST_CASE("an untouched chain verifies, from its beginning and from an anchor, after a restart too") {
    MemoryStore store;
    const AuditHead at_five = fill(store, 5);
    CHECK(at_five.sequence == 5);
    const AuditHead head = fill(store, 5);
    CHECK(head.sequence == 10);
    CHECK(ledger::verify_audit_chain(store, audit_sha256).value() == head);
    CHECK(ledger::verify_audit_chain(store, audit_sha256, at_five).value() == head);
    CHECK(ledger::verify_audit_chain(store, audit_sha256, std::nullopt, at_five).value() == head);
    CHECK(ledger::verify_audit_chain(MemoryStore(), audit_sha256).value() == AuditHead{});

    std::vector<std::uint64_t> seen;
    REQUIRE(ledger::read_audit_entries(store, 3, 6, [&](const ledger::AuditEntry& entry) {
        seen.push_back(entry.sequence);
        CHECK(entry.event.user == "maker1");
        CHECK(entry.event.action == "refund open");
        return true;
    }));
    CHECK(seen == std::vector<std::uint64_t>{3, 4, 5, 6});
}

TEST_CASE("tampering is found at the first wrong entry") {
    struct Row {
        const char* what;
        void (*act)(MemoryStore&);
        std::uint64_t first_broken;
        const char* message;
    };
    const Row rows[] = {
        {"a byte of entry 4 changed",
         [](MemoryStore& store) {
             std::string value = stored(store, 4);
             value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 1);
             tamper(store, 4, value);
         },
         4, "audit entry 4: audit record, offset 0: the checksum is wrong: the record is damaged"},
        {"entry 4 removed", [](MemoryStore& store) { tamper(store, 4, std::nullopt); }, 4,
         "audit entry 4: it is missing"},
        {"entry 1 removed", [](MemoryStore& store) { tamper(store, 1, std::nullopt); }, 1,
         "audit entry 1: it is missing"},
        {"entry 4 rewritten with a right checksum",
         [](MemoryStore& store) {
             MemoryStore other;
             auto log = AuditLog::open(other, audit_sha256);
             Batch batch;
             for (int n = 1; n <= 4; ++n) {
                 auto e = event(n);
                 if (n == 4) e.user = "somebody else";
                 REQUIRE(log->append(batch, e));
             }
             tamper(store, 4, batch.mutations[3].value);
         },
         5, "audit entry 5: the hash it holds of the entry before is wrong: one of the two was changed"},
        {"entry 5 put in the place of 4", [](MemoryStore& store) { tamper(store, 4, stored(store, 5)); }, 4,
         "audit entry 4: it says of itself that it is entry 5"},
        {"the end cut off", [](MemoryStore& store) { tamper(store, 8, std::nullopt); }, 8,
         "audit entry 8: it is missing: the chain ends before entry 8, which was noted earlier"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        MemoryStore store;
        const AuditHead head = fill(store, 8);
        row.act(store);
        const auto verdict = ledger::verify_audit_chain(store, audit_sha256, head);
        REQUIRE_FALSE(verdict);
        CHECK(verdict.error().sequence == row.first_broken);
        CHECK(verdict.error().what == row.message);
    }
}

TEST_CASE("a chain that was rewritten as a whole does not have the head noted earlier") {
    MemoryStore store;
    AuditHead noted = fill(store, 8);
    noted.hash[0] = static_cast<std::uint8_t>(noted.hash[0] ^ 1);
    const auto verdict = ledger::verify_audit_chain(store, audit_sha256, noted);
    REQUIRE_FALSE(verdict);
    CHECK(verdict.error().what == "audit entry 8: its hash is not the one noted earlier");
}

TEST_CASE("appending through the overlay, and a text that is too long") {
    MemoryStore store;
    ledger::Overlay overlay(store);
    auto log = AuditLog::open(store, audit_sha256);
    REQUIRE(log->append(overlay, event(1)));
    auto long_one = event(2);
    long_one.detail.assign(AuditLog::detail_bytes_max + 1, 'x');
    CHECK(log->append(overlay, long_one).error().what == "audit detail: at most 4096 bytes");
    REQUIRE(log->append(overlay, event(3)));
    CHECK(log->head().sequence == 2);
    REQUIRE(commit(store, overlay.take_batch()));
    CHECK(ledger::verify_audit_chain(store, audit_sha256).value() == log->head());
}
