// Key change with an issuer: what is answered, what is stored, what verifies, in both directions.
#include <catch2/catch.hpp>

#include "hsm_sim/test_keys.hpp"
#include "ledger/number_plan.hpp"
#include "tests/core/desk.hpp"

using namespace acquirer;
using desk::Desk;
using desk::Does;
using desk::Sent;
using iso8583::Field;

namespace {

hsm::KeyBlock block(std::string_view text) { return hsm::KeyBlock::parse(text).value(); }
/// TEST KEYS: any blocks of the right form do here, the HSM is played.
const hsm::KeyBlock zak_0 = block(hsm::test_keys::zak);
const hsm::KeyBlock zak_1 = block("U11111111111111111111111111111111");
const hsm::KeyBlock zak_2 = block("U22222222222222222222222222222222");

hsm::ZoneKey zone_key(const hsm::KeyBlock& key, std::uint8_t kcv) {
    return {key, "X" + key.text().substr(1), {kcv, kcv, kcv}};
}

/// Makes zak_1, then zak_2; takes in whatever comes.
struct Keys {
    std::vector<hsm::Request> asked;
    bool fails = false;
    std::optional<hsm::Reply> operator()(const hsm::Request& request) {
        asked.push_back(request);
        if (fails) return hsm::Reply(tl::unexpected(hsm::HsmFault::function_not_permitted));
        if (std::holds_alternative<hsm::GenerateZoneKey>(request))
            return hsm::Reply(++made == 1 ? zone_key(zak_1, 0x11) : zone_key(zak_2, 0x22));
        if (const auto* import = std::get_if<hsm::ImportZoneKey>(&request))
            return hsm::Reply(import->under_zmk == "X1" ? zone_key(zak_1, 0x11) : zone_key(zak_2, 0x22));
        if (const auto* check = std::get_if<hsm::CheckKey>(&request))
            return hsm::Reply(hsm::KeyChecked{{static_cast<std::uint8_t>(check->kind), 0, 0}});
        return std::nullopt;
    }
    int made = 0;
};

Does answer(const Sent& message, const std::string& code) {
    Does does;
    does.kind = message.mti() == "0800" && code.empty() ? Does::Kind::silent : Does::Kind::decline;
    does.code = code;
    if (code == "00") does.kind = Does::Kind::approve;
    return does;
}

OperatorAnswer rotate(Desk& d, bool give_up = false, hsm::KeyKind kind = hsm::KeyKind::zak) {
    return d.operate(RotateIssuerKey{"issuer-a", kind, give_up}, "security1", Role::security_officer);
}

iso8583::FieldValues offer_of(const std::string& content, const std::string& stan = "000007") {
    iso8583::FieldValues f(iso8583::Mti::of(800));
    f.set(Field::transmission_time, "1121040000");
    f.set(Field::stan, stan);
    f.set(Field::network_management_code, "161");
    if (!content.empty()) f.set(Field::additional_data, content);
    return f;
}

void offered(Desk& d, const std::string& content, MacState mac = MacState::verified,
             const std::string& stan = "000007") {
    d.offer(IssuerKeyOffered{Desk::a, LinkId{100}, offer_of(content, stan), mac});
}

}  // namespace

