// Custody of the real LMK: components, sealing, officers, the audit chain.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <iterator>

#include "hsm_sim/audit_chain.hpp"
#include "hsm_sim/lmk_file.hpp"
#include "hsm_sim/officers.hpp"
#include "tests/hsm_sim/hsm_process.hpp"
#include "tests/hsm_sim/seeded_random.hpp"

using namespace hsm;
using hsm::testing::fresh_path;
using hsm::testing::SeededRandom;

namespace {

constexpr unsigned test_cost = 10;
// Test components and passphrases; they protect nothing.
const std::string first_component = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const std::string second_component = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF";
const std::array<std::string, 2> passphrases = {"first test passphrase", "second test passphrase"};

LmkMaterial material() {
    return combine_lmk_components(parse_lmk_component(first_component).value(),
                                  parse_lmk_component(second_component).value())
        .value();
}

SealingSecrets secrets(bool with_key_file) {
    SealingSecrets out;
    out.passphrases = passphrases;
    if (with_key_file) out.key_file = ClearKey{iso8583::ByteView(*iso8583::parse_hex(std::string(64, '7')))};
    return out;
}

// What version 1 wrote of the same components, passphrases and key file.
const std::string sealed_version_1 =
    "hsm-sim sealed LMK 1\n"
    "scrypt-cost 10\n"
    "check-value AE07FE4EAC191C29\n"
    "officers-slot 8427126BF808A12B52C7369BB1ED761C 4E721567D29E81AAAF8F58B4206423B373ABD1B980741A262"
    "9DA4CA85E7547BC1430104A2CCA736ECB9482DCB7C2568BFFF39777B07F6768FDECA653\n"
    "key-file-slot 156E6CD3412897B3233D66E25E40D4A29F6F36608D592D4664C31DA972B790B22707E34E6868D057E3"
    "8865FF1E8B0A75FFE700CB5B4D082C4343BE71\n"
    "officer 1 6B0EE1506D8CFD8065FCF4BF5F00423D 3570A39B4067F3EB9D8A937BE484BC973A193B80EAA1F506FCE55"
    "8922A90161A\n"
    "officer 2 F5D9024F59BB166210D867658414F667 D693101E0A5AD610EBE8714A87E9E84630F13FA05F0A8D6CDFBEC"
    "82FFF1A5A15\n"
    "sealed C1F76FC82028AFE48F8626ADCB445695F625C9A2BA25515FA0F08C4E39423B97BE71FB3DC97160266A1A85873"
    "482281D6BC238B3C054B4EE13F32C797A0DA82FBCD76A6E761A6375025A82BDBA3AECB8DEAC531500C627A1866CD55D4"
    "FC8B6D62894D4F23B7CE014234CFBF582B8CD250EE8F77F6044230E480A3C6D37F723188B58694CB657052A97D6B1B72"
    "80E1D44C5617481FD490E30108CDF8D3EC4C32F6C558BB11C21450C258C2F959186915F89E9137438159B02683C0963E"
    "98E5364891224BEEF0D61389A76A1FC752CC095B09D5277F7F7B3BDB3C8B301AB5EE4DB94FBFDE910CD68796C8B065FF"
    "A93DA58AB026A2ED47316B08288554CE9DA50787C08DCDB6F319AD207E512FA036C95F2FDE32A3ED98FCCB767E795770"
    "D020058156CD91580F70907E7BBEEA0AA68E50AB94543179C992C1A326404610844430B969E8E3F608DC087DD26B0C21"
    "0D76FB4C735503F1266272BD1F9DC76FEF7BACF66EAE7F960A3E855F6733AB4BEAFDB9885801AE603AD487A376A73D4\n";

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("an LMK comes from both components, whoever is first, and from no one of them") {
    const auto first = parse_lmk_component(first_component).value();
    const auto second = parse_lmk_component(second_component).value();
    const auto value = [](const LmkMaterial& m) { return iso8583::to_hex(Lmk(m).check_value()); };
    const auto both = combine_lmk_components(first, second);
    REQUIRE(both.has_value());
    CHECK(value(*both) == value(*combine_lmk_components(second, first)));
    CHECK(value(*both) != iso8583::to_hex(Lmk::test().check_value()));
    CHECK_FALSE(both->is_test);
    CHECK_FALSE(combine_lmk_components(first, first).has_value());
    const auto other =
        combine_lmk_components(first, parse_lmk_component("FF" + second_component.substr(2)).value());
    CHECK(value(*both) != value(*other));
    for (const std::string& bad : {std::string(), std::string(64, '0'), std::string(63, 'A'),
                                   std::string(64, 'G'), first_component + "00"})
        CHECK_FALSE(parse_lmk_component(bad).has_value());
}

TEST_CASE("a sealed LMK opens for both officers together or for the key file, and for nobody else") {
    SeededRandom random(21);
    const LmkMaterial clear = material();
    const auto sealed = seal_lmk(clear, secrets(true), random, test_cost);
    REQUIRE(sealed.has_value());
    const std::string text = sealed->text();
    const auto parsed = SealedLmk::parse(text);
    REQUIRE(parsed.has_value());
    const auto same = [&](const iso8583::Result<LmkMaterial>& opened) {
        return opened && opened->pairs == clear.pairs && opened->aes == clear.aes;
    };
    CHECK(same(open_lmk(*parsed, passphrases)));
    CHECK(same(open_lmk(*parsed, *secrets(true).key_file)));
    CHECK_FALSE(open_lmk(*parsed, {passphrases[1], passphrases[0]}).has_value());
    CHECK_FALSE(open_lmk(*parsed, {passphrases[0], "another passphrase"}).has_value());
    CHECK_FALSE(open_lmk(*parsed, ClearKey{iso8583::ByteView(*iso8583::parse_hex(std::string(64, '6')))})
                    .has_value());
    CHECK(officer_knows(*parsed, 1, passphrases[0]));
    CHECK_FALSE(officer_knows(*parsed, 1, passphrases[1]));
    CHECK_FALSE(officer_knows(*parsed, 3, passphrases[0]));

    // Nothing of the LMK stands in the file.
    for (const auto& pair : clear.pairs) CHECK(text.find(iso8583::to_hex(pair)) == std::string::npos);
    CHECK(text.find(iso8583::to_hex(clear.aes)) == std::string::npos);
}

TEST_CASE("a sealed LMK without a key file, weak passphrases") {
    SeededRandom random(22);
    const auto sealed = seal_lmk(material(), secrets(false), random, test_cost);
    REQUIRE(sealed.has_value());
    CHECK_FALSE(open_lmk(*sealed, *secrets(true).key_file).has_value());
    SealingSecrets short_one = secrets(false);
    short_one.passphrases[1] = "short";
    CHECK_FALSE(seal_lmk(material(), short_one, random).has_value());
    SealingSecrets equal = secrets(false);
    equal.passphrases[1] = equal.passphrases[0];
    CHECK_FALSE(seal_lmk(material(), equal, random).has_value());
}

TEST_CASE("a changed LMK file does not open, and says which line is wrong") {
    SeededRandom random(23);
    const std::string text = seal_lmk(material(), secrets(true), random, test_cost)->text();
    const ClearKey key = *secrets(true).key_file;
    struct Row {
        std::string_view line;
        std::string_view why;
    };
    for (const Row row : {Row{"sealed ", "a line was changed"},
                          {"key-file-slot ", "key-file-slot"},
                          {"check-value ", "a line was changed"}}) {
        INFO(row.line);
        std::string changed = text;
        char& digit = changed[changed.find("\n" + std::string(row.line)) + 1 + row.line.size() + 12];
        digit = digit == '0' ? '1' : '0';
        const auto opened = open_lmk(SealedLmk::parse(changed).value(), key);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().what.find(row.why) != std::string::npos);
    }
    for (const std::string& bad : {std::string(), std::string("hsm-sim sealed LMK 3\n"), text + "more\n",
                                   text.substr(0, text.find("sealed ")), text + "officer 3 00 00\n"})
        CHECK_FALSE(SealedLmk::parse(bad).has_value());
}

