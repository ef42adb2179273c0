// Packager files as they are in the wild: each kind that was once refused, in small files of our own; and the
// inputs beside the project, read where they lie.
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/specs/spec_classes.hpp"
#include "iso8583/specs/spec_file.hpp"
#include "iso8583/subfields.hpp"
#include "iso8583/text_encoding.hpp"
#include "tests/iso8583/spec_round_trip.hpp"
#include "tests/test_paths.hpp"

using namespace iso8583;
using namespace iso8583::specs;

namespace {

/// An XML table with MTI and bitmap in ASCII, and these fields.
std::string table(const std::string& fields, const std::string& bitmap_length = "16",
                  const std::string& attributes = "") {
    return "<isopackager" + attributes +
           "><isofield id=\"0\" length=\"4\" name=\"type\" class=\"org.jpos.iso.IFA_NUMERIC\"/>"
           "<isofield id=\"1\" length=\"" +
           bitmap_length + "\" name=\"bits\" class=\"org.jpos.iso.IFA_BITMAP\"/>" + fields + "</isopackager>";
}
std::string one(const std::string& id, const std::string& length, const std::string& name,
                const std::string& more = "") {
    return "<isofield id=\"" + id + "\" length=\"" + length + "\" name=\"x\" class=\"org.jpos.iso." + name +
           "\"" + more + "/>";
}
std::string divided(const std::string& name, const std::string& packager, const std::string& inside,
                    const std::string& more = "") {
    return "<isofieldpackager id=\"48\" length=\"999\" name=\"more\" class=\"org.jpos.iso." + name +
           "\" packager=\"org.jpos." + packager + "\"" + more + ">" + inside + "</isofieldpackager>";
}

LoadedSpec loaded(const std::string& text, SpecFormat format = SpecFormat::xml) {
    auto spec = read_spec(text, format, "t");
    for (const SpecProblem& p : spec ? SpecProblems{} : spec.error()) UNSCOPED_INFO(p.str());
    REQUIRE(spec.has_value());
    return std::move(*spec);
}
Dialect dialect(const std::string& text) { return *Dialect::make(loaded(text).spec); }

bool says(const SpecProblems& problems, const std::string& what) {
    for (const SpecProblem& p : problems)
        if (p.str().find(what) != std::string::npos) return true;
    return false;
}

/// The wire behind MTI and bitmaps.
std::string wire(const Dialect& d, const Paths& paths, std::size_t bitmaps = 1) {
    return std::string(as_text(encoded_and_back(d, paths))).substr(4 + 16 * bitmaps);
}

std::string bytes(std::string_view hex) { return std::string(as_text(*parse_hex(hex))); }

}  // namespace

TEST_CASE("a primary bitmap of any length from 8 on; above 16 a third may follow") {
    for (const char* length : {"8", "16", "24", "64", "999"}) {
        INFO(length);
        const LoadedSpec spec =
            loaded(table(one("11", "6", "IFA_NUMERIC") + one("90", "1", "IF_CHAR"), length));
        CHECK((spec.spec.tertiary == TertiaryBitmap::contiguous) ==
              (std::string(length).size() > 1 && std::string(length) != "16"));
        CHECK(wire(*Dialect::make(spec.spec), {{"11", "000001"}, {"90", "Z"}}, 2) == "000001Z");
    }
    for (const char* length : {"7", "0", "", "x"})
        CHECK_FALSE(
            read_spec(table(one("11", "6", "IFA_NUMERIC"), length), SpecFormat::xml, "t").has_value());
}

TEST_CASE("a third bitmap stands in the field that the file says") {
    const std::string fields = one("11", "6", "IFA_NUMERIC") + one("130", "2", "IFA_NUMERIC");
    const auto with = [&](const char* id, const std::string& attributes) {
        return table(one(id, "8", "IFA_BITMAP") + fields, "16", attributes);
    };
    // MTI, two bitmaps, what stands before the third one, and behind it.
    const std::string third = "4000000000000000";
    const Paths paths{{"11", "000001"}, {"130", "77"}};
    CHECK(wire(dialect(with("65", " thirdBitmapField=\"65\"")), paths, 2) == "000001" + third + "77");
    CHECK(wire(dialect(with("65", "")), paths, 2) == "000001" + third + "77");
    CHECK(wire(dialect(with("128", " thirdBitmapField=\"128\"")), paths, 2) == "000001" + third + "77");
    // Without a second bitmap, before DE11.
    CHECK(wire(dialect(with("5", " thirdBitmapField=\"5\"")), paths, 1) == third + "00000177");
    // A bitmap that announces nothing is bytes.
    const LoadedSpec bytes_only = loaded(table(one("65", "8", "IFA_BITMAP") + one("11", "6", "IFA_NUMERIC")));
    CHECK(says(bytes_only.notes, "field 65: a bitmap that announces nothing"));
    CHECK(wire(*Dialect::make(bytes_only.spec), {{"65", bytes("0102030405060708")}}, 2) ==
          "0102030405060708");
}

