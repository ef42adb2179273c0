// Host commands as they stand on the wire: frames, diagnostics, monitoring, explanations.
#include <catch2/catch.hpp>

#include "tests/hsm_sim/host_commands_bench.hpp"

using namespace hsm;
using namespace hsm::testing;

TEST_CASE("frames: header echoed, response code, LMK id, trailer") {
    Bench b;
    const std::string echoed = b.ask("B20003abc");
    CHECK(echoed == "B300abc");
    CHECK(b.ask("B20003abc%00") == "B300abc");
    CHECK(b.ask("B20003abc\x19trailer of any kind") == "B300abc\x19trailer of any kind");
    CHECK(b.ask("B20003abc%00\x19T") == "B300abc\x19T");
    CHECK(b.ask("B20003abc%01") == "B313");
    CHECK(b.ask("B20003abc\x19" + std::string(33, 'x')) == "B315");
    CHECK(b.ask("B20004abc") == "B380");
    CHECK(b.ask("B20003abcd") == "B315");
    CHECK(b.ask("B2000Gabc") == "B315");
    CHECK(b.ask("B20000") == "B300");
    CHECK(b.ask("ZZ") == "Z[68");
    CHECK(b.ask("ZZ\x19T") == "Z[68\x19T");
    CHECK_FALSE(b.commands.execute("HEADB").has_value());
    CHECK_FALSE(b.commands.execute("").has_value());

    for (const std::size_t length : {0U, 2U, 12U}) {
        HostCommandOptions options;
        options.format.header_length = length;
        HostCommands commands(b.engine, options);
        const std::string header(length, 'h');
        CHECK(commands.execute(header + "B20001x") == header + "B300x");
    }
    HostCommandOptions options;
    options.disabled = {"B2"};
    HostCommands commands(b.engine, options);
    CHECK(commands.execute("HEADB20001x") == "HEADB368");
}

TEST_CASE("diagnostics: NC, NO, N0") {
    Bench b;
    const std::string nc = b.ask("NC");
    CHECK(nc == "ND00" + iso8583::to_hex(b.engine.lmk_check_value()) + "0100-0001");
    CHECK(nc.size() == 4 + 16 + 9);
    CHECK(b.ask("NO00") == "NP003100640100-000100000");
    CHECK(b.ask("NO01") == "NP000");
    CHECK(b.ask("NO02") == "NP15");
    const std::string random = b.ask("N0016");
    CHECK(random.substr(0, 4) == "N100");
    CHECK(random.size() == 4 + 16);
    CHECK(b.ask("N0016") != random);
    CHECK(b.ask("N0000") == "N100");
    CHECK(b.ask("N0xyz") == "N115");
}

TEST_CASE("monitoring: J2, J4, J8") {
    Bench b(clear_tables());
    // One second half busy, one idle.
    b.commands.note_load(b.now, 550'000);
    b.now += 2;
    b.commands.note_load(b.now, 0);
    (void)b.ask("NC");
    const std::string stamp = "231114221320";
    const std::string later = "231114221322";
    std::string bands;
    for (int band = 0; band < 10; ++band) {
        const std::string count = band == 0 || band == 5 ? "0000000001" : "0000000000";
        const auto three = [](int n) { return (n < 10 ? "00" : n < 100 ? "0" : "") + std::to_string(n); };
        bands += three(band * 10) + three(band * 10 + 10) + count;
    }
    const std::string head = "00SIMULATOR001" + stamp + later + later;
    CHECK(b.ask("J2") == "J3" + head + "0000000002" + bands + ";");
    CHECK(b.ask("J4") == "J5" + head + "0000000002NC000000000001J2000000000001J4000000000001");
    CHECK(b.ask("J8") == "J9" + head + "0000000000000000000000000000000000000000");

    // Two wrong PINs now, one an hour later.
    const std::string wrong = "DC" + tpk + wrapped("002", clear_pvk) +
                              pin_block(clear_tpk, "041225EEEEEEEEEE") + "0111111111111110000";
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) == "00000020000200000000");
    b.now += 90;
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) == "00000000000200000000");
    b.now += 3600;
    CHECK(b.ask(wrong) == "DD01");
    CHECK(b.ask("J8").substr(4 + 12 + 36 + 20) == "00000010000100000000");
}

TEST_CASE("every refusal explains itself in the log, without secrets") {
    Bench b;
    (void)b.ask("CA" + tpk + zpk + "12" + pin_block(clear_tpk, "041225EEEEEEEEEE") + "0101222222222222");
    (void)b.ask("M600131003" + zpk + "00041234");
    (void)b.ask("A6001" + zpk + zpk + "U");
    (void)b.ask("XX");
    REQUIRE(b.listener.refusals.size() == 4);
    for (const std::string& line : b.listener.refusals) {
        INFO(line);
        CHECK(line.size() > 10);
        for (const std::string_view secret :
             {"1234", "2222", "4111", "76767676", "32323232", "1EF828", "22EB30"})
            CHECK(line.find(secret) == std::string::npos);
    }
}
