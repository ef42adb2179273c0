// The `iso8583` command: what it prints, what it refuses, and what it never shows.
#include "iso8583/tools/commands.hpp"
#include "iso8583/tools/hex_text.hpp"
#include "tests/test_paths.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

using namespace iso8583::tools;

namespace {

struct Ran {
    int code;
    std::string out;
    std::string err;
};

template <typename Command>
Ran run(Command command, const MessageOptions& o, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int code = command(o, in, out, err);
    return {code, out.str(), err.str()};
}

MessageOptions with(const char* dialect, const std::string& input) {
    MessageOptions o;
    o.dialect = dialect;
    o.input = input;
    return o;
}

constexpr const char* sale =
    R"({"mti":"0200","dialect":"unionpay-pos","fields":{"2":"6212345678900000003","3":"000000","4":"000000001000",
 "11":"000123","35":"6212345678900000003=30121010000","41":"10000001","52":"1122334455667788",
 "55":{"9F02":"000000001000","5A":"6212345678900000003F","71":{"86":"00"}},"60.1":"22","60.2":"000001"}})";

std::string hex_of(const char* dialect, const std::string& json, bool framed = false) {
    MessageOptions o = with(dialect, json);
    o.framed = framed;
    const Ran r = run(run_encode, o);
    INFO(r.err);
    REQUIRE(r.code == exit_done);
    return r.out.substr(0, r.out.size() - 1);
}

}  // namespace

TEST_CASE("encode and describe are each other's way back") {
    for (const char* dialect : {"unionpay-pos", "iso87-ascii", "iso87-bcd"}) {
        INFO(dialect);
        std::string json = sale;
        if (std::string(dialect) != "unionpay-pos")
            json.erase(json.find(",\"60.1\""), std::string(R"(,"60.1":"22","60.2":"000001")").size());
        const std::string hex = hex_of(dialect, json);
        MessageOptions o = with(dialect, hex);
        o.json = true;
        o.reveal = true;
        const Ran shown = run(run_describe, o);
        REQUIRE(shown.code == exit_done);
        CHECK(shown.err.find("do not keep") != std::string::npos);
        CHECK(hex_of(dialect, shown.out) == hex);
        // A frame around it.
        const std::string frame = hex_of(dialect, json, true);
        o.input = frame;
        o.framed = true;
        const Ran framed = run(run_describe, o);
        REQUIRE(framed.code == exit_done);
        CHECK(hex_of(dialect, framed.out, true) == frame);
    }
}

TEST_CASE("describe hides by default, in all its forms") {
    const std::string hex = hex_of("unionpay-pos", sale);
    for (int form = 0; form < 3; ++form) {
        MessageOptions o = with("unionpay-pos", "-");
        o.json = form == 1;
        o.bytes = form == 2;
        // Hex on standard input, in any layout.
        std::string spaced;
        for (std::size_t i = 0; i < hex.size(); i += 2)
            spaced += hex.substr(i, 2) + (i % 32 == 30 ? "\n" : " ");
        const Ran r = run(run_describe, o, spaced);
        INFO(r.out << r.err);
        CHECK(r.code == exit_done);
        CHECK(r.out.find("345678900") == std::string::npos);
        CHECK(r.out.find("34 56 78") == std::string::npos);
        CHECK(r.out.find("22334455") == std::string::npos);
        CHECK(r.err.empty());
    }
    MessageOptions o = with("unionpay-pos", hex);
    o.json = true;
    const auto json = nlohmann::json::parse(run(run_describe, o).out);
    CHECK(json["fields"]["2"] == "621234*********0003");
    CHECK(json["fields"]["55"]["9F02"] == "000000001000");
    CHECK(json["fields"]["55"]["71"]["86"] == "00");
    CHECK(json["subfields"]["60.2"] == "000001");
}

