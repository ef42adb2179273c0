// `dialect` as a file: read beside the configuration, and refused with what the switch would miss in it.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "iso8583/specs/spec_file.hpp"
#include "switch/config/config.hpp"
#include "switch/config/dialect_needs.hpp"
#include "tests/config/smallest_config.hpp"

using namespace acquirer;
using iso8583::Dialect;
using iso8583::DialectSpec;

namespace {

DialectSpec spec_of(const char* name) { return iso8583::find_dialect(name)->spec(); }
Dialect made(DialectSpec spec) { return *Dialect::make(std::move(spec)); }

iso8583::FieldSpec& field_of(DialectSpec& spec, int number) {
    return *std::find_if(spec.fields.begin(), spec.fields.end(),
                         [&](const iso8583::FieldSpec& f) { return f.number == number; });
}

bool says(const std::vector<std::string>& faults, const std::string& what) {
    return std::any_of(faults.begin(), faults.end(),
                       [&](const std::string& f) { return f.find(what) != std::string::npos; });
}

/// A folder with a configuration and dialect files, gone at the end.
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("dialect_file_" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name, std::ios::binary) << text;
    }
    /// The smallest configuration with the issuer's dialect; its problems, or nothing.
    [[nodiscard]] std::string problems(const std::string& dialect, const std::string& listen = {}) const {
        std::string text = good;
        text.replace(text.find("[[iin]]"), 0, "dialect = \"" + dialect + "\"\n");
        if (!listen.empty()) text.replace(text.find("[limits]"), 0, listen + "\n");
        write("switch.toml", text);
        ConfigSurroundings around = surroundings();
        around.dialect_file = ConfigSurroundings::of_this_machine().dialect_file;
        const auto loaded = load_config((path / "switch.toml").string(), around);
        return loaded ? "" : acquirer::text(loaded.error());
    }
};

std::string xml_of(const DialectSpec& spec) {
    return iso8583::specs::write_spec(spec, iso8583::specs::SpecFormat::xml)->text;
}

}  // namespace

TEST_CASE("dialect files: the built-in profiles have what the switch needs") {
    for (const char* name : {"iso87-ascii", "iso87-bcd"}) {
        CHECK(issuer_dialect_faults(*iso8583::find_dialect(name), 8).empty());
        CHECK(terminal_dialect_faults(*iso8583::find_dialect(name), Profile::iso87).empty());
    }
    CHECK(issuer_dialect_faults(*iso8583::find_dialect("iso87-bcd-pin16"), 16).empty());
    CHECK(terminal_dialect_faults(*iso8583::find_dialect("unionpay-pos"), Profile::unionpay_pos).empty());
}

TEST_CASE("dialect files: what is missing or does not fit is named") {
    DialectSpec spec = spec_of("iso87-ascii");
    std::erase_if(spec.fields, [](const iso8583::FieldSpec& f) { return f.number == 11 || f.number == 39; });
    field_of(spec, 37).max = field_of(spec, 37).min = 10;
    field_of(spec, 64).content = iso8583::Content::ans;
    field_of(spec, 64).encoding = iso8583::Encoding::ascii;
    field_of(spec, 128).max = field_of(spec, 128).min = 4;
    const auto faults = issuer_dialect_faults(made(spec), 8);
    CHECK(faults.size() == 5);
    CHECK(says(faults, "DE11 is missing (matches answers)"));
    CHECK(says(faults, "DE39 is missing (the response code)"));
    CHECK(says(faults, "DE37 (the RRN) does not fit: DE37 retrieval reference number"));
    CHECK(says(faults, "DE64 (the MAC of messages without a second bitmap)"));
    CHECK(says(faults, "DE128 (the MAC of messages with a second bitmap) does not fit"));
    // PIN blocks of another length, frames that links do not make.
    CHECK(says(issuer_dialect_faults(*iso8583::find_dialect("iso87-bcd"), 16), "DE52 (a PIN block"));
    DialectSpec framed = spec_of("iso87-ascii");
    framed.framing.header_bytes = 6;
    framed.framing.body_bytes_max = 100;
    CHECK(says(issuer_dialect_faults(made(framed), 8), "a TPDU or a header"));
    CHECK(says(issuer_dialect_faults(made(framed), 8), "framing.body_bytes_max is 100"));
    DialectSpec bare = spec_of("unionpay-pos");
    bare.framing = {};
    CHECK(says(terminal_dialect_faults(made(bare), Profile::unionpay_pos), "a TPDU and a header of 6 bytes"));
}