TEST_CASE("an inner bitmap stands at id 1, behind a field of no length, or at 0") {
    const std::string inner = one("2", "32", "IFA_LLCHAR") + one("25", "99", "IFA_LLLLCHAR");
    const std::string at_1 = one("0", "0", "IF_CHAR") + one("1", "8", "IFB_BITMAP") + inner;
    const Dialect d = dialect(table(divided("IFA_LLLBINARY", "iso.packager.GenericSubFieldPackager", at_1)));
    CHECK(wire(d, {{"48.2", "key"}, {"48.25", "chip"}}) ==
          "021" + bytes("4000008000000000") + "03key" + "0004chip");
    // At 0 bit 1 announces subfield 1, be the bitmap written with 8 or with 16.
    for (const char* length : {"8", "16"}) {
        const std::string at_0 = one("0", length, "IFB_BITMAP") + one("1", "2", "IF_CHAR") + inner;
        const Dialect zero = dialect(table(divided("IFA_LLLBINARY", "iso.packager.GenericSubFieldPackager",
                                                   at_0, " emitBitmap=\"true\" bitmapField=\"0\"")));
        CHECK(wire(zero, {{"48.1", "AB"}, {"48.2", "key"}}) == "015" + bytes("C000000000000000") + "AB03key");
    }
    // Shorter ones are so long and no longer; as hex, and as EBCDIC hex.
    const std::string short_one = one("0", "2", "IFA_BITMAP") + one("3", "2", "IF_CHAR");
    const std::string field = " emitBitmap=\"true\" bitmapField=\"0\"";
    CHECK(
        wire(dialect(table(divided("IFA_LLLCHAR", "iso.packager.GenericSubFieldPackager", short_one, field))),
             {{"48.3", "xy"}}) == "0062000xy");
    const std::string ebcdic = one("0", "1", "IFE_BITMAP") + one("3", "2", "IF_CHAR");
    CHECK(
        wire(dialect(table(divided("IFA_LLLBINARY", "iso.packager.GenericSubFieldPackager", ebcdic, field))),
             {{"48.3", "xy"}}) == "004\xF2\xF0xy");
    CHECK_FALSE(read_spec(table(divided("IFA_LLLBINARY", "iso.packager.GenericSubFieldPackager",
                                        one("0", "12", "IFB_BITMAP") + one("3", "2", "IF_CHAR"), field)),
                          SpecFormat::xml, "t")
                    .has_value());
    // Base1: at 0, counts from 1, and no second one whatever its length.
    const std::string base1 =
        "<isofield id=\"0\" length=\"16\" name=\"b\" "
        "class=\"org.jpos.iso.packager.Base1_BITMAP126\"/>" +
        one("1", "2", "IF_CHAR") + one("64", "1", "IF_CHAR");
    CHECK(wire(dialect(table(divided("IFA_LLLBINARY", "iso.packager.Base1SubFieldPackager", base1))),
               {{"48.1", "AB"}, {"48.64", "Z"}}) == "011" + bytes("8000000000000001") + "ABZ");
}

