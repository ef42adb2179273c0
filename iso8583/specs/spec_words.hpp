// What the readers and writers share: words for the enums, and the checks every loaded table gets.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "iso8583/specs/spec_file.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583::specs {

template <typename Enum, std::size_t N>
struct Words {
    std::array<std::pair<std::string_view, Enum>, N> rows;
    [[nodiscard]] std::optional<Enum> parse(std::string_view word) const {
        for (const auto& [text, value] : rows)
            if (text == word) return value;
        return std::nullopt;
    }
    [[nodiscard]] std::string_view word(Enum value) const {
        for (const auto& [text, v] : rows)
            if (v == value) return text;
        return "?";
    }
    [[nodiscard]] std::string all() const {
        std::string out;
        for (const auto& row : rows) out += (out.empty() ? "" : ", ") + std::string(row.first);
        return out;
    }
};

inline constexpr Words<Content, 9> content_words{{{{"n", Content::n},
                                                   {"a", Content::a},
                                                   {"an", Content::an},
                                                   {"ns", Content::ns},
                                                   {"ans", Content::ans},
                                                   {"ansg", Content::ansg},
                                                   {"z", Content::z},
                                                   {"b", Content::b},
                                                   {"x+n", Content::xn}}}};
inline constexpr Words<Encoding, 6> encoding_words{{{{"ascii", Encoding::ascii},
                                                     {"ebcdic", Encoding::ebcdic},
                                                     {"bcd", Encoding::bcd},
                                                     {"binary", Encoding::binary},
                                                     {"hex", Encoding::hex},
                                                     {"hex-ebcdic", Encoding::hex_ebcdic}}}};
inline constexpr Words<Prefix, 4> prefix_words{{{{"ascii", Prefix::ascii},
                                                 {"ebcdic", Prefix::ebcdic},
                                                 {"bcd", Prefix::bcd},
                                                 {"binary", Prefix::binary}}}};
inline constexpr Words<Unit, 3> unit_words{
    {{{"digits", Unit::digits}, {"characters", Unit::characters}, {"bytes", Unit::bytes}}}};
inline constexpr Words<Align, 2> align_words{{{{"left", Align::left}, {"right", Align::right}}}};
inline constexpr Words<Counts, 2> counts_words{{{{"units", Counts::units}, {"wire", Counts::wire}}}};
inline constexpr Words<Secret, 5> secret_words{{{{"none", Secret::none},
                                                 {"pan", Secret::pan},
                                                 {"track", Secret::track},
                                                 {"pin", Secret::pin},
                                                 {"key", Secret::key}}}};
inline constexpr Words<BitmapEncoding, 3> bitmap_words{{{{"binary", BitmapEncoding::binary},
                                                         {"hex", BitmapEncoding::hex},
                                                         {"hex-ebcdic", BitmapEncoding::hex_ebcdic}}}};
inline constexpr Words<TertiaryBitmap, 3> tertiary_words{{{{"none", TertiaryBitmap::none},
                                                           {"contiguous", TertiaryBitmap::contiguous},
                                                           {"at-field", TertiaryBitmap::at_field}}}};
inline constexpr Words<TextEncoding, 3> text_words{
    {{{"latin-1", TextEncoding::latin1}, {"gbk", TextEncoding::gbk}, {"utf-8", TextEncoding::utf8}}}};
inline constexpr Words<FrameLength, 4> frame_length_words{{{{"binary2", FrameLength::binary2},
                                                            {"ascii4", FrameLength::ascii4},
                                                            {"bcd2", FrameLength::bcd2},
                                                            {"binary4", FrameLength::binary4}}}};
inline constexpr Words<SubfieldSet::Kind, 5> subfield_words{{{{"positional", SubfieldSet::Kind::positional},
                                                              {"ber-tlv", SubfieldSet::Kind::ber_tlv},
                                                              {"tagged", SubfieldSet::Kind::tagged},
                                                              {"bitmap", SubfieldSet::Kind::bitmap},
                                                              {"dataset", SubfieldSet::Kind::dataset}}}};

/// What describe hides of a field whose table does not say: card data, PIN and keys by their 1987 numbers.
Secret usual_secret(int field);
/// The content class of a number whose table does not say: z for tracks 2 and 3, else n.
Content usual_number(int field);

/// Tables in use give lengths that their own prefix cannot write, or no message can hold; nothing longer can
/// come. The length that is taken for `units`.
std::size_t writable_units(const FieldSpec& spec, std::size_t units);

/// Bytes as hex whose length counts characters are, where a format has no words for it, text of hex
/// characters. All other fields as they are.
FieldSpec as_text_of_hex(const FieldSpec& f);

/// A field number 2–192, or nothing.
std::optional<int> parse_field_number(std::string_view text);

Result<LoadedSpec, SpecProblems> read_toml(std::string_view text, std::string_view file_name);
Result<LoadedSpec, SpecProblems> read_json(std::string_view text, std::string_view file_name);
Result<LoadedSpec, SpecProblems> read_xml(std::string_view text, std::string_view file_name);
std::string write_toml(const DialectSpec& spec);
Result<WrittenSpec, SpecProblems> write_json(const DialectSpec& spec);
Result<WrittenSpec, SpecProblems> write_xml(const DialectSpec& spec);

}  // namespace iso8583::specs
