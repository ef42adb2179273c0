#include "iso8583/specs/spec_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

std::optional<SpecFormat> parse_format(std::string_view name) {
    if (name == "toml") return SpecFormat::toml;
    if (name == "json") return SpecFormat::json;
    if (name == "xml") return SpecFormat::xml;
    return std::nullopt;
}

SpecFormat guess_format(std::string_view file_name, std::string_view text) {
    const std::size_t dot = file_name.rfind('.');
    if (dot != std::string_view::npos)
        if (const auto format = parse_format(file_name.substr(dot + 1))) return *format;
    const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    if (first != std::string_view::npos && text[first] == '{') return SpecFormat::json;
    if (first != std::string_view::npos && text[first] == '<') return SpecFormat::xml;
    return SpecFormat::toml;
}

Result<LoadedSpec, SpecProblems> read_spec(std::string_view text, SpecFormat format,
                                           std::string_view file_name) {
    if (text.size() > spec_file_bytes_max)
        return tl::unexpected(
            SpecProblems{{std::string(file_name), fmt::format("is above {} bytes", spec_file_bytes_max)}});
    auto loaded = format == SpecFormat::toml   ? read_toml(text, file_name)
                  : format == SpecFormat::json ? read_json(text, file_name)
                                               : read_xml(text, file_name);
    if (!loaded) return loaded;
    // Every field that cannot be, at once; then the table as a whole.
    SpecProblems faults;
    for (const FieldSpec& f : loaded->spec.fields)
        if (auto ok = check_field_spec(f); !ok)
            faults.push_back({fmt::format("{} field {}", file_name, f.number),
                              f.name.empty() ? ok.error().what : f.name + ": " + ok.error().what});
    if (!faults.empty()) return tl::unexpected(std::move(faults));
    auto dialect = Dialect::make(std::move(loaded->spec));
    if (!dialect) {
        const SpecError& e = dialect.error();
        const std::string where =
            e.field == 0 ? std::string(file_name) : fmt::format("{} field {}", file_name, e.field);
        return tl::unexpected(SpecProblems{{where, e.what}});
    }
    loaded->spec = dialect->spec();  // with its fields in order
    return loaded;
}

Result<LoadedSpec, SpecProblems> load_spec_file(const std::string& path) {
    std::error_code ec;
    const bool regular = std::filesystem::is_regular_file(path, ec);
    std::ifstream in(path, std::ios::binary);
    if (!regular || !in) return tl::unexpected(SpecProblems{{path, "cannot be read"}});
    std::string text;
    text.resize(spec_file_bytes_max + 1);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    const std::string name = std::filesystem::path(path).filename().string();
    return read_spec(text, guess_format(name, text), name);
}

Result<std::shared_ptr<const Dialect>, SpecProblems> find_or_load_dialect(const std::string& name,
                                                                          SpecProblems* notes) {
    // A built-in one lives for ever and is not owned by the pointer.
    if (const Dialect* built_in = find_dialect(name))
        return std::shared_ptr<const Dialect>(std::shared_ptr<void>(), built_in);
    std::error_code ec;
    if (!std::filesystem::exists(name, ec)) {
        std::string names;
        for (std::string_view n : dialect_names()) names += (names.empty() ? "" : ", ") + std::string(n);
        return tl::unexpected(
            SpecProblems{{name, "is neither a file nor a dialect; the built-in ones are " + names}});
    }
    auto loaded = load_spec_file(name);
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
    if (notes != nullptr) notes->insert(notes->end(), loaded->notes.begin(), loaded->notes.end());
    return std::make_shared<const Dialect>(*Dialect::make(std::move(loaded->spec)));
}

Result<WrittenSpec, SpecProblems> write_spec(const DialectSpec& spec, SpecFormat format) {
    switch (format) {
        case SpecFormat::toml:
            return WrittenSpec{write_toml(spec), {}};
        case SpecFormat::json:
            return write_json(spec);
        case SpecFormat::xml:
            return write_xml(spec);
    }
    return WrittenSpec{};
}

}  // namespace iso8583::specs
