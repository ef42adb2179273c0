// Formats of the ledger: the golden data directories are read, an older one is migrated and may crash in the
// middle, a newer one is refused, and what a newer program added to a record stays in it.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/ledger.hpp"
#include "ledger/ledger_format.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/record_codec.hpp"
#include "ledger/rocks_store.hpp"
#include "tests/ledger/golden_ledger.hpp"
#include "tests/ledger/store_driver.hpp"
#include "tests/test_paths.hpp"

using namespace ledger_test;
using ledger::FormatMarker;
using ledger::FormatMigration;
using ledger::Ledger;
using ledger::MemoryStore;
using ledger::Overlay;
using ledger::RocksStore;
using ledger::StoreError;

namespace {

std::unique_ptr<RocksStore> open_golden(const TempDirectory& directory, const std::string& format) {
    const std::string copy = directory.path(format);
    std::filesystem::copy(source_path("tests/ledger/golden/" + format), copy,
                          std::filesystem::copy_options::recursive);
    ledger::RocksStoreOptions options;
    options.directory = copy;
    options.create_if_missing = false;
    options.disk_free_bytes_min = 0;
    auto store = RocksStore::open(options);
    INFO((store ? "" : store.error().what));
    REQUIRE(store);
    return std::move(*store);
}

auto migrate(ledger::Store& store) {
    return ledger::migrate_to_current_format(
        store, [&store](Batch batch) { return commit(store, std::move(batch)); });
}

/// All but what differs on purpose: audit entries, which a migration leaves alone, how many numbers the
/// program of the time skipped at its starts, since when exceptions are open, and turn records that a
/// checkpoint covers, which this program erases later.
Model comparable(Model all) {
    auto& journal = all.families[0];
    journal.erase(journal.lower_bound("a"), journal.lower_bound("b"));
    const auto without_numbers = [](ledger::TurnRecord turn) {
        turn.rrn_sequence = 0;
        turn.issuer_stan = 0;
        turn.exceptions_from.clear();
        return turn;
    };
    const auto covered = ledger::decode_checkpoint(journal.at("c")).value().turn;
    journal.erase(journal.lower_bound("n"), journal.upper_bound(ledger::turn_record_key(covered)));
    for (auto& [key, value] : journal) {
        if (key.front() == 'n') value = encode(without_numbers(ledger::decode_turn_record(value).value()));
        if (key.front() != 'c') continue;
        auto checkpoint = ledger::decode_checkpoint(value).value();
        checkpoint.counters = without_numbers(checkpoint.counters);
        value = encode(checkpoint);
    }
    return all;
}

Model fresh() {
    MemoryStore store;
    write_golden_ledger_first(store);
    write_golden_ledger_second(store);
    return contents_of(store);
}

/// The golden ledger of format 1 in a memory store.
std::unique_ptr<MemoryStore> old_ledger() {
    const TempDirectory directory;
    Batch batch;
    batch.turn_number = 1;
    const Model all = contents_of(*open_golden(directory, "format-1"));
    for (const Family family : {Family::journal, Family::index})
        for (const auto& [key, value] : all.families[static_cast<std::size_t>(family)])
            batch.put(family, key, value);
    auto store = std::make_unique<MemoryStore>();
    REQUIRE(commit(*store, std::move(batch)));
    return store;
}

}  // namespace

TEST_CASE("the golden directory of format 2 holds what this program writes") {
    const TempDirectory directory;
    const auto store = open_golden(directory, "format-2");
    CHECK(comparable(contents_of(*store)) == comparable(fresh()));
    const auto migrated = migrate(*store);
    REQUIRE(migrated);
    CHECK_FALSE(migrated->has_value());
}

TEST_CASE("the golden directory of format 1 becomes what this program writes") {
    const TempDirectory directory;
    const auto store = open_golden(directory, "format-1");
    {
        const Overlay overlay(*store);
        Overlay writable(*store);
        Ledger books(writable);
        books.recover();
        REQUIRE(books.error());
        CHECK(books.error()->what == "the ledger has format 1 and was not brought to format 2");
    }
    const auto migrated = migrate(*store);
    INFO((migrated ? "" : migrated.error().what));
    REQUIRE(migrated);
    REQUIRE(migrated->has_value());
    CHECK((*migrated)->from == 1);
    CHECK(comparable(contents_of(*store)) == comparable(fresh()));
    const auto chain = ledger::verify_audit_chain(*store, &ledger::audit_sha256);
    REQUIRE(chain);
    CHECK(chain->sequence == 2);

    Overlay overlay(*store);
    Ledger books(overlay);
    books.recover();
    for (const ledger::TransactionRecord& wanted : golden_transactions()) {
        const auto found = books.find(wanted.rrn);
        REQUIRE(found);
        CHECK(*found == wanted);
        if (!found->sealed_card.empty())
            CHECK(golden_vault().open(found->sealed_card, found->rrn.view()) ==
                  std::string(golden_card) + "|2912");
    }
    CHECK_FALSE(books.error());
    CHECK(books.exceptions_open() == 1);
}

