// Watches that never complain are worth nothing: each is shown what it is there for.
#include <catch2/catch.hpp>

#include "tests/simulation/batch_sums.hpp"
#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace simulation;
using namespace acquirer;
using iso8583::Field;

const auto till = iso8583::TerminalId::parse("10000001").value();
constexpr const char* rrn = "632543200001";

std::vector<std::string> broken_by(World& world) {
    std::vector<std::string> rules;
    for (const Broken& b : world.checkers().all_broken()) rules.push_back(b.invariant);
    return rules;
}

RequestArrived request(RequestKind kind, int mti, std::uint32_t stan, const char* amount = "000000010000") {
    RequestArrived arrived;
    arrived.from.link = LinkId{7};
    arrived.mac = MacState::verified;
    arrived.request.kind = kind;
    arrived.request.terminal = till;
    arrived.request.stan = iso8583::Stan::of(stan);
    arrived.request.fields = iso8583::FieldValues(iso8583::Mti::of(mti));
    arrived.request.fields.set(Field::amount_transaction, amount);
    return arrived;
}

SendReply reply(int mti, std::uint32_t stan, const char* code, const char* amount = "000000010000") {
    SendReply sent;
    sent.to.link = LinkId{7};
    sent.fields = iso8583::FieldValues(iso8583::Mti::of(mti));
    sent.fields.set(Field::terminal, till.view());
    sent.fields.set(Field::stan, iso8583::Stan::of(stan).str());
    sent.fields.set(Field::response_code, code);
    sent.fields.set(Field::amount_transaction, amount);
    return sent;
}

}  // namespace

TEST_CASE("Watch: a sale behind its terminal's sign-off is not answered 00", "[simulation]") {
    World world({});
    const auto watch = watch_sessions(world);
    watch->offering(0, request(RequestKind::sign_off, 820, 1));
    watch->offering(0, request(RequestKind::sale, 200, 2));
    watch->released(reply(210, 2, "77"));
    CHECK(broken_by(world).empty());
    watch->offering(0, request(RequestKind::sale, 200, 3));
    watch->released(reply(210, 3, "00"));
    CHECK(broken_by(world) == std::vector<std::string>{"R25"});
}

TEST_CASE("Watch: a sign-off without a MAC counts when the keys of its terminal go", "[simulation]") {
    World world({});
    const auto watch = watch_sessions(world);
    const auto sign_off_without_mac = [&watch](std::uint32_t stan) {
        RequestArrived off = request(RequestKind::sign_off, 820, stan);
        off.mac = MacState::missing;
        watch->offering(0, off);
    };
    sign_off_without_mac(1);
    watch->offering(0, request(RequestKind::sale, 200, 2));
    watch->released(reply(830, 1, "00"));  // a stranger's: the keys stand
    watch->released(reply(210, 2, "00"));
    CHECK(broken_by(world).empty());
    sign_off_without_mac(3);
    watch->offering(0, request(RequestKind::sale, 200, 4));
    watch->released(InstallKeys{till, {}});
    watch->released(reply(830, 3, "00"));
    watch->released(reply(210, 4, "00"));
    CHECK(broken_by(world) == std::vector<std::string>{"R25"});
}

TEST_CASE("Watch: an amount that nobody asked for under the key is not approved", "[simulation]") {
    World world({});
    const auto watch = watch_sessions(world);
    watch->offering(0, request(RequestKind::sale, 200, 2));
    watch->offering(0, request(RequestKind::sale, 200, 2, "000000000077"));
    watch->released(reply(210, 2, "00"));
    CHECK(broken_by(world).empty());
    watch->released(reply(210, 2, "00"));
    CHECK(broken_by(world) == std::vector<std::string>{"R21"});
}

TEST_CASE("Watch: a reversal is answered in its turn, and one of a process that died need not be",
          "[simulation]") {
    World world({});
    const auto watch = watch_sessions(world);
    const auto turns = [&watch](int count) {
        for (int n = 0; n < count; ++n) watch->turn_durable(0);
    };
    watch->offering(0, request(RequestKind::reversal, 400, 2));
    turns(world.turns_until_durable());
    watch->released(reply(410, 2, "12"));
    watch->offering(0, request(RequestKind::reversal, 400, 3));
    watch->crashed();
    turns(world.turns_until_durable() + 1);
    CHECK(broken_by(world).empty());
    watch->offering(0, request(RequestKind::reversal, 400, 4));
    turns(world.turns_until_durable() + 1);
    CHECK(broken_by(world) == std::vector<std::string>{"R30"});
}