TEST_CASE("the byte view names subfields by their whole path, hidden or not") {
    MessageOptions o = with("unionpay-pos", hex_of("unionpay-pos", sale));
    o.bytes = true;
    const Ran masked = run(run_describe, o);
    o.reveal = true;
    const Ran revealed = run(run_describe, o);
    for (const Ran* r : {&masked, &revealed}) {
        INFO(r->out);
        CHECK(r->out.find("  DE55.71.86 issuer script command\n") != std::string::npos);
        CHECK(r->out.find("  DE60.1 message type\n") != std::string::npos);
        CHECK(r->out.find("  DE60.2 batch number\n") != std::string::npos);
    }
    CHECK(masked.out.find("5A 0A 62 12 34 ** ** ** ** *0 00 3*") != std::string::npos);
    CHECK(revealed.out.find("5A 0A 62 12 34 56 78 90 00 00 00 3F") != std::string::npos);
    CHECK(revealed.out.find("**") == std::string::npos);
}

TEST_CASE("what does not decode exits 1 and says where, never what") {
    const std::string hex = hex_of("unionpay-pos", sale);
    MessageOptions o = with("unionpay-pos", hex.substr(0, hex.size() - 8));
    Ran r = run(run_describe, o);
    CHECK(r.code == exit_refused);
    CHECK(r.out.empty());
    CHECK(r.err.find("error: DE60 ") == 0);
    CHECK(r.err.find("the length says ") != std::string::npos);
    o.partial = true;
    r = run(run_describe, o);
    CHECK(r.code == exit_refused);
    CHECK(r.out.find("10000001") != std::string::npos);
    o.json = true;
    const auto json = nlohmann::json::parse(run(run_describe, o).out);
    CHECK(json["error"]["field"] == 60);
    CHECK(json["error"]["kind"] == "lying-length");
    CHECK(json["error"]["name"].get<std::string>().find("reserved private") == 0);
    CHECK(json["error"]["needed"].get<int>() > json["error"]["found"].get<int>());
    CHECK(json["fields"]["11"] == "000123");
    for (const char* bad : {"02G0", "020", "", "02007000"}) {
        INFO(bad);
        const Ran refused = run(run_describe, with("unionpay-pos", bad));
        CHECK(refused.code == exit_refused);
        CHECK_FALSE(refused.err.empty());
    }
    CHECK(run(run_describe, with("no-such", hex)).code == exit_usage);
}

TEST_CASE("content outside its class is a warning, and with --strict an error") {
    // DE41 with a control character.
    const std::string hex = "020000000000008000003130303030303001";
    MessageOptions o = with("unionpay-pos", hex);
    Ran r = run(run_describe, o);
    CHECK(r.code == exit_done);
    CHECK(r.err ==
          "warning: DE41 card acceptor terminal identification at offset 17: printable "
          "characters needed, a control character there\n");
    CHECK(r.out.find("1000000\\x01") != std::string::npos);
    o.strict = true;
    r = run(run_describe, o);
    CHECK(r.code == exit_refused);
    CHECK(r.err.find("error: DE41") == 0);
}

TEST_CASE("several frames, and raw bytes") {
    const std::string one =
        hex_of("iso87-ascii", R"({"mti":"0800","fields":{"11":"000001","70":"301"}})", true);
    const std::string two =
        hex_of("iso87-ascii", R"({"mti":"0810","fields":{"11":"000001","39":"00","70":"301"}})", true);
    MessageOptions o = with("iso87-ascii", one + two);
    o.framed = true;
    const Ran r = run(run_describe, o);
    CHECK(r.code == exit_done);
    CHECK(r.out.find("MTI 0800") != std::string::npos);
    CHECK(r.out.find("MTI 0810") != std::string::npos);
    CHECK(r.out.find("approved") != std::string::npos);
    o.input = one + two + "00";
    Ran cut = run(run_describe, o);
    CHECK(cut.code == exit_refused);
    CHECK(cut.out.empty());
    CHECK(cut.err == "error: the input ends inside frame 3: it needs 2 bytes, 1 are there\n");
    o.partial = true;
    cut = run(run_describe, o);
    CHECK(cut.code == exit_refused);
    CHECK(cut.out.find("MTI 0810") != std::string::npos);
    MessageOptions raw = with("87-ascii-hexbmp", "-");
    raw.raw = true;
    CHECK(run(run_describe, raw, "0800822000000000000004000000000000001125161336000255301").code ==
          exit_done);
    MessageOptions raw_out = with("iso87-ascii", R"({"mti":"0800","fields":{"11":"000001"}})");
    raw_out.raw = true;
    CHECK(run(run_encode, raw_out).out == "08000020000000000000000001");
}

