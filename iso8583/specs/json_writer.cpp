// A dialect as a moov-io/iso8583 JSON spec that its reader takes: types, encodings and prefixes by the names
// it has, and what its fields need to come out as they went in.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "iso8583/specs/moov_words.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

using Json = nlohmann::ordered_json;

constexpr int moov_numeric_digits_max = 18;
constexpr int moov_prefix_size_max = 4;

class JsonWriter {
  public:
    Json run(const DialectSpec& spec) {
        Json fields = Json::object();
        fields["0"] = {{"type", "String"},
                       {"length", 4},
                       {"description", "Message Type Indicator"},
                       {"enc", text_encoding(spec.mti)},
                       {"prefix", std::string(length_encoding(spec.mti)) + ".Fixed"}};
        if (spec.bitmap == BitmapEncoding::hex_ebcdic)
            problems.push_back({"bitmap", "a bitmap as EBCDIC hex cannot be said"});
        const bool binary = spec.bitmap == BitmapEncoding::binary;
        fields["1"] = {{"type", "Bitmap"},
                       {"length", 8},
                       {"description", "Bitmap"},
                       {"enc", binary ? "Binary" : "HexToASCII"},
                       {"prefix", binary ? "Binary.Fixed" : "Hex.Fixed"}};
        if (spec.tertiary == TertiaryBitmap::at_field)
            problems.push_back({"tertiary", "a third bitmap in a field of its own cannot be said"});
        if (spec.text != TextEncoding::latin1)
            note("text", fmt::format("text = \"{}\" cannot be said", name_of(spec.text)));
        if (spec.framing.tpdu || spec.framing.header_bytes != 0)
            note("framing", "frames are not part of a JSON spec");
        for (const FieldSpec& f : spec.fields)
            fields[std::to_string(f.number)] = field(f, fmt::format("fields.{}", f.number));
        Json root;
        root["name"] = spec.name;
        root["fields"] = std::move(fields);
        return root;
    }
    SpecProblems problems;
    SpecProblems notes;

  private:
    void note(const std::string& path, std::string what) { notes.push_back({path, std::move(what)}); }
    static const char* text_encoding(Encoding e) {
        return e == Encoding::bcd ? "BCD" : e == Encoding::ebcdic ? "EBCDIC1047" : "ASCII";
    }
    static const char* length_encoding(Encoding e) {
        return e == Encoding::bcd ? "BCD" : e == Encoding::ebcdic ? "EBCDIC" : "ASCII";
    }
    /// There a Numeric is an integer of 64 bits: it is written without its leading zeros, so that only one of
    /// a fixed length that is filled up with zeros comes out as it went in, and 18 digits are the most.
    static bool is_integer(const FieldSpec& f) {
        return f.content == Content::n && f.fixed() && !f.rest && f.max <= moov_numeric_digits_max;
    }

    std::string enc(const FieldSpec& f, const std::string& path) {
        if (f.encoding == Encoding::hex_ebcdic)
            problems.push_back({path, "bytes as EBCDIC hex cannot be said"});
        return moov_encoding_of(f);
    }
    Json field(const FieldSpec& whole, const std::string& path) {
        const FieldSpec f = as_text_of_hex(whole);
        if (f.content != whole.content) note(path, "bytes become a String of hex characters");
        Json out;
        const bool number = is_integer(f);
        const char* type = number ? "Numeric" : f.content == Content::b ? "Binary" : "String";
        if (f.content == Content::z && f.encoding == Encoding::bcd)
            note(path, "its reader takes packed digits only, not the separator of a track");
        if (f.prefix_size > moov_prefix_size_max)
            problems.push_back({path, fmt::format("a length prefix of {} cannot be said, at most {} can",
                                                  f.prefix_size, moov_prefix_size_max)});
        if (!number && f.content != Content::b && f.content != Content::ans)
            note(path, fmt::format("content {} becomes String, which is not checked so strictly",
                                   name_of(f.content)));
        if (f.counts == Counts::wire || f.odd_filler != 0)
            problems.push_back({path, "a length that counts bytes of digits, or a filler F, cannot be said"});
        if (f.content == Content::xn && f.encoding == Encoding::bcd) return signed_digits(f, path);
        if (!f.fixed() && f.min > 0) note(path, "the least length is lost");
        out["type"] = type;
        out["length"] = f.max;
        out["description"] = f.name;
        out["enc"] = enc(f, path);
        out["prefix"] = moov_prefix_of(f);
        if (number)
            out["padding"] = {{"type", "Left"}, {"pad", "0"}};
        else if (f.fills && f.content != Content::n)
            out["padding"] = {{"type", f.fill_align == Align::right ? "Left" : "Right"},
                              {"pad", std::string(1, f.fill)}};
        if (f.subfields) subfields(out, f, path);
        return out;
    }

