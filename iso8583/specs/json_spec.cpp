// A moov-io/iso8583 JSON spec: {"name", "fields": {"2": {"type", "length", "enc", "prefix", "padding", …}}}.
// Its types say less about content than a DialectSpec does: String is any printable text, Numeric is digits.
#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "iso8583/specs/file_text.hpp"
#include "iso8583/specs/moov_words.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

using Json = nlohmann::ordered_json;

/// Lengths that specs in use give, be it more than their prefix can say.
constexpr std::size_t length_max = 999'999;
constexpr std::size_t tag_length_max = 100;
constexpr std::size_t bitmap_length_max = 24;

/// Deeper than any spec that is read; what is below has no names.
constexpr int member_depth_max = 64;

/// The names of members are read in any case, as the library that the format comes from reads them; fields
/// and subfields are maps, whose keys are not names.
void lower_member_names(Json& node, bool map, int depth) {
    if (!node.is_object() || depth == member_depth_max) return;
    Json out = Json::object();
    for (auto& [key, value] : node.items()) {
        std::string name = key;
        if (!map)
            std::transform(name.begin(), name.end(), name.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
        lower_member_names(value, !map && (name == "fields" || name == "subfields"), depth + 1);
        out[name] = std::move(value);
    }
    node = std::move(out);
}

class JsonReader {
  public:
    explicit JsonReader(std::string_view file) : file_(file) {}

    void read(const Json& root) {
        if (!root.is_object()) return problem("", "an object with \"name\" and \"fields\" is needed");
        only(root, "", {"name", "fields"});
        out.spec.name =
            root.contains("name") && root["name"].is_string() ? root["name"].get<std::string>() : file_;
        out.spec.source = file_;
        if (!root.contains("fields") || !root["fields"].is_object() || root["fields"].empty())
            return problem("fields", "an object with a member for each field is needed");
        bool mti = false;
        bool bitmap = false;
        for (const auto& [key, node] : root["fields"].items()) {
            const std::string path = "fields." + key;
            if (!node.is_object()) {
                problem(path, "an object is needed");
            } else if (key == "0") {
                mti = true;
                read_mti(node, path);
            } else if (key == "1") {
                bitmap = true;
                read_bitmap(node, path);
            } else if (const auto number = parse_field_number(key)) {
                read_numbered(*number, node, path);
            } else {
                problem(path, fmt::format("field numbers are 0 to {}", field_number_max));
            }
        }
        if (!mti) problem("fields.0", "the message type indicator is needed");
        if (!bitmap) problem("fields.1", "the bitmap is needed");
        for (const FieldSpec& f : out.spec.fields)
            if (f.number > 128) out.spec.tertiary = TertiaryBitmap::contiguous;
        note("fields",
             "String is read as ans and Numeric as n; padding stays part of the content when a message is "
             "decoded");
    }

    LoadedSpec out;
    SpecProblems problems;

  private:
    void problem(const std::string& path, std::string what) {
        problems.push_back({file_ + " " + path, std::move(what)});
    }
    void note(const std::string& path, std::string what) {
        out.notes.push_back({file_ + " " + path, std::move(what)});
    }

    void only(const Json& node, const std::string& path, std::initializer_list<std::string_view> keys) {
        for (const auto& [key, value] : node.items())
            if (std::find(keys.begin(), keys.end(), key) == keys.end())
                problem(std::string(path).append(".").append(key), "is not mapped");
    }
    std::string text(const Json& node, const char* key, const std::string& path) {
        if (!node.contains(key)) return {};
        if (node[key].is_string()) return node[key].get<std::string>();
        problem(path + "." + key, "a text is needed");
        return {};
    }
    std::size_t number(const Json& node, const char* key, const std::string& path,
                       std::size_t most = length_max) {
        if (!node.contains(key)) return 0;
        if (node[key].is_number_unsigned() && node[key].get<std::uint64_t>() <= most)
            return node[key].get<std::size_t>();
        problem(path + "." + key, fmt::format("a whole number from 0 to {} is needed", most));
        return 0;
    }

    void read_mti(const Json& node, const std::string& path) {
        only(node, path, {"type", "length", "description", "enc", "prefix", "padding"});
        const std::string enc = text(node, "enc", path);
        if (number(node, "length", path) != 4)
            problem(path + ".length", "a message type indicator has 4 digits");
        if (const auto encoding = parse_moov_text(enc))
            out.spec.mti = *encoding;
        else
            problem(path + ".enc", fmt::format("\"{}\" is not mapped for the message type indicator", enc));
    }

    void read_bitmap(const Json& node, const std::string& path) {
        only(node, path, {"type", "length", "description", "enc", "prefix", "disableautoexpand"});
        const std::string enc = text(node, "enc", path);
        if (text(node, "type", path) != "Bitmap") problem(path + ".type", "field 1 is the Bitmap");
        if (enc == "Binary")
            out.spec.bitmap = BitmapEncoding::binary;
        else if (enc == "HexToASCII" || enc == "BytesToASCIIHex" || enc == "Hex")
            out.spec.bitmap = BitmapEncoding::hex;
        else
            problem(path + ".enc", fmt::format("\"{}\" is not mapped for a bitmap", enc));
        const std::size_t length = number(node, "length", path);
        if (length != 0 && length != 8 && length != 16)
            problem(path + ".length", "a bitmap of 8 bytes is needed");
        if (node.contains("disableautoexpand") && node["disableautoexpand"] == true)
            problem(path + ".disableautoexpand",
                    "a message without secondary bitmap, whatever bit 1 says, is not mapped");
    }

    void read_numbered(int n, const Json& node, const std::string& path) {
        FieldSpec f;
        f.number = static_cast<std::uint8_t>(n);
        f.secret = usual_secret(n);
        read_field(f, node, path, 0);
        out.spec.fields.push_back(std::move(f));
    }

    PrefixName read_prefix(const Json& node, const std::string& path) {
        const std::string name = text(node, "prefix", path);
        const auto prefix = parse_moov_prefix(name);
        if (!prefix) problem(path + ".prefix", fmt::format("\"{}\" is not mapped", name));
        return prefix.value_or(PrefixName{});
    }

    void read_field(FieldSpec& f, const Json& node, const std::string& path, int depth) {
        only(node, path,
             {"type", "length", "description", "enc", "prefix", "padding", "tag", "subfields", "bitmap"});
        const std::string type = text(node, "type", path);
        f.name = text(node, "description", path);
        const std::size_t units = number(node, "length", path);
        const PrefixName p = read_prefix(node, path);
        f.prefix = p.prefix;
        f.prefix_size = p.size;
        const std::size_t taken = writable_units(f, units);
        if (taken != units)
            note(path + ".length",
                 fmt::format("{} is more than the prefix or a message can say; {} is taken", units, taken));
        f.max = static_cast<std::uint16_t>(std::min<std::size_t>(taken, 0xFFFF));
        f.min = f.fixed() ? f.max : std::uint16_t{0};
        if (type == "Composite") {
            f.content = Content::b;
            f.encoding = Encoding::binary;
            if (depth == subfield_depth_max)
                return problem(path, fmt::format("nested deeper than {}", subfield_depth_max));
            f.subfields = read_composite(node, path, depth);
            return;
        }
        for (const char* key : {"tag", "subfields", "bitmap"})
            if (node.contains(key)) problem(path + "." + key, fmt::format("a {} has none", type));
        const std::string enc = text(node, "enc", path);
        if (const std::string fault = apply_moov_content(f, type, enc); !fault.empty())
            problem(path + (fault.find(" of a ") == std::string::npos ? ".type" : ".enc"), fault);
        // The network's EBCDIC table is page 037 there and 1047 here; they differ in six punctuation marks.
        if (enc == "EBCDIC") note(path, "EBCDIC is read as code page 1047");
        if (node.contains("padding")) read_padding(f, node["padding"], path + ".padding");
    }

    void read_padding(FieldSpec& f, const Json& node, const std::string& path) {
        if (!node.is_object()) return problem(path, "an object is needed");
        only(node, path, {"type", "pad"});
        const std::string type = text(node, "type", path);
        const std::string pad = text(node, "pad", path);
        if (type == "None" || type.empty()) return;
        if (type != "Left" && type != "Right")
            return problem(path + ".type", fmt::format("\"{}\" is not mapped", type));
        if (pad.size() != 1) return problem(path + ".pad", "one character is needed");
        if (!f.fixed())
            return note(path,
                        "a field with a length prefix is not filled up: its content has the length it has");
        f.fills = true;
        f.fill = pad.front();
        f.fill_align = type == "Left" ? Align::right : Align::left;
    }

    std::shared_ptr<const SubfieldSet> read_composite(const Json& node, const std::string& path, int depth) {
        auto set = std::make_shared<SubfieldSet>();
        if (!node.contains("subfields") || !node["subfields"].is_object() || node["subfields"].empty()) {
            problem(path + ".subfields", "a Composite needs subfields");
            return set;
        }
        if (node.contains("tag") && node.contains("bitmap"))
            problem(path, "a tag and a bitmap at once are not mapped");
        std::size_t pad_to = 0;
        char pad = '0';
        std::string sort;
        if (node.contains("tag")) read_tag(*set, node["tag"], path + ".tag", pad_to, pad, sort);
        if (node.contains("bitmap")) read_inner_bitmap(*set, node["bitmap"], path + ".bitmap");
        for (const auto& [key, sub] : node["subfields"].items()) {
            const std::string here = std::string(path).append(".subfields.").append(key);
            if (!sub.is_object()) {
                problem(here, "an object is needed");
                continue;
            }
            Subfield s;
            s.id = key.size() < pad_to ? std::string(pad_to - key.size(), pad) + key : key;
            read_field(s.spec, sub, here, depth + 1);
            if (set->kind == SubfieldSet::Kind::ber_tlv) s.spec = tlv_spec(std::move(s.spec));
            set->fields.push_back(std::move(s));
        }
        // Positional subfields stand in the order of their numbers.
        if (set->kind != SubfieldSet::Kind::ber_tlv)
            std::stable_sort(set->fields.begin(), set->fields.end(),
                             [](const Subfield& a, const Subfield& b) {
                                 return a.id.size() != b.id.size() && all_digits(a.id) && all_digits(b.id)
                                            ? a.id.size() < b.id.size()
                                            : a.id < b.id;
                             });
        return set;
    }

    /// Only name and secret matter of a tag: the TLV has the length.
    static FieldSpec tlv_spec(FieldSpec f) {
        FieldSpec out;
        out.name = std::move(f.name);
        out.content = Content::b;
        out.encoding = Encoding::binary;
        out.min = out.max = 1;
        return out;
    }

    void read_tag(SubfieldSet& set, const Json& node, const std::string& path, std::size_t& pad_to, char& pad,
                  std::string& sort) {
        if (!node.is_object()) return problem(path, "an object is needed");
        only(node, path,
             {"length", "enc", "padding", "sort", "skipunknowntlvtags", "storeunknowntlvtags",
              "prefunknowntlv"});
        sort = text(node, "sort", path);
        const std::string enc = text(node, "enc", path);
        const std::size_t length = number(node, "length", path, tag_length_max);
        if (enc == "BerTLVTag") {
            set.kind = SubfieldSet::Kind::ber_tlv;
            return;
        }
        if (length == 0) return;  // positional
        read_unknown_tags(set, node, path);
        set.kind = SubfieldSet::Kind::tagged;
        set.tag_size = static_cast<std::uint8_t>(length);
        if (const auto encoding = parse_moov_text(enc))
            set.tag_encoding = *encoding;
        else if (enc == "ASCIIToHex" || enc == "ASCIIHexToBytes") {
            // The length counts bytes there and characters of the id here.
            set.tag_encoding = Encoding::binary;
            set.tag_size = static_cast<std::uint8_t>(2 * length);
        } else
            problem(path + ".enc", fmt::format("\"{}\" is not mapped for a tag", enc));
        if (!node.contains("padding")) return;
        const std::string type = text(node["padding"], "type", path + ".padding");
        const std::string character = text(node["padding"], "pad", path + ".padding");
        if (type == "Left" && character.size() == 1) {
            pad_to = length;
            pad = character.front();
        } else if (type != "None") {
            problem(path + ".padding", "only padding on the left by one character is mapped for a tag");
        }
    }

    /// Tags that are not in the list: there they are skipped, here they are kept, which needs their lengths'
    /// form.
    void read_unknown_tags(SubfieldSet& set, const Json& node, const std::string& path) {
        const std::string name = text(node, "prefunknowntlv", path);
        const bool skips = node.contains("skipunknowntlvtags") && node["skipunknowntlvtags"] == true;
        if (name.empty()) {
            if (skips)
                problem(path + ".skipUnknownTLVTags",
                        "the length of an unknown tag is not known without prefUnknownTLV");
            return;
        }
        const auto prefix = parse_moov_prefix(name);
        if (!prefix || prefix->prefix == Prefix::none)
            return problem(path + ".prefUnknownTLV", fmt::format("\"{}\" is not mapped", name));
        if (!skips) return;
        set.unknown_prefix = prefix->prefix;
        set.unknown_prefix_size = prefix->size;
        note(path, "unknown tags are kept");
    }

    void read_inner_bitmap(SubfieldSet& set, const Json& node, const std::string& path) {
        if (!node.is_object()) return problem(path, "an object is needed");
        only(node, path, {"type", "length", "description", "enc", "prefix", "disableautoexpand"});
        set.kind = SubfieldSet::Kind::bitmap;
        const std::size_t length = number(node, "length", path, bitmap_length_max);
        set.bitmap_bytes = static_cast<std::uint8_t>(length == 0 ? 8 : length);
        const std::string enc = text(node, "enc", path);
        if (enc == "HexToASCII" || enc == "BytesToASCIIHex" || enc == "Hex")
            set.bitmap_encoding = BitmapEncoding::hex;
        else if (enc != "Binary")
            problem(path + ".enc", fmt::format("\"{}\" is not mapped for a bitmap", enc));
        set.bitmap_extends = !(node.contains("disableautoexpand") && node["disableautoexpand"] == true);
    }

    std::string file_;
};

}  // namespace

Result<LoadedSpec, SpecProblems> read_json(std::string_view bytes, std::string_view file_name) {
    const FileText text = file_text(bytes);
    if (!text.problem.empty()) return tl::unexpected(SpecProblems{{std::string(file_name), text.problem}});
    JsonReader reader(file_name);
    if (!text.note.empty()) reader.out.notes.push_back({std::string(file_name), text.note});
    try {
        Json root = Json::parse(text.utf8.begin(), text.utf8.end());
        lower_member_names(root, false, 0);
        reader.read(root);
    } catch (const nlohmann::json::exception& e) {
        return tl::unexpected(SpecProblems{{std::string(file_name), std::string("is no JSON: ") + e.what()}});
    }
    if (!reader.problems.empty()) return tl::unexpected(std::move(reader.problems));
    return std::move(reader.out);
}

}  // namespace iso8583::specs