TEST_CASE("damage in the officers' part of the LMK file is noticed, whoever opens it") {
    SeededRandom random(24);
    const std::string text = seal_lmk(material(), secrets(true), random, test_cost)->text();
    const ClearKey key = *secrets(true).key_file;
    std::size_t changes = 0;
    for (const std::string_view line :
         {"officer 1 ", "officer 2 ", "officers-slot ", "scrypt-cost ", "integrity "}) {
        const std::size_t from = text.find("\n" + std::string(line)) + 1 + line.size();
        for (std::size_t at = from; at < text.find('\n', from); at += 3) {
            if (text[at] == ' ') continue;
            std::string changed = text;
            changed[at] = changed[at] == '1' ? '2' : '1';
            INFO(line << at - from);
            const auto parsed = SealedLmk::parse(changed);
            if (!parsed) continue;
            CHECK_FALSE(open_lmk(*parsed, key).has_value());
            ++changes;
        }
    }
    CHECK(changes > 100);
    // Cut down to nothing, exchanged, or made a file of the version that has no such line.
    struct Row {
        std::string_view from, to, why;
    };
    const std::size_t first = text.find("officer 1 ") + 10, second = text.find("officer 2 ") + 10;
    const std::string one = text.substr(first, text.find('\n', first) - first);
    const std::string two = text.substr(second, text.find('\n', second) - second);
    const std::string half = two.substr(0, 40), word = two.substr(0, two.find(' '));
    for (const Row& row : {Row{one, "00 00", "officer 1"},
                           {two, half, "the line of officer 2 is damaged"},
                           {two, word, "too few or too many words"},
                           {one, two, "a line was changed"},
                           {"LMK 2", "LMK 1", "unknown key"}}) {
        std::string changed = text;
        changed.replace(changed.find(row.from), row.from.size(), row.to);
        const auto parsed = SealedLmk::parse(changed);
        const auto opened = parsed ? open_lmk(*parsed, key) : tl::unexpected(parsed.error());
        REQUIRE_FALSE(opened.has_value());
        INFO(opened.error().what);
        CHECK(opened.error().what.find(row.why) != std::string::npos);
    }
    std::string without = text.substr(0, text.find("integrity "));
    CHECK_FALSE(SealedLmk::parse(without).has_value());
    without.replace(without.find("LMK 2"), 5, "LMK 1");
    CHECK_FALSE(open_lmk(SealedLmk::parse(without).value(), key).has_value());
    CHECK_FALSE(open_lmk(SealedLmk::parse(without).value(), passphrases).has_value());
}

