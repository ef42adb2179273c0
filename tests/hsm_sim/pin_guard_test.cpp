// Failed PINs are counted for every command that can say whether a guess was right, by account and key,
// account, key and client, over restarts; beyond a bound the answer is 39.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <functional>

#include "hsm_sim/pin_count_file.hpp"
#include "hsm_sim/pin_verification.hpp"
#include "tests/hsm_sim/host_commands_bench.hpp"
#include "tests/hsm_sim/hsm_process.hpp"

using namespace hsm;
using namespace hsm::testing;

namespace {

const std::string block = pin_block(clear_tpk, "041225EEEEEEEEEE");  // 1234 for account 111111111111
const std::string right_account = "111111111111";

std::string account(unsigned number) {
    std::string text = std::to_string(number);
    return "2" + std::string(11 - text.size(), '0') + text;
}
/// CA under the test TPK; a wrong account makes the block none.
std::string ca(const std::string& of) { return "CA" + tpk + zpk + "12" + block + "0101" + of; }

HsmOptions bounds(PinBounds of) {
    HsmOptions options;
    options.pin_bounds = of;
    return options;
}

struct MemoryStore final : PinCountStore {
    std::vector<std::string> lines;
    bool works = true;
    std::size_t rewrites = 0;
    bool append(const std::vector<std::string>& more) override {
        if (works) lines.insert(lines.end(), more.begin(), more.end());
        return works;
    }
    bool rewrite(const std::vector<std::string>& all) override {
        ++rewrites;
        if (works) lines = all;
        return works;
    }
};

}  // namespace

TEST_CASE("CA, CC and G0 answer 39 when an account and key have failed too often") {
    const std::string bdk = wrapped("009", "0123456789ABCDEFFEDCBA9876543210");
    const std::string cc_block = pin_block("76767676767676768989898989898989", "041225EEEEEEEEEE");
    struct Row {
        std::string_view command;
        std::function<std::string(const std::string&)> ask;
        std::string right;
    };
    const Row rows[] = {
        {"CA", [](const std::string& of) { return ca(of); }, right_account},
        {"CC", [&](const std::string& of) { return "CC" + zpk + zpk + "12" + cc_block + "0101" + of; },
         right_account},
        {"G0",
         [&](const std::string& of) {
             return "G0" + bdk + zpk + "609FFFF9876543210E000011B9C1845EB993A7A0101" + of;
         },
         "401234567890"}};
    for (const Row& row : rows) {
        INFO(row.command);
        Bench b;
        const auto code = [&](const std::string& of) { return b.ask(row.ask(of)).substr(2, 2); };
        for (int i = 0; i < 10; ++i) CHECK(code(account(1)) == "20");
        CHECK(code(account(1)) == "39");
        // Another account and the right one have guesses of their own; a right one forgives nothing of
        // others.
        CHECK(code(account(2)) == "20");
        CHECK(code(row.right) == "00");
        CHECK(code(account(1)) == "39");
        CHECK(b.engine.pin_failures() == 11);
        CHECK(b.engine.pin_attacks() == 2);
        CHECK(b.listener.refusals.back() == "39 this account and key has failed 10 times");
        // A day without a failure, and it may try again.
        b.now += PinGuard::forgotten_after_seconds;
        CHECK(code(account(1)) == "20");
    }
}

TEST_CASE("who asks with account after account is stopped by the key's bound, and then by his own") {
    PinBounds of;
    of.key = 20;
    of.client = 30;
    Bench b(bounds(of));
    b.commands.serve_client("CN=one");
    for (unsigned i = 0; i < 20; ++i) CHECK(b.ask(ca(account(i))) == "CB20");
    CHECK(b.ask(ca(account(100))) == "CB39");
    CHECK(b.ask(ca(right_account)) == "CB39");
    CHECK(b.listener.refusals.back() == "39 this key has failed 20 times");
    // The same key in another scheme is the same key.
    const std::string ecb =
        Lmk::test().wrap_variant(KeyType::parse("002").value(), ClearKey{ByteView(hex(clear_tpk))}, 'X');
    CHECK(b.ask("CA" + ecb + zpk + "12" + block + "0101" + right_account).substr(0, 4) == "CB39");
    // Another key: until the client's bound. Another client is served.
    const std::string other = wrapped("002", "0123456789ABCDEFFEDCBA9876543210");
    for (unsigned i = 0; i < 10; ++i)
        CHECK(b.ask("CA" + other + zpk + "12" + block + "0101" + account(200 + i)) == "CB20");
    CHECK(b.ask("CA" + other + zpk + "12" + block + "0101" + account(300)) == "CB39");
    CHECK(b.listener.refusals.back() == "39 this client has failed 30 times");
    b.commands.serve_client("CN=two");
    CHECK(b.ask("CA" + other + zpk + "12" + block + "0101" + account(300)) == "CB20");
}

TEST_CASE("an account that fails under key after key is stopped by its own bound") {
    PinBounds of;
    of.account = 12;
    Bench b(bounds(of));
    const auto under_key = [&](std::uint8_t number) {
        Bytes key = hex("0123456789ABCDEFFEDCBA9876543210");
        key[3] = static_cast<std::uint8_t>(number << 1);
        set_odd_parity(key);
        return b.ask("CA" + wrapped("002", iso8583::to_hex(key)) + zpk + "12" + block + "0101" + account(7));
    };
    for (std::uint8_t i = 0; i < 12; ++i) CHECK(under_key(i) == "CB20");
    CHECK(under_key(12) == "CB39");
    CHECK(b.listener.refusals.back() == "39 this account has failed 12 times");
}