TEST_CASE("the classes of EBCDIC, of packed digits with F, and of hex digits") {
    struct Row {
        const char* name;
        const char* length;
        std::string content;
        std::string wire;  // hex
    };
    const std::vector<Row> rows{
        {"IF_ECHAR", "2", "A1", "C1F1"},
        {"IFE_LCHAR", "9", "A1", "F2C1F1"},
        {"IFE_LLLLCHAR", "99", "A1", "F0F0F0F2C1F1"},
        {"IFE_LNUM", "9", "12", "F2F1F2"},
        {"IFE_LLLNUM", "9", "12", "F0F0F2F1F2"},
        {"IFE_LLLLBINARY", "9", "A1", "F0F0F0F24131"},
        {"IFE_LLLEBINARY", "9", "A1", "F0F0F2C1F1"},
        {"IFAE_LLCHAR", "9", "A1", "3032C1F1"},
        {"IFEA_LLCHAR", "9", "A1", "F0F24131"},
        // The length counts bytes, and an F stands beside an odd digit.
        {"IFEB_LLNUM", "9", "123", "F0F2123F"},
        {"IFEB_LLNUM", "9", "1234", "F0F21234"},
        {"IFEB_LLLNUM", "9", "123", "F0F0F2123F"},
        {"IFB_FLLNUM", "9", "123", "03123F"},
        {"IFB_FLLLNUM", "9", "123", "0003123F"},
        {"IFB_FNUMERIC", "3", "123", "123F"},
        {"IFB_HEX", "4", "\x12\xAB", "12AB"},
        {"IFMC_TCC", "1", "R", "52"},
        {"IFA_LLBNUM", "9", "1234", "30341234"},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        const Dialect d = dialect(table(one("48", row.length, row.name)));
        CHECK(to_hex(as_bytes(wire(d, {{"48", row.content}}))) == row.wire);
    }
    // pad="true": digits stand right, an odd one beside 0, whatever the class's filler.
    CHECK(to_hex(as_bytes(wire(dialect(table(one("48", "9", "IFB_FLLNUM", " pad=\"true\""))),
                               {{"48", "123"}}))) == "030123");
}

TEST_CASE("tagged fields: the packager's sizes, tags in EBCDIC, lengths that count the tag, tokens") {
    const std::string mapped =
        " tagSize=\"2\" lenSize=\"2\" tagMapper=\"org.jpos.iso.packager.TTDecimalTagMapper\"";
    const std::string two = one("1", "29", "IFA_TTLLCHAR") + one("82", "8", "IFA_TTLLCHAR");
    const LoadedSpec sized =
        loaded(table(divided("IFA_LLLCHAR", "iso.packager.GenericTaggedFieldsPackager", two, mapped)));
    CHECK_FALSE(says(sized.notes, "tagMapper"));
    const Dialect d = *Dialect::make(sized.spec);
    CHECK(wire(d, {{"48.01", "a"}, {"48.82", "b"}, {"48.77", "kept"}}) == "0180101a8201b7704kept");
    CHECK_FALSE(read_spec(table(divided("IFA_LLLCHAR", "iso.packager.GenericTaggedFieldsPackager", two,
                                        " tagSize=\"3\" lenSize=\"2\"")),
                          SpecFormat::xml, "t")
                    .has_value());
    // The first one stands before the tags.
    const std::string euro =
        one("0", "1", "IFMC_TCC") + one("1", "9", "IFMC_LLCHAR") + one("33", "9", "IFMC_LLCHAR");
    CHECK(wire(dialect(table(divided("IFA_LLLCHAR", "iso.packager.EuroSubFieldPackager", euro))),
               {{"48.0", "R"}, {"48.33", "xy"}}) == "007R3302xy");
    const std::string master = one("1", "9", "IFEPE_LLCHAR");
    CHECK(wire(dialect(
                   table(divided("IFA_LLLBINARY", "iso.packager.MasterCardEBCDICSubFieldPackager", master))),
               {{"48.01", "A"}}) == "005\xF0\xF1\xF0\xF1\xC1");
    // Length, tag, value: the length counts the tag.
    const std::string first = one("5", "9", "IFEP_LLCHAR");
    CHECK(wire(dialect(table(divided("IFA_LLLCHAR", "iso.packager.EuroSubFieldPackager", first))),
               {{"48.05", "abc"}, {"48.06", "z"}}) == "0120505abc0306z");
    const std::string tokens =
        "<isofield id=\"0\" length=\"3\" name=\"x\" class=\"org.jpos.iso.IF_CHAR\"/>"
        "<isofield id=\"1\" length=\"99\" token=\"####\" name=\"x\" "
        "class=\"org.jpos.tlv.packager.IFTA_LLLCHAR\"/>"
        "<isofield id=\"2\" length=\"99\" token=\"0012\" name=\"x\" "
        "class=\"org.jpos.tlv.packager.IFTA_LLLNUM\"/>";
    CHECK(wire(dialect(table(
                   divided("IFA_LLLCHAR", "tlv.packager.TaggedSequencePackager", tokens, " token=\"0000\""))),
               {{"48.0", "pre"}, {"48.0012", "77"}, {"48.0099", "q"}}) ==
          "020pre00120027700990" + std::string("01q"));
}

