// Merchants and terminals that operations add: what the core stores, refuses and takes back.
#include <catch2/catch.hpp>

#include "ledger/party_books.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using ledger::PartyKind;

namespace {

constexpr const char* new_merchant = "898110157220099";

AddParty merchant_of(const desk::Desk& d) {
    return {PartyKind::merchant, new_merchant, "[[merchant]]\nid = \"898110157220099\"\n", "a new one",
            d.configuration->version};
}

std::vector<ledger::PartyRecord> stored(desk::Desk& d) {
    auto parties = ledger::stored_parties(d.store());
    REQUIRE(parties);
    return *parties;
}

/// What the shell does when PartiesChanged leaves.
void lay_over(desk::Desk& d) {
    auto fresh = std::make_shared<Configuration>(*d.configuration);
    ++fresh->version;
    d.configuration = fresh;
    d.offer(ConfigReplaced{fresh});
}

}  // namespace

TEST_CASE("parties: an addition is stored with who made it, and asks the shell to lay it over") {
    desk::Desk d;
    const OperatorAnswer answer = d.operate(merchant_of(d), "checker1", Role::supervisor);
    CHECK(answer.done);
    CHECK(d.parties_changed == 1);
    const auto parties = stored(d);
    REQUIRE(parties.size() == 1);
    CHECK(parties[0].kind == PartyKind::merchant);
    CHECK(parties[0].id == new_merchant);
    CHECK(parties[0].user == "checker1");
    d.restart();
    CHECK(stored(d).size() == 1);
}

TEST_CASE("parties: who may, and one change at a time") {
    desk::Desk d;
    CHECK_FALSE(d.operate(merchant_of(d), "maker1", Role::operator_).done);
    CHECK(stored(d).empty());
    AddParty stale = merchant_of(d);
    stale.config_version += 1;
    CHECK_FALSE(d.operate(stale, "checker1", Role::supervisor).done);
    REQUIRE(d.operate(merchant_of(d), "checker1", Role::supervisor).done);
    AddParty other = merchant_of(d);
    other.id = "898110157220098";
    CHECK(d.operate(other, "checker1", Role::supervisor).text ==
          "the configuration is being changed; try again");
    lay_over(d);
    other.config_version = d.configuration->version;
    CHECK(d.operate(other, "checker1", Role::supervisor).done);
    lay_over(d);
    AddParty again = merchant_of(d);
    CHECK(d.operate(again, "checker1", Role::supervisor).text == "merchant 898110157220099: added before");
}

TEST_CASE("parties: only what was added is taken back") {
    desk::Desk d;
    RemoveParty remove{PartyKind::merchant, "898110157220001", d.configuration->version};
    CHECK(d.operate(remove, "checker1", Role::supervisor).text ==
          "merchant 898110157220001 is none that was added; the configuration file has its own");
    REQUIRE(d.operate(merchant_of(d), "checker1", Role::supervisor).done);
    lay_over(d);
    remove = {PartyKind::merchant, new_merchant, d.configuration->version};
    CHECK(d.operate(remove, "checker1", Role::supervisor).done);
    CHECK(d.parties_changed == 2);
    CHECK(stored(d).empty());
}

TEST_CASE("parties: terminals with an open batch or open work are not taken back") {
    desk::Desk d;
    // The desk's own range, as if it had been added.
    REQUIRE(
        d.operate(AddParty{PartyKind::terminals, "10000001", "[[terminals]]\n", "", d.configuration->version},
                  "checker1", Role::supervisor)
            .done);
    lay_over(d);
    const auto sale = d.sale(desk::card_a);
    RemoveParty remove{PartyKind::terminals, "10000001", d.configuration->version};
    OperatorAnswer answer = d.operate(remove, "checker1", Role::supervisor);
    CHECK_FALSE(answer.done);
    CHECK(answer.text.find("has an open batch: settle it first") != std::string::npos);
    d.issuer = [](const desk::Sent&) {
        desk::Does silent;
        silent.kind = desk::Does::Kind::silent;
        return silent;
    };
    d.ask(d.refund_of(sale, "000000001000", desk::card_a));
    answer = d.operate(remove, "checker1", Role::supervisor);
    CHECK(answer.text.find("and not at its end") != std::string::npos);
    CHECK(stored(d).size() == 1);
}