TEST_CASE("Watch: one thing that happens again is one exception", "[simulation]") {
    World world({});
    const auto watch = watch_cases(world);
    ledger::ExceptionRecord first;
    first.id = std::string(rrn) + "-00000001";
    first.kind = "reversal_other_amount";
    watch->changed(nullptr, first);
    ledger::ExceptionRecord again = first;
    again.repeats = 1;
    watch->changed(&first, again);
    again.resolution = "looked at";
    watch->changed(&first, again);
    ledger::ExceptionRecord later = first;
    later.id = std::string(rrn) + "-00000002";
    watch->changed(nullptr, later);
    CHECK(broken_by(world).empty());
    ledger::ExceptionRecord twice = later;
    twice.id = std::string(rrn) + "-00000003";
    watch->changed(nullptr, twice);
    CHECK(broken_by(world) == std::vector<std::string>{"R76"});
}

TEST_CASE("Watch: the reversal of one key does not end a case that another asks for", "[simulation]") {
    World world({});
    const auto watch = watch_cases(world);
    ledger::TransactionRecord sale;
    sale.rrn = iso8583::Rrn::parse("632543200000").value();
    ledger::TransactionRecord held;
    held.rrn = iso8583::Rrn::parse(rrn).value();
    held.kind = ledger::TransactionKind::refund;
    held.state = ledger::State::held;
    held.original = sale.rrn;
    const auto make_durable = [&world](const ledger::TransactionRecord& record) {
        ledger::Batch durable;
        durable.mutations.push_back(
            {{ledger::Family::journal, ledger::transaction_key(record.rrn)}, ledger::encode(record)});
        world.checkers().batch_durable(durable, world.now().instant);
    };
    make_durable(sale);
    ledger::TransactionRecord reversed = held;
    reversed.reversal_digest = 1;
    reversed.state = ledger::State::reversed;
    watch->changed(&held, reversed);
    watch->turn_durable(0);
    CHECK(broken_by(world).empty());
    held.shared.joined.push_back({});
    reversed.shared = held.shared;
    // The reversal of its sale does, whichever of the two is told first in its turn (seed 31948).
    watch->changed(&held, reversed);
    ledger::TransactionRecord sale_reversed = sale;
    sale_reversed.reversal_digest = 1;
    make_durable(sale_reversed);
    watch->turn_durable(0);
    CHECK(broken_by(world).empty());
    make_durable(sale);
    watch->changed(&held, reversed);
    watch->turn_durable(0);
    CHECK(broken_by(world) == std::vector<std::string>{"R20b"});
}

TEST_CASE("Watch: what is right is answered 1, but in a batch that its upload has closed", "[simulation]") {
    World world({});
    const auto watch = watch_settlements(world);
    const auto settle = [&watch](std::uint32_t stan, const char* codes, const char* closed_rrn) {
        RequestArrived asked = request(RequestKind::settlement, 500, stan);
        asked.request.profile = Profile::unionpay_pos;
        watch->offering(0, asked);
        SendReply answer = reply(510, stan, "00");
        answer.to.profile = Profile::unionpay_pos;
        const std::string half(HalfOfBatch::digits, '0');
        answer.fields.set(Field::additional_data, half + codes[0] + half + codes[1]);
        if (*closed_rrn != '\0') answer.fields.set(Field::rrn, closed_rrn);
        watch->released(answer);
    };
    settle(2, "22", rrn);
    CHECK(broken_by(world) == std::vector<std::string>{"R5", "R5"});
    RequestArrived upload_end = request(RequestKind::batch_upload_end, 320, 3);
    upload_end.request.profile = Profile::unionpay_pos;
    watch->offering(0, upload_end);
    settle(4, "22", rrn);
    CHECK(broken_by(world).size() == 2);
    settle(5, "22", "");  // not closed, then
    CHECK(broken_by(world).size() == 4);
    settle(6, "21", rrn);
    CHECK(broken_by(world).size() == 5);
}

TEST_CASE("Sums of a batch have as many digits as DE48 has room for", "[simulation]") {
    HalfOfBatch half{1'999'999'999'998, 2, 5, 1'001};
    CHECK(half.str() == "999999999998002000000000005001");
    CHECK(HalfOfBatch::parse(half.str()) == half.lowest_digits());
    CHECK_FALSE(HalfOfBatch::parse(half.str()) == half);
    CHECK(SumsOfBatch{{}, half}.de48() == "0000000000000000000000000000000" + half.str() + "0");
}
