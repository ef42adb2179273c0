// The key of the audit chain, and what is found by it and by a head that was noted elsewhere: a chain that
// was cut, made anew, written on by somebody else, or put back; and a restored one, which is none of these.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "ledger/audit_head.hpp"
#include "ledger/memory_store.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger_test;
using ledger::audit_sha256;
using ledger::AuditHead;
using ledger::AuditHeadLine;
using ledger::AuditKey;
using ledger::AuditLog;
using ledger::HmacAuditKey;
using ledger::MemoryStore;

namespace {

const HmacAuditKey ours(iso8583::Bytes(HmacAuditKey::size, 0x11));
const HmacAuditKey theirs(iso8583::Bytes(HmacAuditKey::size, 0x22));

ledger::AuditEvent event(int n, std::string_view action = "refund.open") {
    return {{1'700'000'000'000 + n}, "maker1", "operator", std::string(action), "entry " + std::to_string(n)};
}

/// Entries `from` to `to`, as the holder of `key` writes them.
AuditHead write(MemoryStore& store, int from, int to, const AuditKey* key) {
    auto log = AuditLog::open(store, audit_sha256, key);
    REQUIRE(log);
    for (int n = from; n <= to; ++n) {
        Batch batch;
        batch.turn_number = store.last_turn_number() + 1;
        REQUIRE(log->append(batch, event(n)));
        REQUIRE(commit(store, batch));
    }
    return log->head();
}

void cut_behind(MemoryStore& store, std::uint64_t sequence, std::uint64_t last) {
    Batch batch;
    batch.turn_number = store.last_turn_number() + 1;
    for (std::uint64_t n = sequence + 1; n <= last; ++n) batch.erase(Family::journal, ledger::audit_key(n));
    REQUIRE(commit(store, batch));
}

AuditHeadLine noted(const AuditHead& head, std::uint64_t turn = 0) {
    AuditHeadLine line{"2026-11-30T08:00:00Z", head, turn, std::nullopt};
    return ledger::parse_audit_head(audit_head_text(line, &ours)).value();
}

std::string fault_of(const MemoryStore& store, const std::optional<AuditHeadLine>& line,
                     const AuditKey* key = &ours) {
    return ledger::audit_chain_fault(store, store.last_turn_number(), audit_sha256, key, line);
}

void check_says(const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
}

std::string verdict_of(const MemoryStore& store, const AuditKey* key) {
    const auto verdict = ledger::verify_audit_chain(store, audit_sha256, std::nullopt, {}, key);
    return verdict ? "" : verdict.error().what;
}

}  // namespace

TEST_CASE("HMAC-SHA256 is HMAC-SHA256") {
    // RFC 4231, test case 1, whose key is shorter than ours: zeros behind it are the same key.
    iso8583::Bytes key(20, 0x0B);
    key.resize(HmacAuditKey::size);
    CHECK(iso8583::to_hex(HmacAuditKey(key).mac(iso8583::as_bytes("Hi There"))) ==
          "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7");
    CHECK(ours.check_value().size() == 6);
    CHECK(ours.check_value() != theirs.check_value());
}

TEST_CASE("a chain without MACs is gone on with under a key, and both verify it") {
    MemoryStore store;
    write(store, 1, 3, nullptr);
    const AuditHead head = write(store, 4, 6, &ours);
    const auto with_key = ledger::verify_audit_chain(store, audit_sha256, head, {}, &ours);
    REQUIRE(with_key);
    CHECK(with_key->keyed_from == 4);
    // Whoever has no key follows the hashes.
    CHECK(ledger::verify_audit_chain(store, audit_sha256, head).value() == head);
    CHECK(fault_of(store, noted(head)).empty());
    CHECK(fault_of(store, std::nullopt).empty());
}

TEST_CASE("who has no key cannot go on with a chain that has one, nor write it anew") {
    MemoryStore store;
    const AuditHead head = write(store, 1, 6, &ours);
    SECTION("without MACs") {
        write(store, 7, 7, nullptr);
        check_says(verdict_of(store, &ours), "audit entry 7: it carries no MAC");
        check_says(verdict_of(store, nullptr), "audit entry 7: it carries no MAC");
        check_says(fault_of(store, std::nullopt), "audit entry 7");
        check_says(fault_of(store, noted(head)), "audit entry 7");
    }
    SECTION("with a key of his own") {
        write(store, 7, 7, &theirs);
        check_says(verdict_of(store, &ours), "audit entry 7: its MAC is not under the key");
        CHECK(verdict_of(store, nullptr).empty());
        check_says(fault_of(store, std::nullopt), "audit entry 7");
    }
    SECTION("all of it, without MACs") {
        cut_behind(store, 0, 6);
        write(store, 1, 6, nullptr);
        CHECK(verdict_of(store, nullptr).empty());
        check_says(verdict_of(store, &ours), "the chain was written anew");
        check_says(fault_of(store, std::nullopt), "the chain was written anew");
        check_says(fault_of(store, noted(head)), "is another one now: the chain was written anew");
    }
    SECTION("all of it is taken away") {
        cut_behind(store, 0, 6);
        check_says(fault_of(store, std::nullopt), "the audit chain is empty, although it has a key");
        check_says(fault_of(store, noted(head)), "is missing: the chain was cut, or made anew");
        check_says(fault_of(store, noted(head), nullptr), "has no key: it was made anew");
    }
    SECTION("an entry in the middle is changed by who computes all hashes anew") {
        MemoryStore forged;
        write(forged, 1, 3, nullptr);
        write(forged, 9, 9, nullptr);
        write(forged, 5, 6, nullptr);
        CHECK(verdict_of(forged, nullptr).empty());
        check_says(verdict_of(forged, &ours), "MAC");
        check_says(fault_of(forged, noted(head)), "written anew");
    }
}