TEST_CASE("a capture in another frame than the dialect's") {
    struct Row {
        const char* frame;
        const char* before;  // of the body "08000020000000000000000001" in iso87-ascii, 26 bytes
        const char* after;
    };
    const std::string json = R"({"mti":"0800","fields":{"11":"000001"}})";
    const std::string body = hex_of("iso87-ascii", json);
    for (const Row& row :
         {Row{"binary2", "001A", ""}, Row{"binary4", "0000001A", ""},
          Row{"binary4,inclusive", "0000001E", ""}, Row{"ascii4", "30303236", ""}, Row{"bcd2", "0026", ""},
          Row{"ascii4,inclusive", "30303330", ""}, Row{"binary2,tpdu", "001F6000000000", ""},
          Row{"bcd2,tpdu,header=2,inclusive,trailer=1", "003660000000000000", "00"},
          Row{"trailer=1,ascii4", "30303237", "00"}}) {
        INFO(row.frame);
        MessageOptions o = with("iso87-ascii", json);
        o.frame = row.frame;
        const Ran encoded = run(run_encode, o);
        INFO(encoded.err);
        REQUIRE(encoded.out == row.before + body + row.after + "\n");
        o.input = encoded.out;
        const Ran shown = run(run_describe, o);
        CHECK(shown.code == exit_done);
        CHECK(shown.out.find("000001") != std::string::npos);
    }
    for (const char* bad : {"binary3", "", "tpdu,", "header=", "header=x", "header=300", "footer=1"}) {
        INFO(bad);
        MessageOptions o = with("iso87-ascii", body);
        o.frame = bad;
        if (o.frame.empty()) continue;
        const Ran refused = run(run_describe, o);
        CHECK(refused.code == exit_refused);
        CHECK(refused.err.find("--frame: ") != std::string::npos);
    }
}

TEST_CASE("frames of length zero between others are counted and said") {
    const std::string json = R"({"mti":"0800","fields":{"11":"000001"}})";
    for (const char* frame : {"binary2", "binary4", "ascii4", "bcd2", "binary2,inclusive"}) {
        INFO(frame);
        MessageOptions o = with("iso87-ascii", json);
        o.frame = frame;
        std::string one = run(run_encode, o).out;
        one.pop_back();
        const std::string zero = std::string(frame) == "ascii4"              ? "30303030"
                                 : std::string(frame) == "binary4"           ? "00000000"
                                 : std::string(frame) == "binary2,inclusive" ? "0002"
                                                                             : "0000";
        o.input = zero + one + zero + zero + one + zero;
        Ran r = run(run_describe, o);
        CHECK(r.code == exit_done);
        CHECK(r.err == "note: 4 frames of length zero (keep-alives)\n");
        CHECK(r.out.find("000001") != r.out.rfind("000001"));
        o.input = one + one.substr(0, 20);
        r = run(run_describe, o);
        CHECK(r.err == "error: the input ends inside frame 2: it needs " + std::to_string(one.size() / 2) +
                           " bytes, 10 are there\n");
        o.input = zero;
        r = run(run_describe, o);
        CHECK(r.code == exit_done);
        CHECK(r.err == "note: 1 frames of length zero (keep-alives)\n");
    }
}

TEST_CASE("parts that do not decode are a warning with tag and offset, with --strict an error") {
    // DE55 whose second tag says more than there is; DE60 with a character among its digits.
    const std::string hex =
        "02000020000000000200"
        "000123"
        "0012"
        "9F02060000000010009F3605";
    MessageOptions o = with("unionpay-pos", hex);
    Ran r = run(run_describe, o);
    CHECK(r.code == exit_done);
    CHECK(r.err ==
          "warning: DE55.9F36 integrated circuit card system related data at offset 27: the length says 5 "
          "bytes, 0 there\n");
    CHECK(r.out.find("DE11") != std::string::npos);
    o.strict = true;
    r = run(run_describe, o);
    CHECK(r.code == exit_refused);
    CHECK(r.out.empty());
    CHECK(r.err.find("error: DE55.9F36 ") == 0);
    o.partial = true;
    o.json = true;
    r = run(run_describe, o);
    CHECK(r.code == exit_refused);
    const auto json = nlohmann::json::parse(r.out);
    CHECK(json["error"]["path"] == "55.9F36");
    CHECK(json["error"]["needed"] == 5);
    CHECK(json["fields"]["11"] == "000123");
}