TEST_CASE("a sealed LMK of version 1 opens as ever") {
    const auto parsed = SealedLmk::parse(sealed_version_1);
    REQUIRE(parsed.has_value());
    CHECK(parsed->text() == sealed_version_1);
    const LmkMaterial clear = material();
    CHECK(open_lmk(*parsed, passphrases)->pairs == clear.pairs);
    CHECK(open_lmk(*parsed, *secrets(true).key_file)->aes == clear.aes);
    CHECK(officer_knows(*parsed, 2, passphrases[1]));
}

TEST_CASE("secret files are for their owner alone") {
    const std::string path = fresh_path("secret");
    REQUIRE(write_secret_file(path, "content\n").has_value());
    CHECK(read_secret_file(path, 100).value() == "content\n");
    CHECK_FALSE(read_secret_file(path, 3).has_value());
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    const auto open = read_secret_file(path, 100);
    REQUIRE_FALSE(open.has_value());
    CHECK(open.error().what.find("0600") != std::string::npos);
    ::unlink(path.c_str());
    CHECK_FALSE(read_secret_file(path, 100).has_value());
}

TEST_CASE("two officers open the authorised state, one does not, and time closes it") {
    SeededRandom random(24);
    const auto sealed = seal_lmk(material(), secrets(false), random, test_cost).value();
    SimJournal journal(AuditChain::open("").value());
    HsmOptions options;
    options.observer = &journal;
    HsmEngine engine(Lmk(material()), random, options);
    Officers officers(engine, journal, sealed, 600);
    const std::string one = "authorise 1 " + passphrases[0];
    const std::string two = "authorise 2 " + passphrases[1];

    CHECK(officers.command(one, 1000).substr(0, 2) == "ok");
    CHECK_FALSE(engine.authorised());
    CHECK(officers.command(one, 1001).substr(0, 2) == "ok");  // the same officer twice is still one
    CHECK_FALSE(engine.authorised());
    CHECK(officers.command(two, 1000 + 1 + Officers::together_seconds_max + 1).substr(0, 2) == "ok");
    CHECK_FALSE(engine.authorised());  // the first had gone
    CHECK(officers.command(one, 1130).substr(0, 2) == "ok");
    CHECK(engine.authorised());
    officers.tick(1130 + 599);
    CHECK(engine.authorised());
    officers.tick(1130 + 600);
    CHECK_FALSE(engine.authorised());

    CHECK(officers.command("authorise 2 wrong passphrase", 3000).substr(0, 5) == "error");
    CHECK(officers.command(two, 3001).substr(0, 5) == "error");  // must wait
    CHECK(officers.command(two, 3000 + Officers::wait_after_wrong_seconds).substr(0, 2) == "ok");
    CHECK(officers.command(one, 3010).substr(0, 2) == "ok");
    CHECK(engine.authorised());
    CHECK(officers.command("revoke", 3011).substr(0, 2) == "ok");
    CHECK_FALSE(engine.authorised());
    CHECK(officers.command("status", 3012) == "ok: not authorised");
    CHECK(officers.command("open sesame", 3012).substr(0, 5) == "error");
    // Seven times authorise, one of them refused, opened twice, closed by time and by hand.
    CHECK(journal.audit().sequence() == 11);

    HsmEngine test_engine(Lmk::test(), random);
    Officers none(test_engine, journal, std::nullopt, 600);
    CHECK(none.command(one, 1).substr(0, 5) == "error");
}

