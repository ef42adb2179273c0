// Several shards behind one shell, each on a thread of its own: also what the thread sanitizer looks at.
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "ledger/number_plan.hpp"
#include "switch/io/shard_thread.hpp"
#include "tests/io/stack.hpp"

using namespace acquirer;
using namespace io_test;
using peers::Outcome;
using peers::Outgoing;
using peers::TerminalProfile;

namespace {

const iso8583::Pan card = *iso8583::Pan::parse(card_of_issuer_a);
constexpr const char* signed_on = "issuer_connections_signed_on{route=\"issuer-a\"}";
// Of the demo: unionpay-pos terminals' merchant is 898110157220001, iso87-ascii ones' is 898110157220002.
constexpr const char* merchant = "898110157220001";
constexpr std::size_t shard_of_unionpay = 0, shard_of_iso = 1;

StackOptions two_shards(const Issuer& issuer) {
    StackOptions options;
    options.issuer_port = issuer.port();
    options.shards = 2;
    return options;
}

std::size_t shard_that_answered(const Outcome& outcome) {
    REQUIRE(outcome.receipt);
    return ledger::shard_of_rrn(outcome.receipt->rrn.str(), 2).value();
}

}  // namespace

TEST_CASE("two shards: sales and their refunds stay in the shard of their merchant") {
    Issuer issuer;
    Stack stack(two_shards(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    const auto profile = GENERATE(TerminalProfile::unionpay_pos, TerminalProfile::iso87_ascii);
    const bool unionpay = profile == TerminalProfile::unionpay_pos;
    TerminalAt terminal(unionpay ? stack.unionpay() : stack.iso(), profile);
    if (unionpay) terminal.sign_on();
    const Outcome sale = terminal.ask(terminal.model().sale(card, 10'000, TerminalAt::now()));
    REQUIRE(sale.code.str() == "00");
    CHECK(shard_that_answered(sale) == (unionpay ? shard_of_unionpay : shard_of_iso));
    const Outgoing part = terminal.model().refund(*sale.receipt, 4'000, TerminalAt::now());
    CHECK(terminal.ask(part).code.str() == "00");
    CHECK(terminal.ask(terminal.model().again(part)).code.str() == "00");  // R20
    CHECK(terminal.ask(terminal.model().refund(*sale.receipt, 6'001, TerminalAt::now())).code.str() == "64");
    CHECK(terminal.ask(terminal.model().refund(*sale.receipt, 6'000, TerminalAt::now())).code.str() == "00");
    CHECK(stack.stop() == 0);
}

TEST_CASE("two shards: many requests at once, and the figures are of both") {
    Issuer issuer;
    Stack stack(two_shards(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    constexpr std::uint32_t terminals_each = 8;
    constexpr std::int64_t sales_each = 10;
    std::vector<std::unique_ptr<TerminalAt>> terminals;
    for (std::uint32_t i = 1; i <= terminals_each; ++i) {
        terminals.push_back(std::make_unique<TerminalAt>(stack.unionpay(), TerminalProfile::unionpay_pos, i));
        terminals.back()->sign_on();
        terminals.push_back(std::make_unique<TerminalAt>(stack.iso(), TerminalProfile::iso87_ascii, i));
    }
    std::set<std::string> rrns;
    std::array<int, 2> answered{};
    for (std::int64_t n = 1; n <= sales_each; ++n) {
        std::vector<Outgoing> sent;
        for (auto& terminal : terminals) {
            sent.push_back(terminal->model().sale(card, 100 * n, TerminalAt::now()));
            terminal->send(sent.back());
        }
        for (std::size_t i = 0; i < terminals.size(); ++i) {
            const Outcome outcome = terminals[i]->receive(sent[i]);
            REQUIRE(outcome.code.str() == "00");
            REQUIRE(outcome.receipt->amount == 100 * n);
            ++answered[shard_that_answered(outcome)];
            rrns.insert(outcome.receipt->rrn.str());
        }
    }
    const std::int64_t all = 2 * terminals_each * sales_each;
    CHECK(rrns.size() == static_cast<std::size_t>(all));
    CHECK(answered[0] == all / 2);
    CHECK(answered[1] == all / 2);
    CHECK(issuer.requests() == all);
    CHECK(stack.metric("answered_total{kind=\"sale\",code=\"00\"}") == static_cast<double>(all));
    for (const std::size_t shard : {shard_of_unionpay, shard_of_iso}) CHECK(stack.store(shard).syncs() > 0);
    CHECK(stack.stop() == 0);
}

TEST_CASE("two shards: a sync of one that fails ends the process, and its terminal gets no answer (R62)") {
    Issuer issuer;
    Stack stack(two_shards(issuer));
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt of_first(stack.unionpay(), TerminalProfile::unionpay_pos);
    of_first.sign_on();
    TerminalAt of_second(stack.iso(), TerminalProfile::iso87_ascii);
    CHECK(of_second.ask(of_second.model().sale(card, 10'000, TerminalAt::now())).code.str() == "00");
    stack.store(shard_of_iso).fail_next_sync();
    of_second.send(of_second.model().sale(card, 10'000, TerminalAt::now()));
    CHECK(stack.wait() == 1);
    CHECK(issuer.requests() == 1);  // what would have told the issuer waited for the sync
}

TEST_CASE("two shards: one that takes no new work says so for the switch") {
    Issuer issuer;
    StackOptions options = two_shards(issuer);
    options.bounds.store_poll_ms = 10;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    stack.store(shard_of_iso).set_health({false, "the disk is nearly full", 0, 0});
    std::string code = "00";
    for (int i = 0; i < 1'000 && code == "00"; ++i)
        code = terminal.ask(terminal.model().sale(card, 100, TerminalAt::now())).code.str();
    CHECK(code == "96");
    const std::string refused = stack.http("/readyz");
    CHECK(refused.rfind("HTTP/1.1 503", 0) == 0);
    CHECK(refused.find("\r\n\r\nshard 1: the store takes no new work: the disk is nearly full\n") !=
          std::string::npos);
    CHECK(stack.stop() == 0);
}

TEST_CASE(
    "two shards: an issuer that is silent is waited for and given up in both, and stopping ends (R50)") {
    Issuer issuer;
    StackOptions options = two_shards(issuer);
    options.issuer_reply_timeout_ms = 500;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt of_first(stack.unionpay(), TerminalProfile::unionpay_pos);
    of_first.sign_on();
    TerminalAt of_second(stack.iso(), TerminalProfile::iso87_ascii);
    constexpr std::int64_t silent_amount = 9'968;
    const Outgoing first = of_first.model().sale(card, silent_amount, TerminalAt::now());
    const Outgoing second = of_second.model().sale(card, silent_amount, TerminalAt::now());
    of_first.send(first);
    of_second.send(second);
    CHECK(of_first.receive(first).code.str() == "98");
    CHECK(of_second.receive(second).code.str() == "68");
    CHECK(stack.stop() == 0);
}

TEST_CASE("two shards: a full inbox of one stops reading terminals and loses nothing") {
    Issuer issuer;
    StackOptions options = two_shards(issuer);
    options.bounds.request_inbox_max = 2;
    Stack stack(options);
    REQUIRE(stack.wait_for_metric(signed_on, 2));
    TerminalAt terminal(stack.iso(), TerminalProfile::iso87_ascii);
    std::vector<Outgoing> sent;
    iso8583::Bytes burst;
    for (std::int64_t n = 1; n <= 40; ++n) {
        sent.push_back(terminal.model().sale(card, 100 + n, TerminalAt::now()));
        burst.insert(burst.end(), sent.back().frame.begin(), sent.back().frame.end());
    }
    terminal.socket().send(burst);
    std::multiset<std::string> answered;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto address = peers::Terminal::address(terminal.model().dialect(), terminal.next_frame());
        REQUIRE(address);
        answered.insert(address->stan.str());
    }
    for (const Outgoing& request : sent) CHECK(answered.count(request.stan.str()) == 1);
    CHECK(stack.stop() == 0);
}

TEST_CASE("shards: a merchant stays where a ledger says it is") {
    const auto merchant_id = *iso8583::MerchantId::parse(merchant);
    REQUIRE(shard_of(merchant_id, 2) == 0);
    CHECK(ShardMap(2).of(merchant_id) == 0);
    CHECK(ShardMap(2, {{merchant_id, 1}}).of(merchant_id) == 1);
    CHECK(ShardMap(1).of(merchant_id) == 0);
}

TEST_CASE("shards: where a merchant begins that no ledger knows") {
    const struct {
        const char* id;
        std::size_t of_2;
        std::size_t of_256;
    } rows[] = {
        {"898110157220001", 0, 232},
        {"898110157220002", 1, 1},
        {"898110157220003", 0, 78},
    };
    for (const auto& row : rows) {
        INFO(row.id);
        const iso8583::MerchantId id = *iso8583::MerchantId::parse(row.id);
        CHECK(shard_of(id, 1) == 0);
        CHECK(shard_of(id, 2) == row.of_2);
        CHECK(shard_of(id, 256) == row.of_256);
    }
}

TEST_CASE("shards: where an operator's command is carried out") {
    using Where = acquirer::CommandPlace::Where;
    const LoadedConfig config = demo_config(5'000);
    const ShardMap map(2);
    const std::string rrn = "632601000ABC";  // of shard 01
    const struct {
        const char* name;
        OperatorCommand command;
        Where where;
        std::size_t shard;
    } rows[] = {
        {"a case", ApproveRefund{rrn}, Where::one, 1},
        {"a sale", OpenRefund{rrn, "1122", "1.00", "quality", "ref"}, Where::one, 1},
        {"an RRN of nobody", RetryAdvice{"632607000ABC"}, Where::one, 0},
        {"a proposal", DecideProposal{"P00000013", {}, ""}, Where::one, 1},
        {"a proposal of the first", DecideProposal{"P00000012", {}, ""}, Where::one, 0},
        {"an exception of a sale", ChangeException{rrn + "-00000003", {}, ""}, Where::one, 1},
        {"an exception of none", ChangeException{"000000000000-00000004", {}, ""}, Where::one, 0},
        {"exceptions of a kind", ChangeException{"parked", ChangeException::To::resolve_all, ""},
         Where::who_can, 0},
        {"stale advices", ReleaseStale{}, Where::who_can, 0},
        {"a merchant", ChangeMerchant{"898110157220002"}, Where::one, 1},
        {"a terminal", ChangeTerminal{"20000001"}, Where::one, 1},
        {"a terminal of nobody", ChangeTerminal{"99999999"}, Where::one, 0},
        {"a route", MoveRoute{"issuer-a"}, Where::all, 0},
        {"the day", CutOverDay{}, Where::one, 0},
        {"a purge", RunPurge{}, Where::one, 0},
        {"a key", RotateIssuerKey{"issuer-a"}, Where::one, 0},
        {"a policy", ProposePolicy{}, Where::one, 0},
        {"a merchant more", AddParty{}, Where::one, 0},
        {"one less", RemoveParty{}, Where::others_first, 0},
        {"the vault's key", RotateVaultKey{}, Where::one, 0},
        {"an old one", RetireVaultKey{}, Where::one, 0},
        {"a backup", BackUp{"/tmp/backup"}, Where::one, 0},
        {"an issuer's file", ImportIssuerFile{}, Where::one, 0},
        {"a comparison", RunReconciliation{"2026-11-30"}, Where::others_first, 0},
        {"a difference of a transaction", ResolveDifference{rrn, "", "note"}, Where::one, 1},
        {"one of its exception", ResolveDifference{rrn + "-00000003", "", "note"}, Where::one, 1},
        {"one of a number of nobody", ResolveDifference{"999912345671", "", "note"}, Where::one, 0},
        {"one of a line without RRN", ResolveDifference{"S999999-1121040000-10000001", "", "note"},
         Where::one, 1},
        {"one of the first's STANs", ResolveDifference{"S010000-1121040000-10000001", "", "note"}, Where::one,
         0},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        const acquirer::CommandPlace place = place_of(row.command, map, *config.configuration);
        CHECK(place.where == row.where);
        CHECK(place.shard == row.shard);
        CHECK(place_of(row.command, ShardMap(1), *config.configuration).where == Where::one);
    }
}

TEST_CASE("shards: what all did is done when the last has done it") {
    const acquirer::OperatorAnswer yes{true, "route issuer-a is down"}, no{false, "no route"};
    using Where = acquirer::CommandPlace::Where;
    CHECK(acquirer::merged({yes, yes}, Where::all).text == yes.text);
    CHECK(acquirer::merged({yes, yes}, Where::all).done);
    CHECK_FALSE(acquirer::merged({yes, no}, Where::all).done);
    CHECK(acquirer::merged({yes, no}, Where::all).text ==
          "shard 0: route issuer-a is down; shard 1: no route");
    // What only one of them has anything of.
    const acquirer::OperatorAnswer nothing{false, "nothing of issuer-a is stale"};
    const acquirer::OperatorAnswer sent{true, "3 stale advices are sent again", {{"released", "3"}}};
    CHECK(acquirer::merged({nothing, sent}, Where::who_can).done);
    CHECK(acquirer::merged({nothing, sent}, Where::who_can).values == sent.values);
    CHECK(acquirer::merged({nothing, sent}, Where::who_can).text ==
          "shard 0: nothing of issuer-a is stale; shard 1: 3 stale advices are sent again");
    CHECK_FALSE(acquirer::merged({nothing, nothing}, Where::who_can).done);
}

TEST_CASE("shards: a change of the vault's key is as far as the slowest shard is") {
    using State = VaultStatus::Key::State;
    const auto status = [](std::uint32_t active, const char* phase, std::uint32_t percent,
                           std::uint64_t resealed, State old) {
        CoreStatus s;
        s.vault.active = active;
        s.vault.phase = phase;
        s.vault.percent = percent;
        s.vault.resealed = resealed;
        s.vault.ended = {std::string_view(phase) == "idle" ? 9 : 0};
        s.vault.keys = {{1, {}, active == 1 ? State::active : old},
                        {2, {}, active == 1 ? State::unused : State::active}};
        return s;
    };
    const struct {
        const char* name;
        CoreStatus first, second;
        const char* phase;
        std::uint32_t percent;
        std::uint64_t resealed;
        State old;
    } rows[] = {
        {"both are done", status(2, "idle", 100, 3, State::empty), status(2, "idle", 100, 4, State::empty),
         "idle", 100, 7, State::empty},
        {"the other is under way", status(2, "idle", 100, 3, State::empty),
         status(2, "re-sealing", 40, 1, State::old), "re-sealing", 40, 4, State::old},
        {"the first is", status(2, "checking", 90, 3, State::old), status(2, "idle", 100, 4, State::empty),
         "checking", 90, 7, State::old},
        {"the other has not heard of it", status(2, "idle", 100, 3, State::empty),
         status(1, "idle", 100, 8, State::old), "re-sealing", 0, 3, State::old},
        {"the other is stuck", status(2, "idle", 100, 3, State::empty),
         status(2, "stuck", 100, 1, State::old), "stuck", 100, 4, State::old},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        const VaultStatus vault = acquirer::merged({row.first, row.second}).vault;
        CHECK(vault.active == 2);
        CHECK(vault.phase == row.phase);
        CHECK(vault.percent == row.percent);
        CHECK(vault.resealed == row.resealed);
        CHECK(vault.keys[0].state == row.old);
        CHECK((vault.ended.ms != 0) == (std::string_view(row.phase) == "idle"));
    }
}

TEST_CASE("shards: retention runs while it does in any, and waits for people when one does") {
    CoreStatus first, second;
    CHECK_FALSE(acquirer::merged({first, second}).retention);
    second.retention = RetentionStatus{{}, {100}, iso8583::UtcTime{200}, false};
    CHECK(acquirer::merged({first, second}).retention->ended->ms == 200);
    first.retention = RetentionStatus{{}, {150}, std::nullopt, false};
    second.retention->waits_for_people = true;
    const auto both = acquirer::merged({first, second}).retention;
    CHECK_FALSE(both->ended);
    CHECK(both->began.ms == 100);
    CHECK(both->waits_for_people);
    first.retention->ended = {300};
    CHECK(acquirer::merged({first, second}).retention->ended->ms == 300);
}

TEST_CASE("shards: an answer of all has the values of each") {
    using Values = std::vector<std::pair<std::string, std::string>>;
    const acquirer::OperatorAnswer first{true, "proposed as P2", {{"proposal", "P2"}, {"needed", "1"}}};
    const acquirer::OperatorAnswer second{true, "proposed as P3", {{"proposal", "P3"}, {"needed", "1"}}};
    const acquirer::OperatorAnswer none{false, "nothing to accept"};
    using Where = acquirer::CommandPlace::Where;
    const auto values_of = [](const std::vector<acquirer::OperatorAnswer>& all) {
        return acquirer::merged(all, Where::who_can).values;
    };
    CHECK(values_of({first, second}) == Values{{"proposal", "P2, P3"}, {"needed", "1"}});
    CHECK(values_of({none, second}) == second.values);
    CHECK(values_of({first, first}) == first.values);
}

TEST_CASE("shards: the bounds of a route hold for the sum of its parts") {
    const LoadedConfig config = demo_config(5'000);
    for (const std::size_t of : {2U, 4U}) {
        std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> sums;
        for (std::size_t index = 0; index < of; ++index) {
            const ConfigurationPtr part = part_of_shard(config.configuration, index, of);
            for (const auto& route : part->routes.routes()) {
                CHECK(route.in_flight_max > 0);
                sums[route.name].first += route.in_flight_max;
                sums[route.name].second += route.advices_in_flight_max;
            }
        }
        for (const auto& route : config.configuration->routes.routes())
            CHECK(sums[route.name] == std::pair(route.in_flight_max, route.advices_in_flight_max));
    }
    CHECK(part_of_shard(config.configuration, 0, 1) == config.configuration);
}