TEST_CASE("hex in any layout") {
    using iso8583::tools::parse_hex_text;
    const auto bytes = [](const std::string& text) {
        const auto parsed = parse_hex_text(text);
        return parsed ? iso8583::to_hex(*parsed) : parsed.error().what;
    };
    for (const char* text :
         {"30380A41", "30 38 0a 41", "30:38:0a:41\n", "0x30380a41", "0x30, 0x38, 0x0a, 0x41",
          "\\x30\\x38\\x0A\\x41", "30-38-0A-41",
          "unsigned char m[] = {\n  0x30, 0x38,\n  0x0a, 0x41\n};\nunsigned int m_len = 4;\n",
          "00000000: 3038 0a41                                08.A\n",
          "00000000  30 38 0a 41                                       |08.A|\n00000004\n",
          "0000000 30 38 0a 41\n0000004\n", "0000000 30 38 0a 41              >08.A<\n0000004\n",
          "0000   30 38 0a 41                                       08.A\n", "\t3038\r\n\t0a41\r\n"}) {
        INFO(text);
        CHECK(bytes(text) == "30380A41");
    }
    // Several lines, and lines that hexdump and od leave out.
    std::string all;
    for (int i = 0; i < 16; ++i) all += "00";
    const std::string zeros =
        "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n"
        "00000030  41                                                |A|\n00000031\n";
    CHECK(bytes(zeros) == all + all + all + "41");
    const std::string octal =
        "0000000 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n0000060 41\n0000061\n";
    CHECK(bytes(octal) == all + all + all + "41");
    const std::string xxd =
        "00000000: 3030 3030 3030 3030 3030 3030 3030 3030  0000000000000000\n"
        "00000010: 3132                                     12\n";
    CHECK(bytes(xxd) == "303030303030303030303030303030303132");
    const std::string wireshark =
        "0000   00 1a 30 38 30 30 00 20  00 00 30 30 30 30 30 30   ..0800. ..000000\n"
        "0010   31 32                                             12\n";
    CHECK(bytes(wireshark) ==
          "001A3038303000200000303030303030"
          "3132");
    CHECK(bytes("30380A4") == "7 hex digits: the last byte has half of its two");
    CHECK(bytes("3038\n0A4G") == "line 2, column 4: no hex digit");
    CHECK(bytes("0000000 3830 410a\n0000004\n").find("words of 4 digits") != std::string::npos);
    CHECK(bytes("00000000: 3038  08\n00000004: 41  A\n") ==
          "line 2: its offset is not 2, where it continues");
    CHECK(bytes("").empty());
}

TEST_CASE("Chinese text goes in and comes out, once encoded") {
    const std::string json = R"({"mti":"0210","fields":{"44":"余额不足","63":"CUP中国银联"}})";
    // GBK, as unionpay-pos has it: two bytes a character.
    const std::string hex = hex_of("unionpay-pos", json);
    CHECK(hex.find("08D3E0B6EEB2BBD7E3") != std::string::npos);
    MessageOptions o = with("unionpay-pos", hex);
    CHECK(run(run_describe, o).out.find("余额不足") != std::string::npos);
    o.json = true;
    o.reveal = true;
    const Ran shown = run(run_describe, o);
    const auto fields = nlohmann::json::parse(shown.out)["fields"];
    CHECK(fields["44"] == "余额不足");
    CHECK(fields["63"] == "CUP中国银联");
    CHECK(hex_of("unionpay-pos", shown.out) == hex);
    // The same in UTF-8, by `text` of a dialect file.
    const std::string file =
        (std::filesystem::temp_directory_path() / ("iso8583_text_" + std::to_string(::getpid()) + ".toml"))
            .string();
    std::ofstream(file) << "base = \"unionpay-pos\"\ntext = \"utf-8\"\n";
    const std::string utf8 = hex_of(file.c_str(), json);
    CHECK(utf8.find(iso8583::to_hex(iso8583::as_bytes("余额不足"))) != std::string::npos);
    MessageOptions u = with(file.c_str(), utf8);
    u.json = true;
    CHECK(nlohmann::json::parse(run(run_describe, u).out)["fields"]["44"] == "余额不足");
    std::ofstream(file) << "base = \"unionpay-pos\"\ntext = \"big5\"\n";
    std::ostringstream out, err;
    CHECK(run_check_spec(file, false, out, err) == exit_refused);
    CHECK(err.str().find("\"big5\" is none of latin-1, gbk, utf-8") != std::string::npos);
    std::filesystem::remove(file);
}