TEST_CASE("datasets: TLV up to 70, above it a bitmap of their own that continues and announces TLV") {
    std::string elements;
    for (const char* id : {"1", "14", "15", "16", "22", "23"}) elements += one(id, "2", "IF_CHAR");
    const Dialect d = dialect(table(divided("IFB_LLLLBINARY", "iso.packager.DatasetPackager", elements)));
    const auto body = [&](const Paths& paths) { return to_hex(as_bytes(wire(d, paths))); };
    CHECK(body({{"48.01.9F02", bytes("0010")}}) ==
          "0008"
          "010005"
          "9F02020010");
    CHECK(body({{"48.71.1", "AB"}, {"48.71.14", "CD"}}) ==
          "0009"
          "710006"
          "4002"
          "41424344");
    CHECK(body({{"48.71.1", "AB"}, {"48.71.15", "CD"}}) ==
          "0010"
          "710007"
          "C00100"
          "41424344");
    CHECK(body({{"48.71.16", "AB"}, {"48.71.22", "CD"}}) ==
          "0011"
          "710008"
          "8000C100"
          "41424344");
    CHECK(body({{"48.71.23", "AB"}}) ==
          "0009"
          "710006"
          "80008040"
          "4142");
    CHECK(body({{"48.71.1", "AB"}, {"48.71.84", bytes("A0")}}) ==
          "0010"
          "710007"
          "4001"
          "4142"
          "8401A0");
    // A tag that is written like an element of the table stays a tag (it was written back as that element).
    CHECK(body({{"48.71.16", "AB"}, {"48.71.0x16", bytes("A0")}}) ==
          "0011"
          "710008"
          "800041"
          "4142"
          "1601A0");
    // What lies is named by its path.
    const auto broken = [&](const std::string& hex) {
        const std::string wire = "02000000000000010000" + bytes(hex);
        const auto m = decode(d, Bytes(wire.begin(), wire.end()));
        REQUIRE(m.has_value());
        const auto parts = subfields_of(*m, field(48));
        REQUIRE_FALSE(parts.has_value());
        return parts.error().str();
    };
    CHECK(broken("0003"
                 "710009")
              .find("DE48.71 more at offset 25: the length says 9 bytes, 0 there") == 0);
    CHECK(broken("0005"
                 "710002"
                 "2000")
              .find("DE48.71.2") == 0);
    CHECK(broken("0002"
                 "7100")
              .find("3 bytes needed, 2 there") != std::string::npos);
    CHECK(broken("0006"
                 "010003"
                 "9F0205")
              .find("DE48.01.9F02") == 0);
}

TEST_CASE("white space, encodings and repeats, as XML readers take them") {
    // Name tokens have no blanks around them.
    const LoadedSpec blank =
        loaded(table("<isofield id=\"53\" length=\"8\" name=\" a \" class=\" org.jpos.iso.IFB_BINARY\n\" "
                     "pad=\" true \"/>"));
    CHECK(blank.spec.fields.at(0).content == Content::b);
    CHECK(blank.spec.fields.at(0).name == " a ");
    const LoadedSpec twice =
        loaded(table("\n" + one("96", "9", "IFA_LLCHAR") + "\n" + one("96", "8", "IFA_BINARY")));
    CHECK(twice.spec.fields.at(0).content == Content::b);
    CHECK(says(twice.notes, "t:3 field 96: is there twice: the one of line 3 counts, not the one of line 2"));
    const std::string named =
        table("<isofield id=\"4\" length=\"1\" name=\"NAME\" class=\"org.jpos.iso.IF_CHAR\"/>");
    const auto in = [&](const std::string& declared, std::string_view name) {
        std::string text = "<?xml version=\"1.0\" encoding=\"" + declared + "\"?>\n" + named;
        return text.replace(text.find("NAME"), 4, name);
    };
    const auto name_of_4 = [](const LoadedSpec& spec) { return spec.spec.fields.at(0).name; };
    CHECK(name_of_4(loaded(in("GBK", "\xBD\xF0\xB6\xEE"))) == "金额");
    CHECK(name_of_4(loaded(in("gb2312", "\xBD\xF0\xB6\xEE"))) == "金额");
    CHECK(name_of_4(loaded(in("ISO-8859-1", "n\xFAmero"))) == "número");
    CHECK(name_of_4(loaded(in("UTF-8", "金额"))) == "金额");
    CHECK(name_of_4(loaded("\xEF\xBB\xBF" + in("UTF-8", "金额"))) == "金额");
    const LoadedSpec wrong = loaded(in("UTF-8", "n\xFAmero"));
    CHECK(name_of_4(wrong) == "número");
    CHECK(says(wrong.notes, "is not UTF-8: its names are read as Latin-1"));
    CHECK(name_of_4(loaded(in("UTF-8", "\xBD\xF0\xB6\xEE"))) == "金额");
    const auto unknown = read_spec(in("EBCDIC-KLINGON", "x"), SpecFormat::xml, "t");
    REQUIRE_FALSE(unknown.has_value());
    CHECK(says(unknown.error(), "says that it is EBCDIC-KLINGON"));
}