TEST_CASE("our key change: offered under both, used when the issuer has said yes", "[R53]") {
    Desk d;
    Keys keys;
    d.hsm = std::ref(keys);
    CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_0});
    std::vector<hsm::KeyBlock> while_offered;
    d.issuer = [&](const Sent& m) {
        if (m.mti() == "0800") while_offered = d.issuer_zaks[Desk::a];
        return Does{};
    };
    const OperatorAnswer told = rotate(d);
    CHECK(told.done);
    CHECK(told.values.back() == std::pair<std::string, std::string>("kcv", "111111"));
    const Sent& message = d.last_sent("0800");
    CHECK(message.fields.get(Field::network_management_code) == "161");
    CHECK(message.fields.get(Field::additional_data) == "ZAKX11111111111111111111111111111111");
    CHECK(while_offered == std::vector{zak_0, zak_1});
    CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
    SECTION("the key before verifies for the grace period and no longer") {
        d.pass(299'000);
        CHECK(d.issuer_zaks[Desk::a].size() == 2);
        d.pass(1'000);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1});
    }
    SECTION("a restart knows it, and what is left of the grace period") {
        d.pass(200'000);
        d.restart();
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
        d.pass(100'000);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1});
    }
    SECTION("a route that was not configured when the switch began gets it back by a reload") {
        const acquirer::ConfigurationPtr with_route = d.configuration;
        d.configuration = std::make_shared<Configuration>(*d.configuration);
        std::vector<routing::Route> others = d.configuration->routes.routes();
        std::erase_if(others, [](const routing::Route& route) { return route.id == Desk::a; });
        d.configuration->routes =
            routing::RouteTable::build(std::move(others), {{"400000", "499999", {Desk::b}}}).value();
        d.configuration->issuer_keys.erase(Desk::a);
        d.issuer_zaks.clear();
        d.restart(false);
        CHECK(d.issuer_zaks[Desk::a].empty());
        d.offer(ConfigReplaced{with_route});
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
        // And keeps it, with its grace.
        d.pass(300'000);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1});
    }
    SECTION("another key in the files ends what was exchanged") {
        auto fresh = std::make_shared<Configuration>(*d.configuration);
        fresh->issuer_keys[Desk::a].zak = zak_2;
        d.offer(ConfigReplaced{fresh});
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_2});
    }
    SECTION("a reload with the same files changes nothing") {
        d.offer(ConfigReplaced{std::make_shared<Configuration>(*d.configuration)});
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
    }
}

TEST_CASE("our key change: what else an issuer may answer", "[R53][R61][R63]") {
    struct Row {
        const char* what;
        const char* code;
        MacState mac;
        std::vector<hsm::KeyBlock> zaks;
        const char* told;
    };
    const Row rows[] = {
        {"no", "12", MacState::verified, {zak_0}, "refused"},
        {"busy", "09", MacState::verified, {zak_0, zak_1}, "stays offered"},
        {"without an HSM", "96", MacState::verified, {zak_0, zak_1}, "stays offered"},
        {"a yes with a wrong MAC", "00", MacState::wrong, {zak_0, zak_1}, "decides nothing"},
        {"a yes without a MAC", "00", MacState::missing, {zak_0, zak_1}, "decides nothing"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        Desk d;
        Keys keys;
        d.hsm = std::ref(keys);
        d.issuer = [&](const Sent& m) {
            Does does = answer(m, row.code);
            does.mac = row.mac;
            return does;
        };
        const OperatorAnswer told = rotate(d);
        CHECK_FALSE(told.done);
        CHECK(told.text.find(row.told) != std::string::npos);
        CHECK(d.issuer_zaks[Desk::a] == row.zaks);
        CHECK(d.exceptions().empty());
    }
}

TEST_CASE("our key change: no answer leaves the key offered, and it is offered again", "[R51][R53]") {
    Desk d;
    Keys keys;
    d.hsm = std::ref(keys);
    d.issuer = [](const Sent& m) { return answer(m, ""); };
    d.offer(OperatorCommanded{77, "security1", Role::security_officer,
                              RotateIssuerKey{"issuer-a", hsm::KeyKind::zak, false}});
    CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_0, zak_1});
    SECTION("after the time-out, by the same command: the same key") {
        d.pass(5'000);
        d.issuer = [](const Sent&) { return Does{}; };
        CHECK(rotate(d).done);
        CHECK(keys.made == 1);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
    }
    SECTION("after a crash, at the next sign-on, by itself") {
        d.restart(false);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_0, zak_1});
        d.issuer = [](const Sent&) { return Does{}; };
        d.link(Desk::a, true);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
    }
    SECTION("a no to the second offer may follow a yes that was lost: people compare the keys") {
        d.pass(5'000);
        d.issuer = [](const Sent& m) { return answer(m, "94"); };
        const OperatorAnswer told = rotate(d);
        CHECK_FALSE(told.done);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_0, zak_1});
        CHECK(d.exceptions("key_change_unclear").size() == 1);
        CHECK(d.exceptions("key_change_unclear").at(0).subject == "issuer-a");
        d.issuer = [](const Sent&) { return Does{}; };
        CHECK(rotate(d, true).done);
        CHECK(keys.made == 2);
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_2, zak_0});
    }
}

