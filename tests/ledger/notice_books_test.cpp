// Notices and added merchants and terminals as they are stored (docs/ledger_format.md, "Other records").
#include "ledger/notice_books.hpp"

#include <catch2/catch.hpp>

#include "ledger/memory_store.hpp"
#include "ledger/party_books.hpp"
#include "tests/ledger/store_driver.hpp"

using namespace ledger;

namespace {

Notice notice(std::uint64_t number) {
    Notice n;
    n.number = number;
    n.kind = NoticeKind::abnormal;
    n.at = iso8583::UtcTime{1'795'240'800'000};
    n.local_offset_s = 8 * 3600;
    n.rrn = iso8583::Rrn::parse("632500000002").value();
    n.original = iso8583::Rrn::parse("632500000001").value();
    n.merchant = iso8583::MerchantId::parse("898110157220001").value();
    n.terminal = iso8583::TerminalId::parse("10000001").value();
    n.amount_minor = 6'000;
    n.currency = 156;
    n.card = "621234******0001";
    n.reference = "T-2041";
    n.state = "abnormal";
    return n;
}

}  // namespace

TEST_CASE("A notice, how far notices are, and a party are what was written") {
    const auto n = decode_notice(encode(notice(7)));
    REQUIRE(n);
    CHECK(*n == notice(7));
    const NoticeProgress p{9, 7, 2, {}};
    const auto progress = decode_notice_progress(encode(p));
    REQUIRE(progress);
    CHECK(*progress == p);
    const PartyRecord party{PartyKind::terminals,
                            "77000001",
                            "[[terminals]]\n",
                            "checker1",
                            iso8583::UtcTime{1'795'240'800'000},
                            {}};
    const auto back = decode_party(encode(party));
    REQUIRE(back);
    CHECK(*back == party);
}

TEST_CASE("Of a notice, of progress and of a party every cut and every changed byte is told") {
    const std::string records[] = {encode(notice(7)), encode(NoticeProgress{9, 7, 2, {}}),
                                   encode(PartyRecord{PartyKind::merchant, "m", "s", "u", {}, {}})};
    const auto reads = [](std::size_t which, const std::string& bytes) {
        return which == 0   ? decode_notice(bytes).has_value()
               : which == 1 ? decode_notice_progress(bytes).has_value()
                            : decode_party(bytes).has_value();
    };
    for (std::size_t which = 0; which < 3; ++which) {
        const std::string& whole = records[which];
        REQUIRE(reads(which, whole));
        for (std::size_t size = 0; size < whole.size(); ++size)
            CHECK_FALSE(reads(which, whole.substr(0, size)));
        for (std::size_t at = 0; at < whole.size(); ++at) {
            std::string changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ 1);
            CHECK_FALSE(reads(which, changed));
        }
    }
    CHECK_FALSE(decode_notice_progress(encode(NoticeProgress{5, 6, 0, {}})));
    CHECK_FALSE(decode_notice_progress(encode(NoticeProgress{5, 4, 5, {}})));
}

TEST_CASE("Keys of notices stand in the order of their numbers, those of parties say what it is") {
    CHECK(notice_key(7) == "N0000000000000007");
    CHECK(notice_key(9) < notice_key(10));
    CHECK(notice_number_of(notice_key(123'456)) == 123'456);
    CHECK(notice_number_of("N12") == 0);
    CHECK(notice_number_of("x0000000000000007") == 0);
    CHECK(notice_progress_key() == "D");
    CHECK(party_key(PartyKind::merchant, "898110157220001") == "MM898110157220001");
    CHECK(party_key(PartyKind::terminals, "77000001") == "MT77000001");
}

TEST_CASE("Parties are read from a store, merchants before the terminals that name them") {
    MemoryStore store;
    Overlay overlay(store);
    Ledger books(overlay);
    books.recover();
    PartyBooks parties(books);
    parties.save({PartyKind::terminals, "10000001", "t", "checker1", {}, {}});
    parties.save({PartyKind::merchant, "898110157220001", "m", "checker1", {}, {}});
    parties.save({PartyKind::merchant, "898110157220002", "gone", "checker1", {}, {}});
    CHECK(parties.count() == 3);
    parties.erase(PartyKind::merchant, "898110157220002");
    const auto all = stored_parties(overlay);
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK((*all)[0].section == "m");
    CHECK((*all)[1].section == "t");
    CHECK_FALSE(parties.find(PartyKind::merchant, "898110157220002"));
}