TEST_CASE("encode refuses JSON that is no message, and says which member") {
    struct Row {
        const char* json;
        const char* said;
    };
    const std::vector<Row> rows{
        {"{", "no JSON"},
        {"[]", "object"},
        {R"({"fields":{}})", "mti"},
        {R"({"mti":"200"})", "MTI"},
        {R"({"mti":"0200","felder":{}})", "felder"},
        {R"({"mti":"0200","fields":{"2":6212345678900000003}})", "2: a text"},
        {R"({"mti":"0200","fields":{"4":"10.00"}})", "DE4"},
        {R"({"mti":"0200","fields":{"200":"1"}})", "200"},
        {R"({"mti":"0200","fields":{"52":"xyz"}})", "52: hex"},
        {R"({"mti":"0200","fields":{"55":{"9F":"00"}}})", "55.9F"},
        {R"({"mti":"0200","fields":{"55":{"9F02":1}}})", "55.9F02"},
        {R"({"mti":"0200","fields":{"60.9":"1"}})", "60.9"},
        {R"({"mti":"0200","fields":{"44":"한"}})", "44: a character that is not gbk"},
        {R"({"mti":"0200","fields":{},"frame":{"tpdu":"zz"}})", "frame.tpdu"},
    };
    for (const Row& row : rows) {
        INFO(row.json);
        const Ran r = run(run_encode, with("unionpay-pos", row.json));
        CHECK(r.code == exit_refused);
        CHECK(r.out.empty());
        INFO(r.err);
        CHECK(r.err.find(row.said) != std::string::npos);
        CHECK(r.err.find("6212345678900000003") == std::string::npos);
    }
    CHECK(run(run_encode, with("", R"({"mti":"0200"})")).code == exit_usage);
}

TEST_CASE("diff says what differs, masked, and exits like diff") {
    const std::string a = hex_of("unionpay-pos", sale);
    std::string other = sale;
    other.replace(other.find("000000001000"), 12, "000000002000");
    MessageOptions o = with("unionpay-pos", a);
    o.other = hex_of("unionpay-pos", other);
    Ran r = run(run_diff, o);
    CHECK(r.code == exit_refused);
    CHECK(r.out == "DE4     amount of transactions\n        - 000000001000\n        + 000000002000\n");
    o.other = a;
    r = run(run_diff, o);
    CHECK(r.code == exit_done);
    CHECK(r.out.empty());
}