TEST_CASE("dialect files: they lie beside the configuration, and every problem has its line") {
    const Folder folder;
    folder.write("bank.xml", xml_of(spec_of("iso87-ascii")));
    CHECK(folder.problems("bank.xml").empty());
    CHECK(folder.problems((folder.path / "bank.xml").string()).empty());
    folder.write("bank.json",
                 iso8583::specs::write_spec(spec_of("iso87-bcd"), iso8583::specs::SpecFormat::json)->text);
    CHECK(folder.problems("bank.json") == "");
    // moov counts the bytes of a binary field that is written as hex, iso87-ascii its digits: its DE55
    // becomes text there.
    folder.write("text.json",
                 iso8583::specs::write_spec(spec_of("iso87-ascii"), iso8583::specs::SpecFormat::json)->text);
    CHECK(folder.problems("text.json").find("issuer[1].dialect: text.json: DE55 (chip data) does not fit") !=
          std::string::npos);
    folder.write("bank.toml", "base = \"iso87-ascii\"\n[framing]\nlength = \"ascii4\"\n");
    CHECK(folder.problems("bank.toml").empty());
    folder.write("bank.toml", "base = \"iso87-ascii\"\nremove = [39, 64]\n");
    const std::string missing = folder.problems("bank.toml");
    CHECK(missing.find("issuer[1].dialect: bank.toml: DE39 is missing (the response code)") !=
          std::string::npos);
    CHECK(missing.find("DE64 is missing (the MAC") != std::string::npos);
    folder.write("bank.xml", "<isopackager><isofield");
    CHECK(folder.problems("bank.xml").find("issuer[1].dialect: bank.xml:1: is no XML") != std::string::npos);
    CHECK(folder.problems("none.xml").find("is no dialect; there are") != std::string::npos);
    CHECK(folder.problems("none.xml").find("none.xml") != std::string::npos);
    // Terminals' ports.
    folder.write("tills.toml", "base = \"unionpay-pos\"\ntext = \"utf-8\"\n");
    CHECK(folder.problems("iso87-ascii", "unionpay-pos-dialect = \"tills.toml\"").empty());
    folder.write("tills.toml", "base = \"unionpay-pos\"\nremove = [60]\n");
    CHECK(folder.problems("iso87-ascii", "unionpay-pos-dialect = \"tills.toml\"")
              .find("listen.unionpay-pos-dialect: tills.toml: DE60 is missing (message type and batch)") !=
          std::string::npos);
}

TEST_CASE("dialect files: one that did not change is the same dialect, one that did is another") {
    const Folder folder;
    ConfigSurroundings around = surroundings();
    around.dialect_file = ConfigSurroundings::of_this_machine().dialect_file;
    const auto load = [&](const std::string& xml) {
        folder.write("bank.xml", xml);
        REQUIRE(folder.problems("bank.xml").empty());
        const auto config = load_config((folder.path / "switch.toml").string(), around);
        REQUIRE(config.has_value());
        return *config;
    };
    const std::string xml = xml_of(spec_of("iso87-ascii"));
    const LoadedConfig first = load(xml);
    const LoadedConfig same = load(xml);
    DialectSpec other = spec_of("iso87-ascii");
    field_of(other, 11).name = "trace";
    const LoadedConfig changed = load(xml_of(other));
    CHECK(first.issuers.at(0).table.table == same.issuers.at(0).table.table);
    CHECK(first.issuers.at(0).table.table != changed.issuers.at(0).table.table);
    // The name of the file is the setting: what it says is taken over without a restart.
    CHECK(restart_needed(first, changed).empty());
}
