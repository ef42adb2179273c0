// The core's part of a backup: who may, one at a time, and both ends of it in the audit chain.
#include <catch2/catch.hpp>

#include "ledger/audit_log.hpp"
#include "tests/core/desk.hpp"

using namespace desk;
using acquirer::BackupStatus;
using acquirer::Role;

namespace {

std::vector<std::string> audited(Desk& d) {
    std::vector<std::string> actions;
    REQUIRE(
        ledger::read_audit_entries(d.overlay(), 1, ~std::uint64_t{0}, [&](const ledger::AuditEntry& entry) {
            actions.push_back(entry.event.user + " " + entry.event.action);
            return true;
        }));
    return actions;
}

}  // namespace

TEST_CASE("a backup is asked for by an admin, one at a time, and its ends are in the audit chain",
          "[backup]") {
    Desk d;
    CHECK(!d.operate(acquirer::BackUp{"/backup/1"}, "checker1", Role::supervisor).done);
    CHECK(!d.operate(acquirer::BackUp{"backup/1"}, "admin1", Role::admin).done);
    REQUIRE(d.operate(acquirer::BackUp{"/backup/1"}, "admin1", Role::admin).done);
    REQUIRE(d.backups_wanted.size() == 1);
    CHECK(d.backups_wanted.front().directory == "/backup/1");
    CHECK(d.backups_wanted.front().business_day == d.status().business_date);
    REQUIRE(d.status().backup);
    CHECK(d.status().backup->state == BackupStatus::State::running);
    CHECK(!d.operate(acquirer::BackUp{"/backup/2"}, "admin1", Role::admin).done);
    CHECK(d.sale().code == "00");  // traffic goes on

    d.offer(acquirer::BackupEnded{true, "it is there", "20261121T040000Z-0", 7, 3, 999});
    CHECK(d.status().backup->state == BackupStatus::State::done);
    CHECK(d.status().backup->bytes == 999);
    REQUIRE(d.operate(acquirer::BackUp{"/backup/2"}, "admin1", Role::admin).done);
    d.offer(acquirer::BackupEnded{false, "the disk is full", "", 0, 0, 0});
    CHECK(d.status().backup->state == BackupStatus::State::failed);
    CHECK(d.notes.back().kind == acquirer::NoteKind::backup_failed);
    CHECK(audited(d) == std::vector<std::string>{"admin1 backup.begin", "admin1 backup.done",
                                                 "admin1 backup.begin", "admin1 backup.failed"});
}