TEST_CASE("what is refused is named by file, line, field and reason") {
    const auto said = [](const std::string& fields) {
        const auto spec = read_spec(table("\n\n" + fields), SpecFormat::xml, "bank.xml");
        REQUIRE_FALSE(spec.has_value());
        return spec.error().at(0).str();
    };
    CHECK(said(one("53", "8", "IFB_LLHEX")) ==
          "bank.xml:3 field 53: class org.jpos.iso.IFB_LLHEX is not read: its length counts half bytes");
    CHECK(said(one("53", "8", "IFX_CHAR")) ==
          "bank.xml:3 field 53: class org.jpos.iso.IFX_CHAR is not one that is known");
    CHECK(said(one("53", "8", "IF_CHAR", " params=\"x\"")) ==
          "bank.xml:3 field 53: params go to code and are not mapped");
    CHECK(said(one("53", "8", "IFB_LLHCHAR", " inclusive=\"true\"")) ==
          "bank.xml:3 field 53: a length that counts itself is not mapped");
    CHECK(said(divided("IFA_LLCHAR", "iso.packager.DummyPackager", "")) ==
          "bank.xml:3 field 48: packager DummyPackager is not mapped");
    // A class that follows the rules of jPOS' names and is none of its: read, and said.
    CHECK(says(loaded(table(one("53", "8", "IFA_LLHBINARY"))).notes, "jPOS has no class IFA_LLHBINARY"));
}

TEST_CASE("the answers of `iso8583 classes` are those of the readers") {
    for (const ClassAnswer& a : jpos_classes()) {
        INFO(a.name);
        const std::string name(a.name);
        const bool bitmap = name.find("BITMAP") != std::string::npos;
        const bool tagged = a.what.find("a tag of") != std::string::npos;
        const bool token = a.what.find("token") != std::string::npos;
        const std::string field = one("48", "2", name == "IFA_AMOUNT" ? name : name);
        std::string length = name == "IFB_AMOUNT" ? "3" : "2";
        std::string fields = one("48", length, name);
        if (bitmap) fields = one("48", "8", name);
        if (tagged)
            fields =
                divided("IFA_LLLBINARY", "iso.packager.GenericTaggedFieldsPackager", one("1", "2", name));
        if (token) continue;  // inside a sequence, above
        CHECK(read_spec(table(fields + one("11", "6", "IFA_NUMERIC")), SpecFormat::xml, "t").has_value() ==
              a.read);
    }
}

TEST_CASE("what is written for jPOS is what jPOS loads") {
    const std::string two = one("1", "29", "IFA_TTLLCHAR") + one("82", "8", "IFA_TTLLCHAR");
    const std::string text = table(one("11", "6", "IFA_NUMERIC") +
                                       divided("IFA_LLLCHAR", "iso.packager.GenericTaggedFieldsPackager", two,
                                               " tagSize=\"2\" lenSize=\"2\"") +
                                       one("65", "8", "IFA_BITMAP") + one("130", "2", "IFA_NUMERIC"),
                                   "16", " thirdBitmapField=\"65\"");
    const auto written = write_spec(loaded(text).spec, SpecFormat::xml);
    REQUIRE(written.has_value());
    const std::string& xml = written->text;
    INFO(xml);
    // It validates, so that the DTD is named; classes have their packages; the packager's attributes are
    // there.
    CHECK(xml.find("<!DOCTYPE isopackager PUBLIC \"-//jPOS/jPOS Generic Packager DTD 1.0//EN\" "
                   "\"http://jpos.org/dtd/generic-packager-1.0.dtd\">") != std::string::npos);
    CHECK(xml.find("tagSize=\"2\" lenSize=\"2\"") != std::string::npos);
    CHECK(xml.find("tagMapper=\"org.jpos.iso.packager.TTDecimalTagMapper\"") != std::string::npos);
    CHECK(xml.find("thirdBitmapField=\"65\"") != std::string::npos);
    CHECK(xml.find(
              "<isofield id=\"65\" length=\"8\" name=\"third bitmap\" class=\"org.jpos.iso.IFA_BITMAP\"") !=
          std::string::npos);
    CHECK(xml.find("maxValidField=\"192\"") != std::string::npos);
    CHECK(xml.find("class=\"IF") == std::string::npos);
    const Dialect again = dialect(xml);
    CHECK(wire(again, {{"11", "000001"}, {"48.82", "b"}, {"130", "77"}}, 2) ==
          "000001"
          "0058201b"
          "4000000000000000"
          "77");
}

