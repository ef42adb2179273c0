// What people see of the switch as a whole: a restored one, the last backup, the policy.
#include <catch2/catch.hpp>

#include "ledger/overlay.hpp"
#include "ledger/restore_records.hpp"
#include "switch/admin/text_view.hpp"
#include "switch/views/store_views.hpp"
#include "tests/views/golden_text.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using sample::World;

namespace {

std::string shown(const ViewResult& view) {
    return view ? admin::text_of(*view, {}) : "error: " + view.error().what;
}

/// The world's configuration with a policy that has a value of each origin.
std::shared_ptr<Configuration> with_policy(const World& world, const std::string& merchant) {
    auto c = std::make_shared<Configuration>(*world.configuration);
    c->policy.version = "0123456789abcdef";
    c->policy.stored = "[refund]\nwindow_days = 30\n";
    c->policy.general = {{"refund.window_days", "30", PolicyOrigin::stored},
                         {"refund.refund_amount_max", "none", PolicyOrigin::default_value},
                         {"limits.case_expires_days", "20", PolicyOrigin::file}};
    c->policy.merchants[iso8583::MerchantId::parse(merchant).value()] = {
        {"refund.refund_amount_max", "500.00", PolicyOrigin::file}};
    c->policy.issuers["issuer-a"] = {{"window_days", "365", PolicyOrigin::default_value}};
    return c;
}

}  // namespace

TEST_CASE("views: status of a restored switch says what is to be reconciled") {
    World world;
    world.status.restored = RestoredStatus{"20261121T040000Z-0a1b2c3d", world.now.utc.plus_ms(-7'200'000),
                                           world.status.business_date, world.now.utc.plus_ms(-60'000)};
    world.status.refuses_new_work =
        "restored from backup 20261121T040000Z-0a1b2c3d: no new work until every route is reconciled from "
        "business day 2026-11-21 on (issuer-a), and two people have accepted it (accept-restore)";
    golden::check("status_restored", shown(view_status(world.context())));
}

TEST_CASE("views: the last backup, before, while and after it is made") {
    World world;
    CHECK(shown(view_last_backup(world.context())).find("no backup was made") != std::string::npos);
    BackupStatus& backup = world.status.backup.emplace();
    backup.directory = "/backup/1";
    backup.by = "admin1";
    backup.began = world.now.utc.plus_ms(-5'000);
    golden::check("backup_running", shown(view_last_backup(world.context())));
    backup.state = BackupStatus::State::failed;
    backup.ended = world.now.utc;
    backup.text = "the disk is full";
    golden::check("backup_failed", shown(view_last_backup(world.context())));
    backup.state = BackupStatus::State::done;
    backup.text = "backup 20261121T040000Z-0a1b2c3d up to turn 7 is in /backup/1";
    backup.id = "20261121T040000Z-0a1b2c3d";
    backup.turn = 7;
    backup.files = 12;
    backup.bytes = 51'761;
    golden::check("backup_done", shown(view_last_backup(world.context())));
}

TEST_CASE("views: the vault's keys, while cards are sealed anew and after") {
    World world;
    constexpr std::int64_t day_ms = 86'400'000;
    using State = VaultStatus::Key::State;
    VaultStatus& vault = world.status.vault;
    vault.active = 2;
    vault.keys = {{1, {}, State::old}, {2, world.now.utc.plus_ms(-60'000), State::active}};
    vault.phase = "re-sealing";
    vault.percent = 61;
    vault.looked = 5'120;
    vault.resealed = 4'711;
    vault.began = world.now.utc.plus_ms(-60'000);
    vault.due = world.now.utc.plus_ms(365 * day_ms - 60'000);
    CHECK(shown(view_vault(world.context())).find("re-sealing") != std::string::npos);
    CHECK(vault_warning(world.context()).empty());
    CHECK(shown(view_status(world.context())).find("vault") == std::string::npos);

    vault.keys[0].state = State::empty;
    vault.phase = "idle";
    vault.percent = 100;
    vault.ended = world.now.utc;
    CHECK(shown(view_vault(world.context())).find("nothing is sealed under it") != std::string::npos);

    // Before and after the end of its period.
    vault.due = world.now.utc.plus_ms(30 * day_ms);
    CHECK(vault_warning(world.context()) == "vault key 2 is to be changed within 30 days: vault rotate");
    vault.due = world.now.utc.plus_ms(1);
    CHECK(vault_warning(world.context()) == "vault key 2 is to be changed within 1 days: vault rotate");
    vault.due = world.now.utc;
    CHECK(vault_warning(world.context()) == "vault key 2 is over its cryptoperiod of 365 days: vault rotate");
    CHECK(shown(view_status(world.context())).find("over its cryptoperiod") != std::string::npos);

    vault.phase = "stuck";
    vault.unreadable = 2;
    vault.first_unreadable = "632500000001";
    CHECK(shown(view_vault(world.context())).find("632500000001") != std::string::npos);
}

TEST_CASE("views: the policy in force, for all and for one merchant") {
    const World world;
    const std::string merchant = world.configuration->merchants.begin()->first.str();
    const auto configuration = with_policy(world, merchant);
    ledger::MemoryStore store;
    ledger::Overlay overlay(store);
    ledger::save(overlay, ledger::PolicyRecord{3, "0123456789abcdef", world.now.utc, "admin1, checker1",
                                               configuration->policy.stored});
    const ViewContext context{overlay, world.status, *configuration, world.now};
    golden::check("policy", shown(view_policy(context, std::nullopt)));
    golden::check("policy_merchant",
                  shown(view_policy(context, iso8583::MerchantId::parse(merchant).value())));
    const auto nobody = iso8583::MerchantId::parse("898110157229999").value();
    CHECK(shown(view_policy(context, nobody)) == "error: no merchant 898110157229999 is configured");
}