TEST_CASE("an end that is cut off shows against the noted head alone") {
    MemoryStore store;
    const AuditHead head = write(store, 1, 6, &ours);
    cut_behind(store, 4, 6);
    CHECK(verdict_of(store, &ours).empty());
    CHECK(fault_of(store, std::nullopt).empty());
    check_says(fault_of(store, noted(head)),
               "entry 6 of the audit chain, noted at 2026-11-30T08:00:00Z, is missing");
    // Gone on with by who has the key, to the same number.
    write(store, 15, 16, &ours);
    check_says(fault_of(store, noted(head)), "is another one now");
}

TEST_CASE("a ledger that was put back to where its audit chain was the same shows by its turn") {
    MemoryStore store;
    const AuditHead head = write(store, 1, 6, &ours);
    CHECK(fault_of(store, noted(head, 6)).empty());
    check_says(fault_of(store, noted(head, 7)), "could be recovered only up to turn 6");
}

TEST_CASE("a restored ledger is not taken for one that was cut") {
    MemoryStore store;
    write(store, 1, 4, &ours);
    MemoryStore lived_on;
    const AuditHead lost = write(lived_on, 1, 9, &ours);
    auto log = AuditLog::open(store, audit_sha256, &ours);
    ledger::Overlay overlay(store);
    REQUIRE(log->append_after_restore(overlay, event(5, "")));
    REQUIRE(commit(store, overlay.take_batch()));
    CHECK(fault_of(store, noted(lost, 900)).empty());
    CHECK(verdict_of(store, &ours).empty());
    // Its own head is noted from then on.
    const AuditHead head = log->head();
    CHECK(fault_of(store, noted(head, store.last_turn_number())).empty());
    Batch cut;
    cut.turn_number = store.last_turn_number() + 1;
    cut.erase(Family::journal, ledger::audit_key(head.sequence));
    REQUIRE(commit(store, cut));
    check_says(fault_of(store, noted(head)), "is missing");
}

TEST_CASE("thousands of entries: the newest are walked at the start") {
    MemoryStore store;
    auto log = AuditLog::open(store, audit_sha256, &ours);
    Batch batch;
    batch.turn_number = 1;
    for (int n = 1; n <= 2'500; ++n) REQUIRE(log->append(batch, event(n)));
    REQUIRE(commit(store, batch));
    CHECK(fault_of(store, std::nullopt).empty());
    Batch damage;
    damage.turn_number = 2;
    damage.erase(Family::journal, ledger::audit_key(2'000));
    REQUIRE(commit(store, damage));
    check_says(fault_of(store, std::nullopt), "audit entry 2000: it is missing");
}

TEST_CASE("the noted head is a line that says what it means, under a MAC of its own") {
    const AuditHeadLine line{
        "2026-11-30T08:00:00Z", {12, audit_sha256(iso8583::as_bytes("x")), 0}, 34, std::nullopt};
    const std::string good = audit_head_text(line, &ours);
    const auto read = ledger::parse_audit_head(good);
    REQUIRE(read);
    CHECK(read->head == line.head);
    CHECK(read->turn == 34);
    CHECK(read->time == line.time);
    CHECK(audit_head_is_ours(*read, ours));
    CHECK_FALSE(audit_head_is_ours(*read, theirs));
    CHECK(good.rfind("refund-switch audit head 1 time=2026-11-30T08:00:00Z entry=12 hash=2D711642", 0) == 0);

    std::string other_turn = good;
    other_turn.replace(other_turn.find("turn=34"), 7, "turn=30");
    CHECK_FALSE(audit_head_is_ours(ledger::parse_audit_head(other_turn).value(), ours));
    const std::string bare = audit_head_text(line, nullptr);
    CHECK_FALSE(ledger::parse_audit_head(bare)->mac);
    CHECK_FALSE(audit_head_is_ours(ledger::parse_audit_head(bare).value(), ours));

    for (const std::string& bad :
         {std::string(), std::string("refund-switch audit head 2"), good + " more", good + "0",
          good.substr(0, good.size() - 1), bare.substr(0, bare.rfind(" turn")),
          std::string(good).replace(good.find("entry=12"), 8, "entry=1x"),
          std::string(good).replace(good.find("entry=12"), 8, "entry=99999999999999999999"),
          std::string(good).replace(good.find("hash="), 7, "hash=ZZ")}) {
        INFO(bad);
        CHECK_FALSE(ledger::parse_audit_head(bad));
    }
}

TEST_CASE("a head whose MAC is of another key is not believed, and says so") {
    MemoryStore store;
    const AuditHead head = write(store, 1, 3, &ours);
    const AuditHeadLine line{"2026-11-30T08:00:00Z", head, 3, std::nullopt};
    const auto foreign = ledger::parse_audit_head(audit_head_text(line, &theirs));
    check_says(fault_of(store, *foreign), "the line was changed, or is of another ledger");
}