TEST_CASE("counts of failed PINs are kept over a restart, under one LMK, and no line can be changed") {
    MemoryStore store;
    HsmOptions options;
    options.pin_counts = &store;
    {
        Bench b(options);
        REQUIRE(b.engine.take_in_pin_counts({}).has_value());
        for (int i = 0; i < 10; ++i) CHECK(b.ask(ca(account(1))) == "CB20");
    }
    // Neither an account number nor a key is there.
    for (const std::string& line : store.lines) CHECK(line.find(account(1)) == std::string::npos);
    const std::vector<std::string> kept = store.lines;
    {
        Bench b(options);
        REQUIRE(b.engine.take_in_pin_counts(kept).has_value());
        CHECK(store.lines.size() == 3);  // account and key, account, key: written anew
        CHECK(b.ask(ca(account(1))) == "CB39");
        CHECK(b.ask(ca(right_account)).substr(0, 4) == "CB00");
    }
    for (std::size_t at = 0; at < kept[3].size(); ++at) {
        std::vector<std::string> changed = kept;
        changed[3][at] = changed[3][at] == '0' ? '1' : '0';
        Bench b(options);
        const auto taken = b.engine.take_in_pin_counts(changed);
        INFO(at);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().what.find("line 5 ") == 0);
    }
    // A right PIN forgives, and that is kept too.
    const std::string pvk = wrapped("002", clear_pvk);
    const std::string right =
        visa_pvv(TdesCipher(hex(clear_pvk)), PinAccount::parse_twelve(right_account).value(), '1',
                 ClearPin::parse("1234").value());
    const auto dc = [&](Bench& b, const std::string& pvv) {
        return b.ask("DC" + tpk + pvk + block + "01" + right_account + "1" + pvv);
    };
    const std::string wrong = right == "0000" ? "0001" : "0000";
    {
        Bench b(options);
        REQUIRE(b.engine.take_in_pin_counts({}).has_value());
        for (int i = 0; i < 9; ++i) CHECK(dc(b, wrong) == "DD01");
        CHECK(dc(b, right) == "DD00");
    }
    Bench b(options);
    REQUIRE(b.engine.take_in_pin_counts(std::vector<std::string>(store.lines)).has_value());
    for (int i = 0; i < 10; ++i) CHECK(dc(b, wrong) == "DD01");
    CHECK(dc(b, right) == "DD39");
}

TEST_CASE("what cannot be counted is not answered") {
    MemoryStore store;
    HsmOptions options;
    options.pin_counts = &store;
    Bench b(options);
    REQUIRE(b.engine.take_in_pin_counts({}).has_value());
    store.works = false;
    CHECK(b.ask(ca(account(1))) == "CB12");
    CHECK(b.ask(ca(right_account)).substr(0, 4) == "CB00");
    store.works = true;
    const std::size_t before = store.rewrites;
    CHECK(b.ask(ca(account(1))) == "CB20");
    CHECK(store.rewrites == before + 1);  // a line that was cut off is not left in between
}

TEST_CASE("the table of failed PINs is bounded, and so is what its store holds") {
    MemoryStore store;
    PinBounds of;
    of.key = of.client = 100000000;
    std::int64_t now = 0;
    PinGuard guard(Lmk::test().pin_count_key(), of, &store, [&now] { return now; });
    const std::array<std::uint8_t, 8> key{1};
    const auto fail = [&](unsigned number) {
        const auto whom = guard.subjects(PinAccount::parse_twelve(account(number)).value(), key);
        return guard.failed(whom);
    };
    for (unsigned i = 0; i < PinGuard::entries_max + 50000; ++i)
        if (!fail(i)) FAIL(i);
    CHECK(guard.counted() == 2 * PinGuard::entries_max + 1);
    CHECK(store.rewrites > 0);
    CHECK(store.lines.size() <= 2 * guard.counted() + PinGuard::lines_over_max);
}

TEST_CASE("hsm-sim keeps counts of failed PINs over kill -9, and says what is wrong with its file") {
    const std::string path = fresh_path("pins");
    {
        HsmProcess hsm({"--pin-counts", path});
        Connection connection(hsm.port());
        for (int i = 0; i < 10; ++i) CHECK(connection.exchange("0001" + ca(account(1))) == "0001CB20");
        CHECK(connection.exchange("0001" + ca(account(1))) == "0001CB39");
        hsm.signal(SIGKILL);
        (void)hsm.wait();
        CHECK(hsm.log().find("pin_counts_begin_at_zero") != std::string::npos);
    }
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    std::ofstream(path, std::ios::app) << "B 00112233";  // a line that was being written
    {
        HsmProcess hsm({"--pin-counts", path});
        Connection connection(hsm.port());
        CHECK(connection.exchange("0001" + ca(account(1))) == "0001CB39");
        CHECK(connection.exchange("0001" + ca(right_account)).substr(0, 8) == "0001CB00");
        CHECK(hsm.log().find("pin_counts_begin_at_zero") == std::string::npos);
    }
    const auto refused = [&](const std::string& content) {
        std::ofstream(path) << content;
        try {
            HsmProcess hsm({"--pin-counts", path});
        } catch (const std::exception& error) {
            return std::string(error.what());
        }
        return std::string("started");
    };
    CHECK(refused("something else\n").find("line 1 must be 'hsm-sim failed PINs 1'") != std::string::npos);
    CHECK(refused("hsm-sim failed PINs 1\nK 00 1 1 00\n").find("line 2 was changed") != std::string::npos);
    CHECK(refused("").find("line 1 must be") != std::string::npos);
    ::unlink(path.c_str());
    CHECK_THROWS(HsmProcess({"--pin-counts", "/nonexistent/pins"}));
}