TEST_CASE("our key change: refused before anything is sent") {
    Desk d;
    Keys keys;
    d.hsm = std::ref(keys);
    const auto refused = [&](const std::string& words) {
        const OperatorAnswer told = rotate(d);
        INFO(told.text);
        CHECK_FALSE(told.done);
        CHECK(told.text.find(words) != std::string::npos);
        CHECK(d.count_sent("0800") == 0);
    };
    SECTION("the role") {
        const OperatorAnswer told =
            d.operate(RotateIssuerKey{"issuer-a", hsm::KeyKind::zak, false}, "admin1", Role::admin);
        CHECK_FALSE(told.done);
        CHECK(told.text.find("security_officer") != std::string::npos);
    }
    SECTION("no such issuer") {
        const OperatorAnswer told = d.operate(RotateIssuerKey{"issuer-z", hsm::KeyKind::zak, false},
                                              "security1", Role::security_officer);
        CHECK(told.text.find("issuer-z") != std::string::npos);
    }
    SECTION("no connection") {
        d.link(Desk::a, false);
        refused("no connection");
    }
    SECTION("the HSM") {
        keys.fails = true;
        refused("the HSM makes no key");
    }
    SECTION("no ZMK") {
        auto fresh = std::make_shared<Configuration>(*d.configuration);
        fresh->issuer_keys[Desk::a].zmk = {};
        d.offer(ConfigReplaced{fresh});
        refused("no zmk");
    }
}

TEST_CASE("the issuer's key change", "[R53]") {
    struct Row {
        const char* what;
        const char* content;
        MacState mac;
        const char* code;
    };
    const Row rows[] = {
        {"a new ZAK", "ZAKX1", MacState::verified, "00"},
        {"a wrong MAC", "ZAKX1", MacState::wrong, "63"},
        {"no MAC", "ZAKX1", MacState::missing, "63"},
        {"no HSM for the MAC", "ZAKX1", MacState::hsm_down, "96"},
        {"another kind of key", "TMKX1", MacState::verified, "30"},
        {"no key", "ZAK", MacState::verified, "30"},
        {"no DE48", "", MacState::verified, "30"},
    };
    for (const Row& row : rows) {
        INFO(row.what);
        Desk d;
        Keys keys;
        d.hsm = std::ref(keys);
        offered(d, row.content, row.mac);
        const Sent& reply = d.last_sent("0810");
        CHECK(reply.mac == (row.mac == MacState::verified ? IssuerMac::with : IssuerMac::without));
        CHECK(reply.fields.get(Field::response_code) == row.code);
        CHECK(reply.fields.get(Field::stan) == "000007");
        CHECK(reply.fields.get(Field::transmission_time) == "1121040000");
        const bool taken = std::string(row.code) == "00";
        CHECK(reply.fields.get(Field::additional_data) == (taken ? "111111" : ""));
        CHECK(d.issuer_zaks[Desk::a] == (taken ? std::vector{zak_1, zak_0} : std::vector{zak_0}));
        if (!taken) continue;
        // The 0810 was lost and the issuer repeats itself: the key before it stays valid.
        offered(d, row.content, row.mac, "000008");
        CHECK(d.last_sent("0810").fields.get(Field::response_code) == "00");
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
        d.restart();
        CHECK(d.issuer_zaks[Desk::a] == std::vector{zak_1, zak_0});
    }
}

TEST_CASE("an 0810 of ours that answers an 0800 whose MAC did not verify carries no MAC", "[R40][R61]") {
    for (const MacState mac : {MacState::wrong, MacState::missing, MacState::hsm_down}) {
        Desk d;
        offered(d, "ZAKX1", mac);
        CHECK(d.last_sent("0810").mac == IssuerMac::without);
    }
    SECTION("whatever its code: an issuer without a ZMK is told so without one too") {
        Desk d([](Configuration& c) { c.issuer_keys[Desk::a].zmk = {}; });
        offered(d, "ZAKX1", MacState::wrong);
        CHECK(d.last_sent("0810").fields.get(Field::response_code) == "40");
        CHECK(d.last_sent("0810").mac == IssuerMac::without);
        offered(d, "ZAKX1", MacState::verified, "000008");
        CHECK(d.last_sent("0810").mac == IssuerMac::with);
    }
}