TEST_CASE("the audit chain goes on after a restart, and shows what was done to it") {
    const std::string path = fresh_path("audit");
    for (int restart = 0; restart < 2; ++restart) {
        auto chain = AuditChain::open(path);
        REQUIRE(chain.has_value());
        CHECK(chain->sequence() == static_cast<std::uint64_t>(2 * restart));
        REQUIRE(chain->append("2026-01-01T00:00:00.000Z", "peer \"x\"",
                              {"generate", "001", "A1B2C3", std::nullopt}));
        REQUIRE(chain->append("2026-01-01T00:00:01.000Z", "peer",
                              {"export", "001", {}, HsmFault::not_authorised}));
    }
    const auto verified = AuditChain::verify(path);
    REQUIRE(verified.has_value());
    CHECK(verified->lines == 4);
    const std::string good = read_file(path);
    const std::size_t second = good.find('\n') + 1;
    const std::size_t third = good.find('\n', second) + 1;
    struct Row {
        std::string_view why;
        std::string text;
        std::string_view says;
    };
    std::string changed = good;
    changed.replace(changed.find("A1B2C3"), 6, "A1B2C4");
    const Row rows[] = {{"a changed line", changed, "line 1"},
                        {"a line taken out", good.substr(0, second) + good.substr(third), "line 2"},
                        {"the first line taken out", good.substr(second), "line 1"},
                        {"a line twice", good.substr(0, second) + good, "line 2"},
                        {"a line cut off", good.substr(0, good.size() - 10), "line 4"},
                        {"a line of somebody else", good + "{}\n", "line 5"}};
    for (const Row& row : rows) {
        INFO(row.why);
        write_file(path, row.text);
        const auto found = AuditChain::verify(path);
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().what.find(row.says) != std::string::npos);
        CHECK_FALSE(AuditChain::open(path).has_value());
    }
    ::unlink(path.c_str());
}