TEST_CASE("what is written for moov-io/iso8583 is what its reader takes") {
    for (std::string_view name : {"iso87-ascii", "87-ebcdic-binbmp", "unionpay-pos"}) {
        INFO(name);
        const auto written = write_spec(find_dialect(name)->spec(), SpecFormat::json);
        REQUIRE(written.has_value());
        // Prefixes that its table does not have.
        CHECK(written->text.find("EBCDIC1047.") == std::string::npos);
        CHECK(written->text.find("LLLLL") == std::string::npos);
        // An integer has no leading zeros there: only fixed ones that are filled up are Numeric.
        const std::string numeric = "\"type\": \"Numeric\"";
        for (std::size_t at = written->text.find(numeric); at != std::string::npos;
             at = written->text.find(numeric, at + 1)) {
            constexpr std::size_t field_characters = 300;
            const std::string field = written->text.substr(at, field_characters);
            INFO(field);
            CHECK(field.find(".Fixed\"") != std::string::npos);
            CHECK(field.find("\"pad\": \"0\"") != std::string::npos);
        }
    }
}

TEST_CASE("names in UTF-8 go in and out once encoded") {
    const std::string text =
        R"({"name":"银行","fields":{"0":{"type":"String","length":4,"description":"类型","enc":"ASCII","prefix":"ASCII.Fixed"},)"
        R"("1":{"type":"Bitmap","length":8,"description":"位图","enc":"HexToASCII","prefix":"Hex.Fixed"},)"
        R"("4":{"type":"Numeric","length":12,"description":"金额","enc":"ASCII","prefix":"ASCII.Fixed"}}})";
    const LoadedSpec spec = loaded(text, SpecFormat::json);
    CHECK(spec.spec.name == "银行");
    const Dialect d = *Dialect::make(spec.spec);
    for (const SpecFormat format : {SpecFormat::toml, SpecFormat::json, SpecFormat::xml})
        CHECK(write_spec(spec.spec, format)->text.find("金额") != std::string::npos);
    const auto m = decode(d, *parse_hex(to_hex(as_bytes("02001000000000000000000000001000"))));
    REQUIRE(m.has_value());
    CHECK(describe_json(*m).find("\"dialect\":\"银行\"") != std::string::npos);
    CHECK(describe(*m).find("金额") != std::string::npos);
    const auto cut = decode(d, *parse_hex(to_hex(as_bytes("0200100000000000000000"))));
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().str().find("DE4 金额 at offset 20: 12 bytes needed, 2 there") == 0);
    CHECK(json_string(cut.error().name) == "\"金额\"");
}

TEST_CASE("the packager files that were found lie beside the project and are read there") {
    const std::filesystem::path folder = source_path("../shared/found/specs");
    if (!std::filesystem::is_directory(folder)) {
        std::cerr << "SKIPPED: " << folder << " is absent, no packager file that was found was read\n";
        return;
    }
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        INFO(entry.path());
        auto spec = load_spec_file(entry.path().string());
        for (const SpecProblem& p : spec ? SpecProblems{} : spec.error()) UNSCOPED_INFO(p.str());
        REQUIRE(spec.has_value());
        for (const SpecFormat format : {SpecFormat::toml, SpecFormat::json, SpecFormat::xml}) {
            const auto written = write_spec(spec->spec, format);
            // JSON has no length prefixes of five or six digits.
            if (!written && format == SpecFormat::json && says(written.error(), "at most 4 can")) continue;
            REQUIRE(written.has_value());
            CHECK(read_spec(written->text, format, "again").has_value());
        }
        ++files;
    }
    CHECK(files >= 8);
}
