// Dialects from files: our own TOML, a moov-io/iso8583 JSON spec, a jPOS GenericPackager XML. Read into the
// same DialectSpec that the built-in tables are made of, and written back as far as the other format can say
// it.
//
// What a file says and a DialectSpec cannot hold is a problem with its place and is never ignored; what is
// assumed (a content class the format does not name) is a note. Reads the file it is given, nothing else. Any
// thread. Source: docs/dialects.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/dialect.hpp"

namespace iso8583::specs {

inline constexpr std::size_t spec_file_bytes_max = std::size_t{4} * 1024 * 1024;

enum class SpecFormat : std::uint8_t { toml, json, xml };

std::optional<SpecFormat> parse_format(std::string_view name);
/// By the ending of the name, else by the first character of the text.
SpecFormat guess_format(std::string_view file_name, std::string_view text);

struct SpecProblem {
    std::string where;  // "bank.toml:12 fields.52"
    std::string what;
    [[nodiscard]] std::string str() const { return where + ": " + what; }
};
using SpecProblems = std::vector<SpecProblem>;

struct LoadedSpec {
    DialectSpec spec;
    SpecProblems notes;
};

/// All problems at once. A spec that is returned passes Dialect::make.
Result<LoadedSpec, SpecProblems> read_spec(std::string_view text, SpecFormat format,
                                           std::string_view file_name);
Result<LoadedSpec, SpecProblems> load_spec_file(const std::string& path);

/// A dialect by built-in name or by file; notes of a file are appended to `notes` when it is given.
Result<std::shared_ptr<const Dialect>, SpecProblems> find_or_load_dialect(const std::string& name_or_path,
                                                                          SpecProblems* notes = nullptr);

struct WrittenSpec {
    std::string text;
    SpecProblems notes;  // what the format cannot say and the text does not have
};
/// Problems are fields that the format cannot express at all.
Result<WrittenSpec, SpecProblems> write_spec(const DialectSpec& spec, SpecFormat format);

}  // namespace iso8583::specs