TEST_CASE("lines carry MACs under the LMK, and a chain that somebody else wrote shows") {
    const std::string path = fresh_path("audit");
    const auto mac_of = [](const Lmk& lmk) {
        return AuditChain::Mac([&lmk](std::string_view text) {
            return iso8583::to_hex(lmk.audit_mac(iso8583::as_bytes(text)));
        });
    };
    const Lmk ours = Lmk::test();
    LmkMaterial other_material = material();
    other_material.aes[0] ^= 1;
    const Lmk theirs(other_material);
    const auto write = [&](const AuditChain::Mac& mac, const char* kcv) {
        auto chain = AuditChain::open(path, mac);
        REQUIRE(chain.has_value());
        REQUIRE(chain->append("2026-01-01T00:00:00.000Z", "peer", {"generate", "001", kcv, std::nullopt}));
        return AuditChain::Head{chain->sequence(), chain->head()};
    };
    write({}, "000001");  // before there was a key
    write(mac_of(ours), "000002");
    const AuditChain::Head third = write(mac_of(ours), "000003");
    const auto verified = AuditChain::verify(path, mac_of(ours), third);
    REQUIRE(verified.has_value());
    CHECK(verified->lines == 3);
    CHECK(verified->keyed_from == 2);
    // Who has no key follows the hashes.
    CHECK(AuditChain::verify(path).has_value());
    const std::string good = read_file(path);

    const auto says = [&](const iso8583::Result<AuditChain::Verified>& found, const char* part) {
        REQUIRE_FALSE(found.has_value());
        INFO(found.error().what);
        CHECK(found.error().what.find(part) != std::string::npos);
    };
    SECTION("its end is cut off") {
        const std::size_t second_end = good.find('\n', good.find('\n') + 1) + 1;
        write_file(path, good.substr(0, second_end));
        CHECK(AuditChain::verify(path, mac_of(ours)).has_value());
        says(AuditChain::verify(path, mac_of(ours), third), "was cut, or made anew");
    }
    SECTION("it is made anew under no key") {
        ::unlink(path.c_str());
        for (const char* kcv : {"000001", "000002", "000009"}) write({}, kcv);
        says(AuditChain::verify(path, mac_of(ours), third), "written anew");
    }
    SECTION("it goes on under no key") {
        write({}, "000004");
        says(AuditChain::verify(path), "line 4: carries no MAC");
    }
    SECTION("it goes on under another LMK") {
        ::unlink(path.c_str());
        write({}, "000001");
        write(mac_of(theirs), "000002");
        CHECK(AuditChain::verify(path).has_value());
        says(AuditChain::verify(path, mac_of(ours)), "line 2: its MAC is not under this LMK");
        CHECK_FALSE(AuditChain::open(path, mac_of(ours)).has_value());
    }
    SECTION("the file is gone") {
        ::unlink(path.c_str());
        CHECK_FALSE(AuditChain::open(path, mac_of(ours), third).has_value());
    }
    ::unlink(path.c_str());
}

TEST_CASE("the noted head of the audit is believed when its MAC fits") {
    const std::string path = fresh_path("head");
    const Lmk lmk = Lmk::test();
    const AuditChain::Mac mac = [&lmk](std::string_view text) {
        return iso8583::to_hex(lmk.audit_mac(iso8583::as_bytes(text)));
    };
    const AuditChain::Head head{12, std::string(64, 'A')};
    const std::string good = AuditChain::head_text(head, mac);
    CHECK(AuditChain::read_head(path, mac).value() == std::nullopt);
    write_file(path, good);
    CHECK(AuditChain::read_head(path, mac).value() == head);
    write_file(path, AuditChain::head_text(head, {}));
    CHECK(AuditChain::read_head(path, mac).value() == head);
    std::string other_line = good;
    other_line.replace(other_line.find("line=12"), 7, "line=11");
    for (const std::string& bad : {other_line, good + good, good.substr(0, good.size() - 1),
                                   std::string("x\n"), std::string(), std::string(5'000, 'x')}) {
        INFO(bad);
        write_file(path, bad);
        CHECK_FALSE(AuditChain::read_head(path, mac).has_value());
    }
    ::unlink(path.c_str());
}

TEST_CASE("what cannot be audited is not done quietly") {
    // A disk without room: no file of this process may grow past a few lines.
    const std::string path = fresh_path("audit");
    SimJournal journal(AuditChain::open(path).value());
    journal.key_operated({"generate", "001", "A1B2C3", std::nullopt});
    REQUIRE_FALSE(journal.audit_failed());
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{400, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
    journal.key_operated({"generate", "001", "A1B2C3", std::nullopt});
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, previous);
    CHECK(journal.audit_failed());
    CHECK(journal.audit().sequence() == 1);
    ::unlink(path.c_str());
    CHECK_FALSE(AuditChain::open("/dev/zero").has_value());  // would never end
}
