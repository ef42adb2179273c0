// The configuration file: what a good one gives, and for each kind of mistake the sentence that names it.
#include <catch2/catch.hpp>

#include "hsm_sim/test_keys.hpp"
#include "switch/config/config.hpp"
#include "tests/config/smallest_config.hpp"
#include "tests/test_paths.hpp"

using namespace acquirer;

namespace {

std::string problems_of(const std::string& toml) {
    const auto loaded = load_config_text("t.toml", toml, surroundings());
    return loaded ? "" : text(loaded.error());
}

std::string replaced(std::string_view what, std::string_view with) {
    std::string file = good;
    const std::size_t at = file.find(what);
    REQUIRE(at != std::string::npos);
    return file.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("config: the smallest good file, and its defaults") {
    const auto loaded = load_config_text("t.toml", good, surroundings());
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const Configuration& c = *loaded->configuration;
    CHECK(c.version == 7);
    CHECK(c.hash.size() == 16);
    CHECK(c.demo);
    CHECK(c.currency.str() == "156");
    CHECK(c.limits.issuer_reply_timeout_ms == 5000);
    REQUIRE(c.routes.routes().size() == 1);
    const routing::Route& route = c.routes.routes().front();
    CHECK(route.reply_timeout_ms == 5000);  // that of [limits]
    CHECK(route.link_group == "a");
    CHECK(loaded->issuers.front().mac.algorithm == hsm::MacAlgorithm::retail);
    CHECK(c.issuer_keys.at(route.id).zak.text() == hsm::test_keys::zak);
    const auto terminal = iso8583::TerminalId::parse("10000500");
    REQUIRE(c.find_terminal(*terminal) != nullptr);
    CHECK(c.find_terminal(*terminal)->merchant.view() == "898110157220001");
    CHECK(c.find_terminal(*terminal)->mac.algorithm == hsm::MacAlgorithm::unionpay_ecb);
    CHECK(c.find_terminal(*iso8583::TerminalId::parse("10001000")) == nullptr);
    const MerchantConfig& merchant = c.merchants.begin()->second;
    CHECK(merchant.name == "898110157220001");
    CHECK(merchant.refund.window_days == 365);
    CHECK_FALSE(merchant.refund.refund_amount_max);
}

TEST_CASE("config: HSMs by address, with tcp:// or without") {
    std::string file = good;
    file.insert(file.find("[limits]"),
                "[hsm]\nmode = \"tcp\"\nprotected_channel = true\n"
                "addresses = [\"tcp://10.0.0.21:1500\", \"10.0.0.22:1501\"]\n");
    const auto loaded = load_config_text("t.toml", file, surroundings());
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const auto& addresses = loaded->hsm.addresses;
    REQUIRE(addresses.size() == 2);
    CHECK(addresses[0] == *Endpoint::parse("10.0.0.21:1500"));
    CHECK(addresses[1] == *Endpoint::parse("10.0.0.22:1501"));
}

TEST_CASE("config: a merchant's policy is laid over the common one") {
    const auto loaded = load_config_text(
        "t.toml",
        good +
            "[refund]\nwindow_days = 90\napproval_amount_above = \"250.50\"\n"
            "[[merchant]]\nid = \"898110157220005\"\n"
            "[merchant.refund]\nrefund_amount_max = \"500.00\"\nrefunds_per_terminal_day_max = 5\n",
        surroundings());
    INFO((loaded ? "" : text(loaded.error())));
    REQUIRE(loaded);
    const auto* own = loaded->configuration->find_merchant(*iso8583::MerchantId::parse("898110157220005"));
    REQUIRE(own != nullptr);
    CHECK(own->refund.window_days == 90);
    CHECK(own->refund.approval_amount_above == 25'050);
    CHECK(own->refund.refund_amount_max == 50'000);
    CHECK(own->refund.refunds_per_terminal_day_max == 5);
    const auto* other = loaded->configuration->find_merchant(*iso8583::MerchantId::parse("898110157220001"));
    CHECK_FALSE(other->refund.refund_amount_max);
}

TEST_CASE("config: each mistake is named with its line and key") {
    struct Row {
        std::string_view what;
        std::string_view with;
        std::string_view expected;  // the whole report
    };
    const Row rows[] = {
        // Form
        {"zone = \"UTC\"", "zone = UTC", "t.toml:3: "},
        {"zone = \"UTC\"", "zone = \"UTC\"\nzone = \"UTC\"", "t.toml:4: "},
        {"zone = \"UTC\"", "zone = 8",
         "t.toml:3: switch.zone: is a number, needed is a text (IANA time zone)\n"},
        {"demo = true", "demo = \"yes\"",
         "t.toml:1: demo: is a text, needed is true or false (true or false)\n"},
        {"issuer_reply_timeout_ms = 5000", "issuer_reply_timeout_ms = 5.5",
         "t.toml:8: limits.issuer_reply_timeout_ms: is a fraction, date or time, needed is a number "
         "(number 100 to 59000)\n"},
        {"addresses = [\"127.0.0.1:8601\"]", "addresses = \"127.0.0.1:8601\"",
         "t.toml:12: issuer[1].addresses: is a text, needed is a list (list of texts)\n"},
        {"addresses = [\"127.0.0.1:8601\"]", "addresses = [8601]",
         "t.toml:12: issuer[1].addresses: entry 1 is a number, a text is needed\n"},
        {"[[merchant]]", "[merchant]",
         "t.toml:18: merchant: is a table, needed are sections [[merchant]]\n"
         "t.toml:23: terminals[1].merchant: names no [[merchant]]\n"},
        {"[limits]", "[[limits]]", "t.toml:7: limits: is a list, needed is a section [limits]\n"},
        // Unknown and missing
        {"issuer_reply_timeout_ms = 5000", "issuer_reply_timeout = 5000",
         "t.toml:8: limits.issuer_reply_timeout: is no key of this section; did you mean "
         "issuer_reply_timeout_ms?\n"},
        {"[limits]", "[bounds]", "t.toml:7: bounds: is no key of the file\n"},
        {"zone = \"UTC\"\n", "",
         "t.toml:2: switch.zone: is needed: Local dates and times of messages and people.\n"},
        {"zak = \"U98B550821E6A515877C9CC26E163BF48\"\n", "",
         "t.toml:9: issuer[1].zak: is needed: The key of the MAC.\n"},
        {"unionpay-pos = \"127.0.0.1:8583\"", "",
         "t.toml:5: listen: no terminal can connect: unionpay-pos or iso87-ascii is needed\n"},
        {"[[iin]]\nrange = \"621234-621299\"\nroutes = [\"a\"]\n", "",
         "t.toml: iin: at least one [[iin]] is needed, else no card has a route\n"},
        // Values
        {"zone = \"UTC\"", "zone = \"Mars/Base\"",
         "t.toml:3: switch.zone: is no time zone of this machine, as Asia/Shanghai or UTC\n"},
        {"zone = \"UTC\"", "zone = \"../UTC\"",
         "t.toml:3: switch.zone: is no time zone of this machine, as Asia/Shanghai or UTC\n"},
        {"currency = \"156\"", "currency = \"CNY\"", "t.toml:4: switch.currency: "},
        {"currency = \"156\"", "currency = \"156\"\ncutover_at = \"24:00\"",
         "t.toml:5: switch.cutover_at: is no time of day\n"},
        {"127.0.0.1:8583", "127.0.0.1",
         "t.toml:6: listen.unionpay-pos: needs HOST:PORT, as \"127.0.0.1:8583\" or "
         "\"[::1]:8583\"\n"},
        {"127.0.0.1:8583", "127.0.0.1:70000", "t.toml:6: listen.unionpay-pos: port is over 65535\n"},
        {"127.0.0.1:8583\"", "127.0.0.1:8583\"\nmetrics = \"127.0.0.1:8583\"",
         "t.toml:7: listen.metrics: is the address of unionpay-pos too\n"},
        {"127.0.0.1:8601\"", "127.0.0.1:0\"",
         "t.toml:12: issuer[1].addresses: entry 1: port 0 cannot be connected to\n"},
        {"127.0.0.1:8601\"", "127.0.0.1:8601\", \"127.0.0.1:8601\"",
         "t.toml:12: issuer[1].addresses: entry 2 is there twice\n"},
        {"id = 1\n", "id = 0\n", "t.toml:10: issuer[1].id: is 0, 1 to 65535 is allowed\n"},
        {"name = \"a\"", "name = \"a b\"",
         "t.toml:11: issuer[1].name: may hold letters, digits, - and _ only\n"
         "t.toml:17: iin[1].routes: a is no issuer\n"},
        {"name = \"a\"", "name = \"a\"\ndialect = \"iso93\"",
         "t.toml:12: issuer[1].dialect: is no dialect; there are unionpay-pos, iso87-ascii, iso87-bcd\n"},
        {"name = \"a\"", "name = \"a\"\nrefund_mode = \"later\"",
         "t.toml:12: issuer[1].refund_mode: has to be one of advice, online\n"},
        {"\"898110157220001\"\n[[term", "\"89811015722000\"\n[[term", "t.toml:19: merchant[1].id: "},
        // Keys
        {"zak = \"U98B", "zak = \"X98B",
         "t.toml:13: issuer[1].zak: key block: needs 16 hex digits, U and 32, T and 48, or S and a TR-31 "
         "block\n"},
        {"zak = \"U98B550821E6A515877C9CC26E163BF48\"", "zak = \"54545454545454546767676767676767\"",
         "t.toml:13: issuer[1].zak: key block: needs 16 hex digits, U and 32, T and 48, or S and a TR-31 "
         "block\n"},
        {"mac = \"ecb\"\n", "",
         "t.toml:20: terminals[1].mac: is needed for profile unionpay-pos: \"ecb\" (with protected_channel = "
         "true), \"retail\" or \"cmac\"\n"},
        {"protected_channel = true\n", "",
         "t.toml:26: terminals[1].mac: ecb can be forged by who sees one message: it needs "
         "listen.unionpay-pos-tls, or protected_channel = true\n"},
        {"mac = \"ecb\"", "mac = \"cbc\"",
         "t.toml:26: terminals[1].mac: has to be one of ecb, retail, cmac\n"},
        {"mac = \"ecb\"", "mac = \"cmac\"\nsingle_length_keys = true",
         "t.toml:27: terminals[1].single_length_keys: goes with mac = \"ecb\" of profile unionpay-pos "
         "alone\n"},
        {"name = \"a\"", "name = \"a\"\nmac = \"aes_cmac\"",
         "t.toml:14: issuer[1].zak: mac = \"aes_cmac\" needs an AES key block (S)\n"},
        {"name = \"a\"", "name = \"a\"\npin_block_format = \"iso4\"",
         "t.toml:15: issuer[1].zpk: pin_block_format = \"iso4\" needs an AES key block (S)\n"},
        {"tmk = \"U1750CDFB0757D3B3994430636DBB281B\"", "",
         "t.toml:20: terminals[1].tmk: is needed for profile unionpay-pos\n"},
        {"profile = \"unionpay-pos\"", "profile = \"iso87-ascii\"",
         "t.toml:20: terminals[1].tak: is needed for profile iso87-ascii\n"
         "t.toml:20: terminals[1].tpk: is needed for profile iso87-ascii\n"
         "t.toml:25: terminals[1].tmk: does not belong to profile iso87-ascii\n"
         "t.toml:26: terminals[1].mac: ecb belongs to profile unionpay-pos; use \"retail\" or \"cmac\"\n"},
        // Time-outs
        {"issuer_reply_timeout_ms = 5000", "issuer_reply_timeout_ms = 60000",
         "t.toml:8: limits.issuer_reply_timeout_ms: is 60000, 100 to 59000 is allowed\n"},
        {"demo = true", "demo = false",
         "t.toml: hsm.lmk: the test LMK protects nothing: only demo = true may use it\n"
         "t.toml: operator: at least one [[operator]] is needed, else nobody may ask or decide\n"},
        {"issuer_reply_timeout_ms = 5000", "issuer_reply_timeout_ms = 1500",
         "t.toml:7: limits.hsm_reply_timeout_ms: has to be shorter than issuer_reply_timeout_ms\n"},
        {"issuer_reply_timeout_ms = 5000", "advice_retry_first_ms = 500000\nadvice_retry_longest_ms = 1000",
         "t.toml:8: limits.advice_retry_first_ms: is longer than advice_retry_longest_ms\n"
         "t.toml:10: issuer[1].advice_retry_first_ms: is longer than advice_retry_longest_ms\n"},
        // HSM
        {"[limits]", "[hsm]\nmode = \"tcp\"\n[limits]",
         "t.toml:7: hsm.addresses: is needed with mode = \"tcp\"\n"},
        {"[limits]", "[hsm]\naddresses = [\"127.0.0.1:1500\"]\n[limits]",
         "t.toml:8: hsm.addresses: belongs to mode = \"tcp\"\n"},
        // Names that lead nowhere
        {"routes = [\"a\"]", "routes = [\"b\"]", "t.toml:17: iin[1].routes: b is no issuer\n"},
        {"routes = [\"a\"]", "routes = [\"a\", \"a\"]", "t.toml:17: iin[1].routes: a is there twice\n"},
        {"routes = [\"a\"]", "routes = []", "t.toml:17: iin[1].routes: needs 1 to 4 names\n"},
        {"merchant = \"898110157220001\"", "merchant = \"898110157220009\"",
         "t.toml:23: terminals[1].merchant: names no [[merchant]]\n"},
        {"name = \"a\"", "name = \"a\"\nsuccessor = \"z\"",
         "t.toml:12: issuer[1].successor: only a retired issuer has one\n"
         "t.toml:12: issuer[1].successor: names no issuer\n"},
        {"name = \"a\"", "name = \"a\"\nretired = true",
         "t.toml:18: iin[1].routes: a is retired and has no successor\n"},
        // Ranges
        {"621234-621299", "621299-621234",
         "t.toml:16: iin[1].range: IIN range 621299-621234: the first prefix is greater than the last\n"},
        {"621234-621299", "6212-6213",
         "t.toml:16: iin[1].range: IIN range 6212-6213: prefixes of 6 to 11 digits are needed\n"},
        {"last = \"10000999\"", "last = \"10000000\"", "t.toml:22: terminals[1].last: is before first\n"},
        {"last = \"10000999\"", "last = \"999\"", "t.toml:22: terminals[1].last: needs 8 digits\n"},
    };
    for (const Row& row : rows) {
        INFO("instead of: " << row.what << "\nin the file: " << row.with);
        const std::string report = problems_of(replaced(row.what, row.with));
        if (row.expected.back() == '\n')
            CHECK(report == row.expected);
        else  // the rest of the sentence is the TOML reader's or a value type's own
            CHECK(report.rfind(row.expected, 0) == 0);
    }
}

TEST_CASE("config: doubles and overlaps") {
    struct Row {
        std::string_view added;
        std::string_view expected;
    };
    const std::string keys =
        "zak = \"U98B550821E6A515877C9CC26E163BF48\"\nzpk = \"U22EB30F2EA59A1A842FB5D1DF393237F\"\n";
    const std::string issuer_twice =
        "[[issuer]]\nid = 1\nname = \"a\"\naddresses = [\"127.0.0.1:8602\"]\n" + keys;
    const std::string circle =
        "[[issuer]]\nid = 2\nname = \"b\"\nretired = true\nsuccessor = \"c\"\n"
        "addresses = [\"127.0.0.1:1\"]\n" +
        keys +
        "[[issuer]]\nid = 3\nname = \"c\"\nretired = true\nsuccessor = \"b\"\n"
        "addresses = [\"127.0.0.1:1\"]\n" +
        keys;
    const std::string slow =
        "[[issuer]]\nid = 2\nname = \"b\"\nreply_timeout_ms = 59001\n"
        "addresses = [\"127.0.0.1:1\"]\n" +
        keys;
    const std::string clash = "[[issuer]]\nid = 2\nname = \"b\"\naddresses = [\"127.0.0.1:1\"]\n" + keys +
                              "[issuer.codes]\nunknown = [\"00\"]\n";
    const std::string second = "[[issuer]]\nid = 2\nname = \"b\"\naddresses = [\"127.0.0.1:1\"]\n" + keys;
    const std::string partial = second + "[issuer.codes]\nunknown = [\"96\"]\ndeclined = [\"05\", \"10\"]\n";
    const std::string moved = second + "[issuer.codes]\npartly_approved = [\"10\", \"51\"]\n";
    const Row rows[] = {
        {issuer_twice,
         "t.toml:29: issuer[2].id: is the number of issuer[1] too\n"
         "t.toml:30: issuer[2].name: is the name of issuer[1] too\n"},
        {circle, "t.toml:9: issuer: route b: its successors go round in a circle\n"},
        {slow, "t.toml:31: issuer[2].reply_timeout_ms: is 59001, 100 to 59000 is allowed\n"},
        {clash, "t.toml:35: issuer[2].codes.unknown: response code 00 stands in approved and in unknown\n"},
        {partial,
         "t.toml:36: issuer[2].codes.declined: response code 10 approves, wholly or in part: whoever "
         "takes it for a refusal keeps money\n"},
        {moved,
         "t.toml:35: issuer[2].codes.partly_approved: response code 51 stands in partly_approved and in "
         "declined\n"},
        {"[refund]\nfunding = \"sales\"\n",
         "t.toml:29: refund.funding: has to be one of none, net_sales, reserve\n"},
        {"[[merchant]]\nid = \"898110157220001\"\n",
         "t.toml:29: merchant[2].id: is the merchant of merchant[1] too\n"},
        {"[[terminals]]\nfirst = \"10000999\"\nlast = \"10001005\"\nmerchant = \"898110157220001\"\n"
         "profile = \"unionpay-pos\"\ntmk = \"U1750CDFB0757D3B3994430636DBB281B\"\nmac = \"retail\"\n",
         "t.toml:29: terminals[2].first: terminals 10000999 to 10001005 overlap terminals[1] (10000001 to "
         "10000999)\n"},
        {"[[iin]]\nrange = \"621250-621350\"\nroutes = [\"a\"]\n",
         "t.toml:29: iin[2].range: IIN ranges 621234-621299 and 621250-621350 overlap and neither is the "
         "more "
         "specific one\n"},
        {"[[iin]]\nrange = \"621234-621299\"\nroutes = [\"a\"]\n",
         "t.toml:29: iin[2].range: IIN ranges 621234-621299 and 621234-621299 overlap and neither is the "
         "more "
         "specific one\n"},
        {"[[operator]]\nuid = 5\nname = \"x\"\nroles = [\"boss\"]\n[[operator]]\nuid = 5\nname = \"x\"\n"
         "roles = [\"admin\", \"admin\"]\n",
         "t.toml:31: operator[1].roles: entry 1: a role is one of viewer, operator, supervisor, "
         "security_officer, "
         "admin\n"
         "t.toml:33: operator[2].uid: is another operator's too\n"
         "t.toml:34: operator[2].name: is another operator's too\n"
         "t.toml:35: operator[2].roles: entry 2 is there twice\n"},
        {"[[operator]]\nuid = 5\nname = \"x\"\nroles = [\"viewer\"]\nterminal_operators = "
         "[\"898110157220009/01\"]\n"
         "[[operator]]\nuid = 6\nname = \"y\"\nroles = [\"viewer\"]\nterminal_operators = "
         "[\"898110157220001/0123\"]\n"
         "[[operator]]\nuid = 7\nname = \"z\"\nroles = [\"viewer\"]\nterminal_operators = [\"01\"]\n",
         "t.toml:32: operator[1].terminal_operators: merchant 898110157220009 is not configured\n"
         "t.toml:37: operator[2].terminal_operators: entry 1: number: 1 to 3 digits or letters are needed\n"
         "t.toml:42: operator[3].terminal_operators: entry 1 has to be MERCHANT/NUMBER\n"},
        {"[refund]\nrefund_amount_max = \"60.001\"\napproval_amount_above = \"0\"\nwindow_days = -1\n",
         "t.toml:29: refund.refund_amount_max: "},
    };
    for (const Row& row : rows) {
        INFO(row.added);
        const std::string report = problems_of(good + std::string(row.added));
        if (row.expected.back() == '\n')
            CHECK(report == row.expected);
        else
            CHECK(report.rfind(row.expected, 0) == 0);
    }
}

TEST_CASE("config: who a person is at tills, and the bound of an operator number") {
    const auto loaded = load_config_text(
        "t.toml",
        std::string(good) +
            "[refund]\nrefunds_per_operator_day_max = 7\n[[operator]]\nuid = 5\nname = \"mei\"\n"
            "roles = [\"supervisor\"]\nterminal_operators = [\"898110157220001/01\", "
            "\"898110157220001/A2\"]\n",
        surroundings());
    REQUIRE(loaded);
    const auto& people = loaded->configuration->till_operators;
    REQUIRE(people.size() == 1);
    const iso8583::MerchantId merchant = iso8583::MerchantId::parse("898110157220001").value();
    CHECK(people.at("mei") == std::vector<TillOperator>{{merchant, "01"}, {merchant, "A2"}});
    REQUIRE(loaded->configuration->find_merchant(merchant) != nullptr);
    CHECK(loaded->configuration->find_merchant(merchant)->refund.refunds_per_operator_day_max == 7);
}

TEST_CASE("config: outside a demonstration the quarantine keeps the rule") {
    const std::string file =
        replaced("demo = true", "demo = false") +
        "[hsm]\nlmk = \"/etc/lmk\"\n[[operator]]\nuid = 1\nname = \"x\"\nroles = [\"admin\"]\n";
    CHECK(problems_of(file).empty());
    std::string longer = file;
    longer.replace(longer.find("= 5000"), 6, "= 40000");
    CHECK(problems_of(longer) ==
          "t.toml:7: limits.not_found_quarantine_ms: is 60000, at least 80000 is needed: twice the time-out "
          "and 60 s "
          "(R51a; only demo = true may have less)\n"
          "t.toml:9: issuer[1].not_found_quarantine_ms: is 60000, at least 80000 is needed: twice the "
          "time-out and "
          "60 s (R51a; only demo = true may have less)\n");
    std::string shorter = file;
    shorter.replace(shorter.find("= 5000"), 6, "= 5000\nnot_found_quarantine_ms = 20000");
    CHECK(problems_of(shorter).find("t.toml:9: limits.not_found_quarantine_ms: is 20000, at least 60000") ==
          0);
}

TEST_CASE("config: all problems of a file come at once, in the order of their lines") {
    std::string file = replaced("zone = \"UTC\"", "zone = \"Mars\"");
    file.replace(file.find("tmk = \"U17"), 10, "tmk = \"Z17");
    file.replace(file.find("id = 1"), 6, "id = 99999999");
    const auto loaded = load_config_text("t.toml", file, surroundings());
    REQUIRE_FALSE(loaded);
    std::vector<int> lines;
    for (const ConfigProblem& p : loaded.error()) lines.push_back(p.line);
    CHECK(lines == std::vector<int>{3, 10, 25});
}

TEST_CASE("config: a problem never repeats key material") {
    const std::string clear = "54545454545454546767676767676767";
    const std::string report =
        problems_of(replaced("zak = \"U98B550821E6A515877C9CC26E163BF48\"", "zak = \"" + clear + "\""));
    CHECK(report.find("zak") != std::string::npos);
    CHECK(report.find("5454") == std::string::npos);
}

TEST_CASE("config: the files that are shipped load") {
    for (const char* name : {"demo", "example"}) {
        const std::string path = source_path("switch/config/") + name + ".toml";
        const auto loaded = load_config(path, surroundings());
        INFO((loaded ? "" : text(loaded.error())));
        CHECK(loaded);
    }
    const auto demo = load_config(source_path("switch/config/demo.toml"), surroundings());
    REQUIRE(demo);
    const Configuration& c = *demo->configuration;
    CHECK(demo->listeners.at(0).address.str() == "127.0.0.1:8583");
    CHECK(demo->listeners.at(1).address.str() == "127.0.0.1:8584");
    CHECK(demo->metrics->str() == "127.0.0.1:9583");
    CHECK(c.merchants.size() == 7);
    CHECK(c.limits.issuer_reply_timeout_ms == 5000);
    CHECK(c.limits.not_found_quarantine_ms == 5000);
    const auto* a = c.routes.find("issuer-a");
    const auto* b = c.routes.find("issuer-b");
    REQUIRE(a != nullptr);
    REQUIRE(b != nullptr);
    CHECK(a->refund_mode == routing::RefundMode::advice);
    CHECK(a->void_mode == routing::VoidMode::reversal_0420);
    CHECK(b->refund_mode == routing::RefundMode::online);
    CHECK(b->void_mode == routing::VoidMode::online_0200);
    CHECK(c.issuer_keys.at(a->id).zpk.text() == hsm::test_keys::zpk);
    CHECK(c.issuer_keys.at(b->id).zak.text() == hsm::test_keys::aes_zak);
    CHECK(c.issuer_keys.at(b->id).zpk.text() == hsm::test_keys::aes_zpk);
    CHECK(c.issuer_keys.at(b->id).pin_block_format == hsm::PinBlockFormat::iso4);
    const auto* iso = c.find_terminal(*iso8583::TerminalId::parse("20000042"));
    REQUIRE(iso != nullptr);
    CHECK(iso->profile == Profile::iso87);
    CHECK(iso->tak.text() == hsm::test_keys::tak);
    CHECK(iso->tpk.text() == hsm::test_keys::tpk);
    CHECK(c.find_terminal(*iso8583::TerminalId::parse("10000001"))->tmk.text() == hsm::test_keys::tmk);
    CHECK_FALSE(c.find_merchant(*iso8583::MerchantId::parse("898110157220003"))->refund_enabled);
    CHECK(c.find_merchant(*iso8583::MerchantId::parse("898110157220004"))->refund.window_days == 0);
    CHECK(c.find_merchant(*iso8583::MerchantId::parse("898110157220005"))->refund.refund_amount_max ==
          50'000);
}

TEST_CASE("config: a missing file and one that is too large are named") {
    const auto missing = load_config("/nonexistent/x.toml", surroundings());
    REQUIRE_FALSE(missing);
    CHECK(text(missing.error()) == "/nonexistent/x.toml: cannot be opened\n");
    CHECK(problems_of(std::string(5 * 1024 * 1024, '\n')) ==
          "t.toml: the file is larger than 4194304 bytes\n");
}

TEST_CASE("config: what a reload cannot change is named") {
    const auto running = load_config_text("t.toml", good, surroundings());
    REQUIRE(running);
    CHECK(restart_needed(*running, *running).empty());
    const auto moved =
        load_config_text("t.toml", replaced("127.0.0.1:8583", "127.0.0.1:9999"), surroundings());
    REQUIRE(moved);
    REQUIRE(restart_needed(*running, *moved).size() == 1);
    CHECK(restart_needed(*running, *moved).front() ==
          "[listen] changed in the file: takes effect at the next start");
    const auto policy = load_config_text("t.toml", good + "[refund]\nwindow_days = 5\n", surroundings());
    REQUIRE(policy);
    CHECK(restart_needed(*running, *policy).empty());
    CHECK(running->configuration->hash != policy->configuration->hash);
}

TEST_CASE("config: a currency does not wait for a restart") {
    const auto running = load_config_text("t.toml", good, surroundings());
    const auto other =
        load_config_text("t.toml", replaced("currency = \"156\"", "currency = \"978\""), surroundings());
    REQUIRE(running);
    REQUIRE(other);
    CHECK(restart_needed(*running, *other).empty());
    CHECK(until_restart(*running, *other)->currency == iso8583::Currency::of(978));
}

TEST_CASE("config: what waits for a restart waits for core and links alike") {
    const auto running = load_config_text("t.toml", good, surroundings());
    REQUIRE(running);
    const routing::RouteId route = running->configuration->routes.routes().front().id;
    const auto moved =
        load_config_text("t.toml", replaced("zone = \"UTC\"", "zone = \"Asia/Shanghai\""), surroundings());
    REQUIRE(moved);
    CHECK(restart_needed(*running, *moved).size() == 1);
    CHECK(until_restart(*running, *moved)->zone == "UTC");
    CHECK(until_restart(*running, *moved)->time_zone == iso8583::TimeZone());
    auto other = *running;
    auto configuration = std::make_shared<Configuration>(*running->configuration);
    configuration->issuer_keys.at(route).pin_block_format = hsm::PinBlockFormat::iso3;
    other.configuration = configuration;
    CHECK(restart_needed(*running, other) ==
          std::vector<std::string>{
              "pin_block_format of an [[issuer]] changed in the file: takes effect at the next start"});
    CHECK(until_restart(*running, other)->issuer_keys.at(route).pin_block_format ==
          running->configuration->issuer_keys.at(route).pin_block_format);
    // An AES ZAK goes with its MAC: the links go on with the retail MAC and the key of it.
    other = *running;
    configuration = std::make_shared<Configuration>(*running->configuration);
    configuration->issuer_keys.at(route).zak = {};
    other.configuration = configuration;
    other.issuers.front().mac.algorithm = hsm::MacAlgorithm::aes_cmac;
    CHECK(until_restart(*running, other)->issuer_keys.at(route).zak.text() ==
          running->configuration->issuer_keys.at(route).zak.text());
    other.issuers.front().mac = running->issuers.front().mac;  // a key alone does not wait
    CHECK(until_restart(*running, other)->issuer_keys.at(route).zak.empty());
}

TEST_CASE("config: the reference names every key of the shipped example") {
    const std::string reference = describe_config();
    for (const char* key :
         {"[switch]", "zone", "[[issuer]]", "reply_timeout_ms", "[issuer.codes]", "reversal_not_found",
          "[[terminals]]", "mac_padding", "[shell]", "drain_seconds_max", "[[operator]]"})
        CHECK(reference.find(key) != std::string::npos);
    CHECK(reference.find("number 100 to 59000, ms; default 30000") != std::string::npos);
    CHECK(reference.find("amount as text, \"500.00\", major units; default 10000.00") != std::string::npos);
    const auto loaded = load_config_text("t.toml", good, surroundings());
    REQUIRE(loaded);
    CHECK(describe_limits(*loaded).find("limits.issuer_reply_timeout_ms = 5000 ms") != std::string::npos);
}
