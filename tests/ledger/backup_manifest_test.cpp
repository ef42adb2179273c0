// The text of a backup's manifest and of the mark in its store.
#include <catch2/catch.hpp>

#include "ledger/backup_manifest.hpp"

using namespace ledger;

namespace {

BackupManifest a_manifest() {
    BackupManifest m;
    m.mark = {
        "20261121T040000Z-0a1b2c3d", {1'795'233'600'000}, {*iso8583::Date::parse_iso("2026-11-21")}, 12'345};
    m.ledger_format = 2;
    m.configuration = "0123456789abcdef";
    m.by = "admin1";
    m.sealed_under = "key file";
    m.files = {{"store/rocks/000007.sst", {4'096, std::string(64, 'a')}},
               {"vault.key", {80, std::string(64, '0')}}};
    return m;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("manifest and mark are read as they were written", "[backup]") {
    const BackupManifest m = a_manifest();
    CHECK(parse_backup_manifest(encode(m)).value() == m);
    CHECK(parse_backup_mark(encode(m.mark)).value() == m.mark);
    CHECK(m.bytes() == 4'176);
    BackupManifest without = m;
    without.configuration.clear();
    without.files.clear();
    CHECK(parse_backup_manifest(encode(without)).value() == without);
    CHECK(encode(m).find("shards") == std::string::npos);  // of one shard it is as it always was
    BackupManifest of_two = m;
    of_two.shards = 2;
    CHECK(parse_backup_manifest(encode(of_two)).value() == of_two);
    CHECK(parse_backup_manifest(replaced(encode(of_two), "shards 2", "shards 1")).error().what ==
          "line 10: shards is no number of several");
}

TEST_CASE("a manifest that is not whole or was changed is refused, with its line", "[backup]") {
    const std::string text = encode(a_manifest());
    const struct {
        std::string text, says;
    } rows[] = {
        {"", "line 1: the text ends"},
        {"something else\n", "line 1: needs \"refund-switch backup 1\""},
        {replaced(text, "turn 12345", "turn many"), "line 5: turn is no number"},
        {replaced(text, "day 2026-11-21", "day today"), "line 4: day is no date"},
        {replaced(text, "id 2026", "id ../2026"), "line 2: an id has"},
        {replaced(text, "vault.key", "../vault.key"), "line 11: the path leads out"},
        {replaced(text, "vault.key", "/etc/vault.key"), "line 11: the path leads out"},
        {replaced(text, "aaaa", "gggg"), "line 10: the digest is no SHA-256"},
        {replaced(text, " 4096 ", " 4097 "), "its own digest is another"},
        {replaced(text, "admin1", "admin2"), "its own digest is another"},
        {text.substr(0, text.size() - 1), "line 12: the text ends"},
        {text + "more\n", "line 12: nothing may follow"},
    };
    for (const auto& row : rows) {
        const auto read = parse_backup_manifest(row.text);
        REQUIRE(!read);
        CHECK(read.error().what.substr(0, row.says.size()) == row.says);
    }
    for (std::size_t cut = 0; cut < text.size(); ++cut) CHECK(!parse_backup_manifest(text.substr(0, cut)));
    CHECK(!parse_backup_mark(encode(a_manifest().mark) + "x\n"));
}

TEST_CASE("a backup's id says when it was made and what it holds", "[backup]") {
    const BackupManifest m = a_manifest();
    const std::string id = backup_id(m.mark.made, m.files);
    CHECK(id.substr(0, 17) == "20261121T040000Z-");
    auto other = m.files;
    other.front().content.sha256[0] = 'b';
    CHECK(backup_id(m.mark.made, other) != id);
}