    /// A sign before packed digits: there that is a composite of a character and a number.
    Json signed_digits(const FieldSpec& f, const std::string& path) {
        note(path, "x+n becomes a Composite of a sign and digits");
        return {{"type", "Composite"},
                {"length", wire_bytes(f, f.max)},
                {"description", f.name},
                {"prefix", "Binary.Fixed"},
                {"tag", {{"sort", "StringsByInt"}}},
                {"subfields",
                 {{"1",
                   {{"type", "String"},
                    {"length", 1},
                    {"description", "sign"},
                    {"enc", "ASCII"},
                    {"prefix", "ASCII.Fixed"}}},
                  {"2",
                   {{"type", "Numeric"},
                    {"length", f.max - 1},
                    {"description", "amount"},
                    {"enc", "BCD"},
                    {"prefix", "BCD.Fixed"},
                    {"padding", {{"type", "Left"}, {"pad", "0"}}}}}}}};
    }

    void subfields(Json& out, const FieldSpec& f, const std::string& path) {
        const SubfieldSet& s = *f.subfields;
        // There a composite is made of bytes; digits that were packed together cannot be taken apart.
        if (f.encoding != Encoding::binary && f.encoding != Encoding::ascii)
            return note(path, "its subfields are lost: they lie in packed or converted content");
        if (s.only_units != 0) return note(path, "its subfields are lost: they depend on its length");
        if (s.kind == SubfieldSet::Kind::dataset) return note(path, "its subfields are lost: datasets");
        if (s.length_first || s.lead != 0)
            return note(path, "its subfields are lost: something stands before the tags");
        if (s.kind == SubfieldSet::Kind::bitmap && s.bitmap_extends)
            return note(path, "its subfields are lost: there a bitmap inside a field has no second one");
        if (s.kind == SubfieldSet::Kind::bitmap && s.bitmap_encoding == BitmapEncoding::hex_ebcdic)
            return note(path, "its subfields are lost: a bitmap as EBCDIC hex");
        if (s.fields.empty()) return note(path, "its subfields are lost: a composite must list its tags");
        Json list = Json::object();
        for (const Subfield& sub : s.fields) {
            if (sub.spec.rest) return note(path, "its subfields are lost: one takes what is left");
            list[sub.id] = field(sub.spec, path + "." + sub.id);
            if (s.kind == SubfieldSet::Kind::ber_tlv) list[sub.id]["prefix"] = "BerTLV";
        }
        const bool hex = s.bitmap_encoding == BitmapEncoding::hex;
        out["type"] = "Composite";
        out.erase("enc");
        out.erase("padding");
        switch (s.kind) {
            case SubfieldSet::Kind::ber_tlv:
                out["tag"] = {{"enc", "BerTLVTag"}, {"sort", "StringsByHex"}};
                break;
            case SubfieldSet::Kind::positional:
                out["tag"] = {{"sort", "StringsByInt"}};
                break;
            case SubfieldSet::Kind::tagged:
                out["tag"] = {
                    {"length", s.tag_size}, {"enc", text_encoding(s.tag_encoding)}, {"sort", "StringsByInt"}};
                if (s.tag_encoding == Encoding::binary) {
                    out["tag"]["length"] = (s.tag_size + 1) / 2;
                    out["tag"]["enc"] = "ASCIIToHex";
                }
                if (s.unknown_prefix != Prefix::none) {
                    FieldSpec unknown;
                    unknown.prefix = s.unknown_prefix;
                    unknown.prefix_size = s.unknown_prefix_size;
                    out["tag"]["skipUnknownTLVTags"] = true;
                    out["tag"]["storeUnknownTLVTags"] = true;
                    out["tag"]["prefUnknownTLV"] = moov_prefix_of(unknown);
                }
                break;
            case SubfieldSet::Kind::bitmap:
                out["bitmap"] = {{"type", "Bitmap"},
                                 {"length", s.bitmap_bytes},
                                 {"description", "Bitmap"},
                                 {"enc", hex ? "HexToASCII" : "Binary"},
                                 {"prefix", hex ? "Hex.Fixed" : "Binary.Fixed"},
                                 {"disableAutoExpand", true}};
                break;
            case SubfieldSet::Kind::dataset:
                break;
        }
        out["subfields"] = std::move(list);
    }
};

}  // namespace

Result<WrittenSpec, SpecProblems> write_json(const DialectSpec& spec) {
    JsonWriter writer;
    const Json root = writer.run(spec);
    if (!writer.problems.empty()) return tl::unexpected(std::move(writer.problems));
    return WrittenSpec{root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                       std::move(writer.notes)};
}

}  // namespace iso8583::specs