TEST_CASE("an 0800 with a new key that arrives twice gets one answer", "[R53]") {
    Desk d;
    std::vector<hsm::Ticket> open;
    d.hsm = [](const hsm::Request&) { return std::nullopt; };
    offered(d, "ZAKX1");
    offered(d, "ZAKX1");
    CHECK(d.count_sent("0810") == 0);
    offered(d, "ZAKX2", MacState::verified, "000009");
    CHECK(d.count_sent("0810") == 1);
    CHECK(d.last_sent("0810").fields.get(Field::response_code) == "09");
    d.pass(2'000);  // the HSM's time-out
    CHECK(d.count_sent("0810") == 2);
    CHECK(d.last_sent("0810").fields.get(Field::response_code) == "96");
}

TEST_CASE("PIN blocks go under the ZPK that stands", "[R1]") {
    Desk d;
    Keys keys;
    d.hsm = std::ref(keys);
    const OperatorAnswer told = rotate(d, false, hsm::KeyKind::zpk);
    CHECK(told.done);
    desk::Ask sale;
    sale.card = desk::card_a;
    sale.pin = "0123456789ABCDEF";
    static_cast<void>(d.ask(sale));
    const auto* translate = std::get_if<hsm::TranslatePin>(&keys.asked.back());
    REQUIRE(translate != nullptr);
    CHECK(translate->destination == zak_1);
}

TEST_CASE("a shard beside the first puts no PIN under a key before the first has said which", "[R64]") {
    Desk d({}, Desk::noon, ledger::plan_of_shard(1, 2));
    Keys keys;
    d.hsm = std::ref(keys);
    desk::Ask sale;
    sale.card = desk::card_a;
    sale.pin = "0123456789ABCDEF";
    CHECK(d.ask(sale).value().code == "96");
    CHECK(keys.asked.empty());
    d.offer(ZonePinKeyTold{Desk::a, zak_1});
    sale.trace = "000002";
    static_cast<void>(d.ask(sale));
    REQUIRE(keys.asked.size() == 1);
    const auto* translate = std::get_if<hsm::TranslatePin>(&keys.asked.back());
    REQUIRE(translate != nullptr);
    CHECK(translate->destination == zak_1);
}

TEST_CASE("keys are listed with kind and check value, and never more") {
    Desk d;
    Keys keys;
    d.hsm = std::ref(keys);
    CHECK(rotate(d).done);
    const OperatorAnswer told = d.operate(ListKeys{}, "viewer", Role::viewer);
    REQUIRE(told.done);
    const View* list = told.data.find("keys");
    REQUIRE(list != nullptr);
    std::map<std::string, int> of_issuer_a;
    for (const View& key : *list->items()) {
        CHECK(key.find("kcv")->text()->size() == 6);
        if (*key.find("owner")->text() == "issuer-a")
            ++of_issuer_a[*key.find("kind")->text() + " " + *key.find("state")->text()];
        for (const auto& [name, value] : *key.members()) {
            INFO(name);
            CHECK(value.text()->find(zak_1.text()) == std::string::npos);
            CHECK(value.text()->find(hsm::test_keys::zak) == std::string::npos);
        }
    }
    CHECK(of_issuer_a ==
          std::map<std::string, int>{
              {"ZMK configured", 1}, {"ZAK current", 1}, {"ZAK previous", 1}, {"ZPK configured", 1}});
    SECTION("the HSM's word stands where it names none, and it is asked again next time") {
        Desk other;
        other.hsm = [](const hsm::Request&) { return hsm::Reply(tl::unexpected(hsm::HsmFault::key_type)); };
        const OperatorAnswer none = other.operate(ListKeys{}, "viewer", Role::viewer);
        CHECK(*none.data.find("keys")->items()->front().find("kcv")->text() ==
              hsm::name(hsm::HsmFault::key_type));
        Keys well;
        other.hsm = std::ref(well);
        const OperatorAnswer again = other.operate(ListKeys{}, "viewer", Role::viewer);
        CHECK(again.data.find("keys")->items()->front().find("kcv")->text()->size() == 6);
    }
    SECTION("no such terminal") { CHECK_FALSE(d.operate(ListKeys{"99999999"}, "viewer", Role::viewer).done); }
}