TEST_CASE("a migration that crashes after any of its batches goes on where it was") {
    std::uint64_t batches = 0;
    for (std::uint64_t crash_after = 0; crash_after == 0 || crash_after <= batches; ++crash_after) {
        INFO("crash after " << crash_after);
        const auto store = old_ledger();
        std::uint64_t done = 0;
        for (bool finished = false; !finished;) {
            const auto found = ledger::stored_format(*store);
            REQUIRE(found);
            REQUIRE(found->has_value());
            FormatMigration migration(*store, **found, 3);
            while (!migration.done()) {
                auto batch = migration.next_batch();
                REQUIRE(batch);
                CHECK(batch->mutations.size() <= 3 + 3 + 1);  // three keys, their open work, the marker
                REQUIRE(commit(*store, std::move(*batch)));
                if (++done == crash_after) break;  // the process dies here; the next looks at the marker
            }
            finished = migration.done();
            if (crash_after == 0) batches = migration.report().batches;
        }
        REQUIRE(batches > 3);
        CHECK(done == batches);
        REQUIRE(comparable(contents_of(*store)) == comparable(fresh()));
    }
}

TEST_CASE("a newer format is refused with a sentence that names both") {
    const FormatMarker rows[] = {{3, 0, Family::journal, ""}, {2, 3, Family::index, "k"}};
    for (const FormatMarker& marker : rows) {
        MemoryStore store;
        REQUIRE(
            commit(store, batch_of(1, {{{Family::journal, ledger::format_key()}, ledger::encode(marker)}})));
        const auto migrated = migrate(store);
        REQUIRE_FALSE(migrated);
        CHECK(migrated.error().kind == StoreError::Kind::version);
        CHECK(migrated.error().what ==
              "the ledger has format 3, this program knows formats up to 2: it must be opened by the program "
              "that wrote it");
        Overlay overlay(store);
        Ledger books(overlay);
        books.recover();
        REQUIRE(books.error());
        CHECK(books.error()->what == migrated.error().what);
    }
}

TEST_CASE("a record of a newer program with unknown properties, decoded and saved, still has them") {
    ledger::TransactionRecord t = golden_transactions().at(0);
    ledger::RecordWriter newer(ledger::property_record_version);
    newer.property(200, "what comes later");
    newer.property(300, std::string(200, 'x'));
    const std::string record = newer.finish();
    t.unknown_properties = record.substr(1, record.size() - 5);
    const auto read = ledger::decode_transaction_record(ledger::encode(t));
    REQUIRE(read);
    CHECK(*read == t);
    CHECK(ledger::encode(*read) == ledger::encode(t));

    ledger::BusinessDayRecord day{{iso8583::Date{2026, 11, 21}}, {}, "schedule", t.unknown_properties};
    const auto day_read = ledger::decode_business_day(ledger::encode(day));
    REQUIRE(day_read);
    CHECK(day_read->unknown_properties == t.unknown_properties);
    // A number that is known, or that does not rise, is no unknown property.
    t.unknown_properties += std::string("\x14\x00", 2);
    CHECK_FALSE(ledger::decode_transaction_record(ledger::encode(t)));
}