TEST_CASE("check-spec and convert-spec") {
    const std::string specs = source_path("tests/iso8583/specs/");
    for (const char* file : {"bank_ascii.json", "bank_bcd.xml", "bank_own.toml"}) {
        INFO(file);
        std::ostringstream out, err;
        CHECK(run_check_spec(specs + file, false, out, err) == exit_done);
        CHECK(out.str().find("fields") != std::string::npos);
        std::ostringstream json, none;
        CHECK(run_check_spec(specs + file, true, json, none) == exit_done);
        CHECK(nlohmann::json::parse(json.str())["ok"] == true);
        std::ostringstream toml, notes;
        CHECK(run_convert_spec(specs + file, "toml", "", toml, notes) == exit_done);
        CHECK(toml.str().find("[fields.4]") != std::string::npos);
    }
    const std::string broken =
        (std::filesystem::temp_directory_path() / ("iso8583_broken_" + std::to_string(std::rand()) + ".toml"))
            .string();
    std::ofstream(broken) << "[fields.2]\ncontent = \"x\"\n";
    std::ostringstream out, err;
    CHECK(run_check_spec(broken, true, out, err) == exit_refused);
    CHECK(nlohmann::json::parse(out.str())["ok"] == false);
    CHECK(err.str().find(":2 fields.2.content") != std::string::npos);
    // Fields that cannot be are all named, each with its reason.
    std::ofstream(broken) << "base = \"87-ascii-hexbmp\"\n[fields.41]\nencoding = \"bcd\"\n"
                          << "[fields.52]\nencoding = \"ascii\"\n[fields.2]\nmax = 199\n";
    std::ostringstream out1, err1;
    CHECK(run_check_spec(broken, false, out1, err1) == exit_refused);
    CHECK(err1.str().find("field 41: card acceptor terminal identification: bcd holds digits") !=
          std::string::npos);
    CHECK(err1.str().find("field 52: PIN data: content b cannot be written as ascii") != std::string::npos);
    CHECK(err1.str().find("length 199 does not fit a length prefix of 2 ascii digits") != std::string::npos);
    std::ofstream(broken) << "base = \"87-ascii-hexbmp\"\n[fields.41]\nunit = \"digits\"\n[fields.2]\nunit = "
                             "\"digits\"\n";
    std::ostringstream out4, err4;
    CHECK(run_check_spec(broken, false, out4, err4) == exit_refused);
    CHECK(err4.str().find("fields.41.unit: content ans is counted in characters, not in digits") !=
          std::string::npos);
    CHECK(err4.str().find("fields.2") == std::string::npos);
    std::filesystem::remove(broken);
    std::ostringstream out2, err2;
    CHECK(run_convert_spec("iso87-ascii", "yaml", "", out2, err2) == exit_usage);
    CHECK(run_convert_spec("no-such", "toml", "", out2, err2) == exit_refused);
    CHECK(run_convert_spec("iso87-ascii", "toml", "/nowhere/at/all.toml", out2, err2) == exit_refused);
    std::ostringstream list;
    CHECK(run_dialects(true, list) == exit_done);
    CHECK(nlohmann::json::parse(list.str()).size() >= 19);
}

TEST_CASE("the program itself: exit codes and help") {
    const std::string program = program_path("iso8583") + " ";
    const auto code = [&](const std::string& arguments) {
        const int status = std::system((program + arguments + " >/dev/null 2>&1").c_str());
        return WEXITSTATUS(status);
    };
    CHECK(code("--help") == 0);
    CHECK(code("describe --help") == 0);
    CHECK(code("") == 2);
    CHECK(code("describe") == 2);
    CHECK(code("describe --dialect nope 00") == 2);
    CHECK(code("describe --dialect 87-ascii-hexbmp "
               "303830303832323030303030303030303030303030343030303030303030303030303030313132353136313333363"
               "03030323535333031") == 0);
    CHECK(code("describe --dialect 87-ascii-hexbmp 3038") == 1);
    CHECK(code("dialects") == 0);
}

TEST_CASE("the commands of docs/dialects.md print what the page says") {
    std::ifstream page(source_path("docs/dialects.md"));
    REQUIRE(page);
    std::size_t commands = 0;
    std::string line;
    std::getline(page, line);
    while (page) {
        const std::size_t at = line.find("$ iso8583 ");
        if (at == std::string::npos || line.find_first_not_of(' ') != at) {
            std::getline(page, line);
            continue;
        }
        const std::string command = line.substr(at + 10);
        std::string said;
        while (std::getline(page, line) && line.size() > at &&
               line.substr(0, at).find_first_not_of(' ') == std::string::npos && line.substr(at, 2) != "$ ")
            said += line.substr(at) + "\n";
        INFO(command);
        const std::string shell = "cd '" + source_path("") + "' && '" + program_path("iso8583") + "' " +
                                  command + " 2>&1 | grep -v '^note: '";
        FILE* pipe = popen(shell.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::string printed;
        char chunk[1024];
        for (std::size_t n = 0; (n = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;) printed.append(chunk, n);
        pclose(pipe);
        CHECK(printed == said);
        ++commands;
    }
    CHECK(commands >= 6);
}