TEST_CASE(
    "properties that format 2 did not begin with are read back, and cost nothing when they are not used") {
    ledger::TransactionRecord t = golden_transactions().at(0);
    const std::size_t bytes = ledger::encode(t).size();
    t.asked_minor = t.amount.minor_units() + 1;
    t.asked_by_0100 = t.turned_into_void = true;
    t.operator_number = "01";
    t.shared.own_reversal_digest = 7;
    t.shared.joined.assign(ledger::joined_keys_max,
                           {t.terminal, t.batch, t.stan, 1'231'235'959, t.processing_code, ~0ULL, "02"});
    CHECK(ledger::encode(t).size() > bytes);
    const auto read = ledger::decode_transaction_record(ledger::encode(t));
    REQUIRE(read);
    CHECK(*read == t);
    CHECK(read->is_partly_approved());
    CHECK(read->names_amount(t.asked_minor));
    CHECK(read->names_amount(t.amount.minor_units()));
    CHECK_FALSE(read->names_amount(t.asked_minor + 1));
}

TEST_CASE("R39 what partial reversals did to a sale is read back, and says what stands and what is named") {
    using Status = ledger::PartialReversal::Status;
    ledger::TransactionRecord t = golden_transactions().at(0);
    t.state = ledger::State::approved;
    const std::int64_t first = t.amount.minor_units();
    CHECK_FALSE(ledger::is_open(t));
    CHECK(t.reversal_amount() == t.amount);
    t.lowering = {first,
                  {{Status::done, 11, first - 10, 7, 1'128'093'000},
                   {Status::refused, 12, first - 20, 8, 1'128'093'001},
                   {Status::waiting, 13, first - 30, 0, 0}}};
    CHECK(t.lowered_to_minor() == first - 30);
    t.advice.kind = ledger::QueuedAdvice::Kind::reversal;
    t.advice.status = ledger::QueuedAdvice::Status::waiting;
    t.amount = iso8583::Amount(first - 30, t.amount.currency());
    const auto read = ledger::decode_transaction_record(ledger::encode(t));
    REQUIRE(read);
    CHECK(*read == t);
    CHECK(ledger::is_open(*read));
    REQUIRE(read->open_partial() != nullptr);
    CHECK(read->open_partial()->digest == 13);
    CHECK(read->first_amount().minor_units() == first);
    CHECK(read->reversal_amount() == t.amount);
    CHECK(read->names_amount(first));
    CHECK_FALSE(read->names_amount(first - 30));
    t.lowering.reversals.back().status = Status::refused;
    CHECK(t.lowered_to_minor() == first - 10);
    t.lowering.reversals.front().status = Status::refused;
    CHECK(t.lowered_to_minor() == first);
    t.advice.status = ledger::QueuedAdvice::Status::final;
    CHECK_FALSE(ledger::is_open(t));
    t.lowering.reversals.resize(ledger::partial_reversals_max);
    CHECK(ledger::decode_transaction_record(ledger::encode(t)));
    t.lowering.reversals.emplace_back();
    CHECK_FALSE(ledger::decode_transaction_record(ledger::encode(t)));
}

// The wallet's properties were written behind those of fees: no record of a wallet's sale at a merchant with
// fees could be read again.
TEST_CASE("a record that has everything that came with the instruments is read back") {
    ledger::TransactionRecord t = golden_transactions().at(0);
    t.wallet = {"wechat", "ORD00000000017"};
    t.advice.polls = 3;
    t.advice.processing_since.ms = 1'700'000'000'000;
    t.advice.first_attempt.ms = 1'700'000'000'001;
    t.late_authorization = iso8583::AuthorizationCode::parse("A1B2C3").value();
    t.noticed = 1;
    t.completed_by = iso8583::Rrn::parse("632500000099").value();
    t.of_authorization = true;
    t.completed_by_advice = true;
    t.completion_stan = 17;
    t.completion_transmission_time = 1'128'093'000;
    t.completion_percent = 115;
    t.charges.fee_return = ledger::FeeReturn::return_proportional;
    t.charges.fee_tiers = {{100'000, 38}, {0, 55}};
    t.charges.fee_minor = 60;
    t.charges.reserve_percent = 10;
    t.charges.withheld_minor = 1'000;
    t.charges.wallet_funded_minor = 200;
    t.charges.merchant_funded_minor = 100;
    t.charges.discount_minor = 100;
    t.drawn_minor = 500;
    t.caution = {{ledger::CautionBound::ratio, 31, 30}};
    const auto read = ledger::decode_transaction_record(ledger::encode(t));
    INFO((read ? "" : read.error().what));
    REQUIRE(read);
    CHECK(*read == t);
}

TEST_CASE("a terminal's operator numbers are read back, each with its key") {
    ledger::TerminalRecord t;
    t.terminal = golden_transactions().at(0).terminal;
    t.keys = {{7, "PIN", "MAC", "02"}, {6, "PIN", "MAC", ""}, {5, "PIN", "MAC", "01"}};
    const std::size_t bytes = ledger::encode(t).size();
    t.operator_number = "01";
    CHECK(ledger::encode(t).size() == bytes + t.operator_number.size());
    const auto read = ledger::decode_terminal(ledger::encode(t));
    REQUIRE(read);
    CHECK(read->operator_number == "01");
    REQUIRE(read->keys.size() == 3);
    CHECK(read->keys[0].operator_number == "02");
    CHECK(read->keys[1].operator_number.empty());
    CHECK(read->keys[2].operator_number == "01");
    // One that nobody named costs nothing.
    ledger::TerminalRecord bare;
    bare.terminal = t.terminal;
    CHECK(ledger::encode(bare).size() < bytes);
    CHECK(ledger::decode_terminal(ledger::encode(bare))->operator_number.empty());
}

TEST_CASE("a terminal's record with as many keys as it may have is read back") {
    ledger::TerminalRecord t;
    t.terminal = golden_transactions().at(0).terminal;
    for (std::uint32_t version = ledger::TerminalRecord::keys_max; version > 0; --version)
        t.keys.push_back({version, "PIN", "MAC", "01"});
    const auto read = ledger::decode_terminal(ledger::encode(t));
    REQUIRE(read);
    CHECK(read->keys.size() == ledger::TerminalRecord::keys_max);
    CHECK(read->keys.back().operator_number == "01");
}

TEST_CASE("an RRN that exists already is looked for before it is given out") {
    iso8583::Now now{iso8583::Instant{0}, iso8583::UtcTime{1'795'240'800'000}, 8 * 3600};
    MemoryStore store;
    Overlay overlay(store);
    Ledger first(overlay);
    first.recover();
    ledger::TransactionRecord t = golden_transactions().at(0);
    const std::string given = first.next_rrn(now).str();
    // Ten years later the same YDDD comes again: a ledger without counters, but with those records.
    Batch batch;
    batch.turn_number = 1;
    const std::uint64_t sequence = std::stoull(given.substr(4));
    for (const std::uint64_t n : {0U, 1U, 2U, 4U}) {
        t.rrn = iso8583::Rrn::parse(given.substr(0, 4) + std::to_string(sequence + n)).value();
        batch.put(Family::journal, ledger::transaction_key(t.rrn), ledger::encode(t));
    }
    REQUIRE(commit(store, std::move(batch)));
    Overlay again(store);
    Ledger second(again);
    now.utc.ms -= static_cast<std::int64_t>(ledger::numbers_skipped_at_restart);
    second.recover();
    now.utc.ms += static_cast<std::int64_t>(ledger::numbers_skipped_at_restart);
    for (const std::uint64_t n : {3U, 5U, 6U})
        CHECK(second.next_rrn(now).str() == given.substr(0, 4) + std::to_string(sequence + n));
}

TEST_CASE("a shard has its place in the RRN, and STANs come from its range") {
    const iso8583::Now now{iso8583::Instant{0}, iso8583::UtcTime{1'795'240'800'000}, 8 * 3600};
    MemoryStore store;
    Overlay overlay(store);
    Ledger books(overlay, {"7Q", 100, 102});
    const std::string first = books.next_rrn(now).str();
    CHECK(first.substr(0, 6) == "63257Q");
    CHECK(books.next_rrn(now).str() > first);
    std::vector<std::uint32_t> stans;
    for (int i = 0; i < 5; ++i) stans.push_back(books.next_issuer_numbers(now).stan.value());
    CHECK(stans == std::vector<std::uint32_t>{100, 101, 102, 100, 101});
}

TEST_CASE(
    "a clock that leapt a year ahead and came back leaves neither RRN nor DE7 there, over a restart too") {
    constexpr std::int64_t day_ms = 86'400'000;
    iso8583::Now now{iso8583::Instant{0}, iso8583::UtcTime{1'795'240'800'000}, 8 * 3600};
    MemoryStore store;
    Overlay overlay(store);
    ledger::TransactionRecord t = golden_transactions().at(0);
    const auto give = [&](Ledger& books) {
        t.rrn = books.next_rrn(now);
        books.add(ledger::TransactionRecord(t));
        static_cast<void>(books.next_issuer_numbers(now));
        books.close_turn();
        REQUIRE(commit(store, overlay.take_batch()));
        overlay.in_flight_done();
        return t.rrn.str();
    };
    std::vector<std::string> given;
    {
        Ledger books(overlay);
        books.recover();
        given.push_back(give(books));
        now.utc.ms += 365 * day_ms;
        given.push_back(give(books));
    }
    Ledger books(overlay);
    books.recover();
    SECTION("put right: today's numbers again, none twice") {
        now.utc.ms -= 365 * day_ms;
        given.push_back(give(books));
        CHECK(given[2].substr(0, 4) == given[0].substr(0, 4));
        CHECK(given[2] > given[0]);
        CHECK(books.next_issuer_numbers(now).transmission_time ==
              iso8583::TransmissionTime::from_utc(iso8583::UtcTime{now.utc.ms}));
    }
    SECTION("set back by a day: the later day's numbers go on") {
        now.utc.ms -= day_ms;
        given.push_back(give(books));
        CHECK(given[2].substr(0, 4) == given[1].substr(0, 4));
        CHECK(given[2] > given[1]);
    }
}
