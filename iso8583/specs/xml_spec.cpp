// A jPOS GenericPackager XML: <isopackager> with an <isofield id length name class pad/> for each field, and
// <isofieldpackager …> where a field has fields. The class names say encoding, length and padding.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>

#include "iso8583/specs/file_text.hpp"
#include "iso8583/specs/jpos_class.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

constexpr std::size_t bitmap_bytes = 8;  // of one bitmap
constexpr std::size_t length_digits_max = 8;

std::string last_name(const std::string& name) { return name.substr(name.rfind('.') + 1); }

class XmlReader {
  public:
    XmlReader(std::string_view file, std::string_view text) : file_(file), text_(text) {}

    void read(const pugi::xml_document& document) {
        const pugi::xml_node root = document.child("isopackager");
        if (!root) {
            problems.push_back({file_, "an <isopackager> is needed"});
            return;
        }
        only(root, {"maxValidField", "bitmapField", "thirdBitmapField", "emitBitmap", "headerLength",
                    "firstField", "id", "length", "name", "class"});
        out.spec.source = out.spec.name = file_;
        if (const auto name = attribute(root, "name"); !name.empty()) out.spec.name = name;
        read_root(root);
        for (const pugi::xml_node& node : fields_of(root)) read_field(node);
        if (!mti_) problem(root, "the message type indicator (isofield 0) is missing");
        if (!bitmap_) problem(root, "the bitmap (isofield 1) is missing");
        finish_third_bitmap(root);
        out.notes.push_back({file_,
                             "CHAR is read as ans and NUM as n (z for tracks); padding stays part of the "
                             "content when a message is decoded"});
    }

    LoadedSpec out;
    SpecProblems problems;

  private:
    void problem(const pugi::xml_node& at, std::string what) {
        problems.push_back({where(at), std::move(what)});
    }
    std::ptrdiff_t line_of(const pugi::xml_node& at) const {
        const auto offset = static_cast<std::size_t>(std::max<std::ptrdiff_t>(at.offset_debug(), 0));
        const std::string_view before = text_.substr(0, offset);
        return 1 + std::count(before.begin(), before.end(), '\n');
    }
    std::string where(const pugi::xml_node& at) const {
        const std::string id = attribute(at, "id");
        return fmt::format("{}:{}{}{}", file_, line_of(at), id.empty() ? "" : " field ", id);
    }
    /// Without blanks around it: class, packager and the choices of true and false are name tokens in the
    /// format's DTD, so that a reader of XML takes the blanks away.
    static std::string attribute(const pugi::xml_node& node, const char* name) {
        std::string value = node.attribute(name).value();
        if (std::string_view(name) == "name") return value;
        value.erase(value.find_last_not_of(" \t\r\n") + 1);
        value.erase(0, std::min(value.size(), value.find_first_not_of(" \t\r\n")));
        return value;
    }
    static bool is_true(const pugi::xml_node& node, const char* name) {
        return attribute(node, name) == "true";
    }
    void note(const pugi::xml_node& at, std::string what) {
        out.notes.push_back({where(at), std::move(what)});
    }
    void only(const pugi::xml_node& node, std::initializer_list<std::string_view> names) {
        for (const pugi::xml_attribute& a : node.attributes())
            if (std::find(names.begin(), names.end(), a.name()) == names.end())
                problem(node, fmt::format("attribute {} is not mapped", a.name()));
    }
    /// A number of an attribute, or nothing when it is none; `empty` when it is not there.
    static std::optional<unsigned> number_of(const pugi::xml_node& node, const char* name, unsigned empty) {
        const std::string digits = attribute(node, name);
        if (digits.empty()) return empty;
        if (digits.size() > 4 || !all_digits(digits)) return std::nullopt;
        return static_cast<unsigned>(std::stoul(digits));
    }

    /// The fields of a packager, each id once: there a second one of an id takes the place of the first.
    std::vector<pugi::xml_node> fields_of(const pugi::xml_node& parent) {
        std::vector<pugi::xml_node> fields;
        for (const pugi::xml_node& node : parent.children()) {
            if (node.type() != pugi::node_element) continue;
            const std::string id = attribute(node, "id");
            const auto before = std::find_if(fields.begin(), fields.end(), [&](const pugi::xml_node& f) {
                return !id.empty() && attribute(f, "id") == id;
            });
            if (before == fields.end()) {
                fields.push_back(node);
                continue;
            }
            note(node, fmt::format("is there twice: the one of line {} counts, not the one of line {}",
                                   line_of(node), line_of(*before)));
            *before = node;
        }
        return fields;
    }

    void read_root(const pugi::xml_node& root) {
        if (attribute(root, "emitBitmap") == "false") problem(root, "a message without bitmap is not mapped");
        if (number_of(root, "bitmapField", 1) != 1U)
            problem(root, "a bitmap that is not field 1 is not mapped");
        const auto header = number_of(root, "headerLength", 0);
        if (header && *header < 256)
            out.spec.framing.header_bytes = static_cast<std::uint8_t>(*header);
        else
            problem(root, "headerLength is no number below 256");
        const auto third = number_of(root, "thirdBitmapField", 0);
        if (!third || *third > 128)
            problem(root, "thirdBitmapField is no number up to 128");
        else
            third_field_ = static_cast<int>(*third);
    }

    /// A bitmap of the fields 129 to 192: in a field of its own, or right after the others.
    void finish_third_bitmap(const pugi::xml_node& root) {
        auto& fields = out.spec.fields;
        const bool high =
            std::any_of(fields.begin(), fields.end(), [](const FieldSpec& f) { return f.number > 128; });
        const auto as_field = listed_bitmaps_.find(third_field_ != 0 ? third_field_ : 65);
        if (as_field != listed_bitmaps_.end() && (third_field_ != 0 || high)) {
            if (third_field_ == 0)
                note(as_field->second.node,
                     "is read as the bitmap of the fields above 128 (jPOS needs thirdBitmapField for it)");
            out.spec.tertiary = TertiaryBitmap::at_field;
            out.spec.tertiary_field = static_cast<std::uint8_t>(as_field->first);
            if (as_field->second.encoding != out.spec.bitmap)
                problem(as_field->second.node, "a third bitmap of another class than field 1 is not mapped");
        } else if (third_field_ != 0) {
            note(root, fmt::format("thirdBitmapField is {}, which is no bitmap: it is a field like others",
                                   third_field_));
            if (high) out.spec.tertiary = TertiaryBitmap::contiguous;
        } else if (high) {
            out.spec.tertiary = TertiaryBitmap::contiguous;
        }
        for (const auto& [number, bitmap] : listed_bitmaps_) {
            if (out.spec.tertiary == TertiaryBitmap::at_field && out.spec.tertiary_field == number) continue;
            if (out.spec.tertiary == TertiaryBitmap::contiguous && number == 65) continue;
            note(bitmap.node, "a bitmap that announces nothing is read as its bytes");
            FieldSpec f;
            f.number = static_cast<std::uint8_t>(number);
            f.name = attribute(bitmap.node, "name");
            f.content = Content::b;
            f.encoding = bitmap.encoding == BitmapEncoding::binary ? Encoding::binary
                         : bitmap.encoding == BitmapEncoding::hex  ? Encoding::hex
                                                                   : Encoding::hex_ebcdic;
            f.min = f.max = bitmap_bytes;
            fields.push_back(std::move(f));
        }
        // Bit 65 then announces the third bitmap and no field.
        const auto is_taken = [&](const FieldSpec& f) {
            return (out.spec.tertiary == TertiaryBitmap::contiguous && f.number == 65) ||
                   (out.spec.tertiary == TertiaryBitmap::at_field && f.number == out.spec.tertiary_field);
        };
        fields.erase(std::remove_if(fields.begin(), fields.end(), is_taken), fields.end());
    }

    static BitmapEncoding bitmap_encoding(const FieldClass& c) {
        return c.spec.encoding == Encoding::binary ? BitmapEncoding::binary
               : c.spec.encoding == Encoding::hex  ? BitmapEncoding::hex
                                                   : BitmapEncoding::hex_ebcdic;
    }

    void read_field(const pugi::xml_node& node) {
        const std::string_view kind = node.name();
        if (kind != "isofield" && kind != "isofieldpackager")
            return problem(node, fmt::format("<{}> is not mapped", kind));
        const std::string id = attribute(node, "id");
        if (id == "0") return read_mti(node);
        if (id == "1") return read_bitmap(node);
        const auto number = parse_field_number(id);
        if (!number) return problem(node, fmt::format("field numbers are 0 to {}", field_number_max));
        if (const auto c = parse_field_class(attribute(node, "class"), true, *number); c && c->bitmap) {
            listed_bitmaps_[*number] = {node, bitmap_encoding(*c)};
            return;
        }
        FieldClass c;
        if (!read_common(node, *number, c)) return;
        if (c.tag_size != 0) return problem(node, "a class with a tag stands only inside a tagged field");
        c.spec.number = static_cast<std::uint8_t>(*number);
        c.spec.secret = usual_secret(*number);
        if (kind == "isofieldpackager") c.spec.subfields = read_subfields(node, 0);
        out.spec.fields.push_back(std::move(c.spec));
    }

    void read_mti(const pugi::xml_node& node) {
        mti_ = true;
        const auto c = parse_field_class(attribute(node, "class"), true, 0);
        if (!c || !c->spec.fixed() || c->bitmap || attribute(node, "length") != "4")
            return problem(node, fmt::format("a message type indicator of 4 digits is needed, not {} of {}",
                                             attribute(node, "class"), attribute(node, "length")));
        out.spec.mti = c->spec.encoding;
    }

    void read_bitmap(const pugi::xml_node& node) {
        bitmap_ = true;
        const auto c = parse_field_class(attribute(node, "class"), true, 1);
        if (!c || !c->bitmap)
            return problem(node,
                           fmt::format("class {} is no bitmap that is mapped", attribute(node, "class")));
        out.spec.bitmap = bitmap_encoding(*c);
        // Any length from one bitmap on: a second one follows when bit 1 says so, above two of them a third.
        const auto length = number_of(node, "length", 0);
        if (!length || *length < bitmap_bytes) return problem(node, "a bitmap of 8 bytes or more is needed");
        if (*length > 2 * bitmap_bytes) out.spec.tertiary = TertiaryBitmap::contiguous;
    }

    /// Class, length, name, padding. False when it is no field: refused, or without bytes.
    bool read_common(const pugi::xml_node& node, int number, FieldClass& c) {
        const bool packager = std::string_view(node.name()) == "isofieldpackager";
        if (packager)
            only(node, {"id", "length", "name", "class", "pad", "trim", "packager", "emitBitmap",
                        "bitmapField", "firstField", "maxValidField", "headerLength", "params", "inclusive",
                        "token", "tagMapper", "tagSize", "lenSize", "swapTagAndLen"});
        else
            only(node, {"id", "length", "name", "class", "pad", "trim", "token", "params", "encoding",
                        "inclusive"});
        auto parsed = parse_field_class(attribute(node, "class"), is_true(node, "pad"), number);
        if (!parsed) return problem(node, parsed.error().reason), false;
        if (!attribute(node, "params").empty()) problem(node, "params go to code and are not mapped");
        if (is_true(node, "inclusive")) problem(node, "a length that counts itself is not mapped");
        if (is_true(node, "trim"))
            note(node, "trim=\"true\" is not mapped: blanks at the end stay part of the content");
        if (!parsed->note.empty()) note(node, parsed->note);
        c = std::move(*parsed);
        if (c.bitmap) {
            note(node, "a bitmap that announces nothing is read as its bytes");
            c.spec.content = Content::b;
        }
        if (c.absent) {
            note(node, "takes no bytes there and is left out");
            return false;
        }
        return read_length(node, c) && read_hex_packager(node, c.spec);
    }

    bool read_length(const pugi::xml_node& node, FieldClass& c) {
        FieldSpec& f = c.spec;
        f.name = attribute(node, "name");
        const std::string length = attribute(node, "length");
        if (length.empty() || length.size() > length_digits_max || !all_digits(length))
            return problem(node, "a length is needed"), false;
        std::size_t units = std::stoul(length);
        if (c.half) {
            if (units % 2 != 0) return problem(node, "half a byte is not mapped"), false;
            units /= 2;
        }
        if (units == 0 && f.fixed()) {
            note(node, "has length 0: it takes no bytes and is left out");
            return false;
        }
        // There a length of 0 is no limit where a prefix says how long the content is.
        const std::size_t asked = units == 0 ? field_units_max : units;
        const std::size_t taken = writable_units(f, asked);
        if (taken != units)
            note(node, fmt::format("length {} is more than its prefix or a message can say; {} is taken",
                                   units, taken));
        f.max = static_cast<std::uint16_t>(std::min<std::size_t>(taken, 0xFFFF));
        f.min = f.fixed() || c.whole ? f.max : std::uint16_t{0};
        return true;
    }

    /// TLV in characters of hex: the field is bytes written so, and its length counts the characters.
    bool read_hex_packager(const pugi::xml_node& node, FieldSpec& f) {
        const std::string packager = last_name(attribute(node, "packager"));
        const bool in_ebcdic = packager == "BERTLVEbcdicHexPackager";
        if (packager != "BERTLVAsciiHexPackager" && !in_ebcdic) return true;
        const bool characters = f.content == Content::ans && f.encoding == Encoding::ascii;
        if (f.fixed() || (!characters && f.encoding != Encoding::binary))
            return problem(node, "TLV as hex in a field of this class is not mapped"), false;
        f.content = Content::b;
        f.encoding = in_ebcdic ? Encoding::hex_ebcdic : Encoding::hex;
        f.counts = Counts::wire;
        f.max = static_cast<std::uint16_t>(f.max / 2);
        return true;
    }

    using Subs = std::vector<std::pair<unsigned long, Subfield>>;

    std::shared_ptr<const SubfieldSet> read_subfields(const pugi::xml_node& node, int depth) {
        auto set = std::make_shared<SubfieldSet>();
        const std::string packager = last_name(attribute(node, "packager"));
        if (depth == subfield_depth_max) {
            problem(node, fmt::format("nested deeper than {}", subfield_depth_max));
            return set;
        }
        if (packager == "BERTLVBinaryPackager" || packager == "BERTLVAsciiHexPackager" ||
            packager == "BERTLVEbcdicHexPackager" || packager == "ICCDataPackager") {
            set->kind = SubfieldSet::Kind::ber_tlv;
            for (const pugi::xml_node& child : fields_of(node))
                note(child, "is not mapped: the content of a BER-TLV tag is kept as bytes");
            return set;
        }
        Subs subs;
        if (packager == "GenericSubFieldPackager" || packager == "GenericPackager" ||
            packager == "CTCSubFieldPackager")
            read_positional(node, packager, *set, subs, depth);
        else if (packager == "Base1SubFieldPackager")
            read_base1(node, *set, subs, depth);
        else if (packager == "GenericTaggedFieldsPackager" || packager == "EuroSubFieldPackager" ||
                 packager == "MasterCardEBCDICSubFieldPackager" || packager == "GICCSubFieldPackager")
            read_tagged(node, packager, *set, subs, depth);
        else if (packager == "TaggedSequencePackager" || packager == "BinaryHexTaggedSequencePackager")
            read_sequence(node, packager, *set, subs, depth);
        else if (packager == "DatasetPackager")
            read_dataset(node, *set, subs, depth);
        else
            problem(node, fmt::format("packager {} is not mapped", packager));
        for (auto& [id, sub] : subs) set->fields.push_back(std::move(sub));
        return set;
    }

    /// One field inside a field, in the order of the ids. `c` says more than its spec.
    bool read_sub(const pugi::xml_node& child, int depth, Subs& subs, FieldClass& c) {
        const std::string id = attribute(child, "id");
        if (id.empty() || id.size() > 4 || !all_digits(id)) return problem(child, "an id is needed"), false;
        const std::string_view kind = child.name();
        if (kind != "isofield" && kind != "isofieldpackager")
            return problem(child, fmt::format("<{}> is not mapped", kind)), false;
        if (!read_common(child, 0, c)) return false;
        Subfield sub{id, c.spec};
        if (kind == "isofieldpackager") sub.spec.subfields = read_subfields(child, depth + 1);
        const auto after =
            std::find_if(subs.begin(), subs.end(), [&](const auto& s) { return s.first > std::stoul(id); });
        subs.insert(after, {std::stoul(id), std::move(sub)});
        return true;
    }
    void read_untagged(const pugi::xml_node& child, int depth, Subs& subs) {
        FieldClass c;
        if (read_sub(child, depth, subs, c) && c.tag_size != 0)
            problem(child, "a class with a tag stands only inside a tagged field");
    }

    /// The bitmap of a list of subfields and the id of the first that it can announce; nothing when there is
    /// none.
    std::optional<pugi::xml_node> bitmap_of(const std::vector<pugi::xml_node>& children) {
        for (const pugi::xml_node& child : children) {
            const auto c = parse_field_class(attribute(child, "class"), true, 0);
            const std::string id = attribute(child, "id");
            if (c && c->bitmap && (id == "0" || id == "1")) return child;
        }
        return std::nullopt;
    }

    void set_bitmap(const pugi::xml_node& child, SubfieldSet& set) {
        set.kind = SubfieldSet::Kind::bitmap;
        const auto c = parse_field_class(attribute(child, "class"), true, 0);
        set.bitmap_encoding = bitmap_encoding(*c);
        const auto length = number_of(child, "length", 0);
        // Below 8 it is so long and no longer; a second one needs 16.
        if (!length || *length == 0 || (*length > bitmap_bytes && *length < 2 * bitmap_bytes))
            return problem(child, "a bitmap inside a field has 1 to 8 bytes, or 16 and more");
        set.bitmap_bytes = static_cast<std::uint8_t>(std::min<std::size_t>(*length, bitmap_bytes));
        set.bitmap_extends =
            *length >= 2 * bitmap_bytes && last_name(attribute(child, "class")) != "Base1_BITMAP126";
    }

    void read_positional(const pugi::xml_node& node, const std::string& packager, SubfieldSet& set,
                         Subs& subs, int depth) {
        const std::vector<pugi::xml_node> children = fields_of(node);
        const bool emits = attribute(node, "emitBitmap") != "false" && packager != "CTCSubFieldPackager";
        const auto bitmap = emits ? bitmap_of(children) : std::nullopt;
        if (bitmap) {
            set_bitmap(*bitmap, set);
            if (attribute(*bitmap, "id") != std::to_string(number_of(node, "bitmapField", 1).value_or(1)))
                note(*bitmap, "is the bitmap (jPOS needs bitmapField for it)");
        } else if (emits && packager == "GenericPackager") {
            return problem(node, "a packager inside a field, with a bitmap it does not list, is not mapped");
        } else if (emits) {
            note(node,
                 "has no bitmap: its fields stand one after the other (jPOS needs emitBitmap=\"false\")");
        }
        const bool at_1 = bitmap && attribute(*bitmap, "id") == "1";
        const auto first = number_of(node, "firstField", at_1 ? 2 : bitmap ? 1 : 0);
        for (const pugi::xml_node& child : children) {
            if (bitmap && child == *bitmap) continue;
            const auto id = number_of(child, "id", 0);
            if (bitmap && first && id && *id < std::max(*first, 1U)) {
                if (packager == "GenericPackager" && *id == 0 && attribute(child, "length") != "0")
                    problem(child, "a message type inside a field is not mapped");
                note(child, "stands before the first field that the bitmap announces, and is left out");
                continue;
            }
            read_untagged(child, depth, subs);
        }
        first_bit_is_a_field(node, set, subs);
    }

    /// Bit 1 is the second bitmap's or a subfield's: a subfield's where none needs the second bitmap.
    void first_bit_is_a_field(const pugi::xml_node& node, SubfieldSet& set, const Subs& subs) {
        const bool one = std::any_of(subs.begin(), subs.end(), [](const auto& s) { return s.first == 1; });
        const bool late = std::any_of(subs.begin(), subs.end(), [](const auto& s) { return s.first > 64; });
        if (set.kind != SubfieldSet::Kind::bitmap || !set.bitmap_extends || !one || late) return;
        set.bitmap_extends = false;
        note(node, "bit 1 of its bitmap announces subfield 1, and never a second bitmap");
    }

    void read_base1(const pugi::xml_node& node, SubfieldSet& set, Subs& subs, int depth) {
        const std::vector<pugi::xml_node> children = fields_of(node);
        const auto bitmap = bitmap_of(children);
        // There the bitmap is at id 0, counts from 1, and only one can be, whatever its first bit says.
        if (bitmap) set_bitmap(*bitmap, set);
        set.bitmap_extends = false;
        for (const pugi::xml_node& child : children)
            if (!bitmap || child != *bitmap) read_untagged(child, depth, subs);
    }

    void read_tagged(const pugi::xml_node& node, const std::string& packager, SubfieldSet& set, Subs& subs,
                     int depth) {
        set.kind = SubfieldSet::Kind::tagged;
        if (is_true(node, "swapTagAndLen"))
            problem(node, "lengths before tags, with classes that have them behind, are not mapped");
        const std::string mapper = attribute(node, "tagMapper");
        if (!mapper.empty() && last_name(mapper) != "TTDecimalTagMapper" &&
            last_name(mapper) != "TTTDecimalTagMapper")
            note(node, fmt::format("tagMapper {} is code: tags are taken to be the ids with leading zeros",
                                   mapper));
        for (const pugi::xml_node& child : fields_of(node)) {
            if (attribute(child, "id") == "0" && packager == "GICCSubFieldPackager") {
                note(child, "what may stand before the first tag is not mapped");
                continue;
            }
            FieldClass c;
            if (!read_sub(child, depth, subs, c)) continue;
            const bool leads = attribute(child, "id") == "0" && c.tag_size == 0;
            if (leads)
                set.lead = 1;
            else
                add_tag(child, set, subs, c);
        }
        take_sizes(node, set);
    }

    /// The last subfield that was read gets its tag.
    void add_tag(const pugi::xml_node& child, SubfieldSet& set, Subs& subs, const FieldClass& c) {
        if (c.tag_size == 0)
            return problem(child, "a class with a tag (TT…) is needed inside a tagged field");
        const bool first = set.tag_size == 0;
        if (!first && set.tag_size != c.tag_size)
            problem(child, "tags of two lengths in one field are not mapped");
        if (!first && (set.tag_encoding != c.tag_encoding || set.length_first != c.length_first))
            problem(child, "tags of two forms in one field are not mapped");
        set.tag_size = c.tag_size;
        set.tag_encoding = c.tag_encoding;
        set.length_first = c.length_first;
        if (c.length_first) {
            set.unknown_prefix = c.spec.prefix;
            set.unknown_prefix_size = c.spec.prefix_size;
        }
        const unsigned long id = std::stoul(attribute(child, "id"));
        for (auto& [number, sub] : subs)
            if (number == id) sub.id = with_zeros(std::to_string(id), c.tag_size);
    }
    static std::string with_zeros(const std::string& id, std::size_t size) {
        return std::string(size > id.size() ? size - id.size() : 0, '0') + id;
    }

    /// tagSize and lenSize, which jPOS requires: what they say of tags that are not listed.
    void take_sizes(const pugi::xml_node& node, SubfieldSet& set) {
        const auto tag = number_of(node, "tagSize", set.tag_size);
        const auto length = number_of(node, "lenSize", 0);
        if (!tag || (set.tag_size != 0 && *tag != set.tag_size))
            problem(node, fmt::format("tagSize {} is not that of its classes, {}", attribute(node, "tagSize"),
                                      static_cast<int>(set.tag_size)));
        if (!length || *length > prefix_digits_max)
            return problem(node, fmt::format("lenSize is no number up to {}", prefix_digits_max));
        if (*length == 0 || set.length_first) return;
        if (set.tag_size == 0) set.tag_size = static_cast<std::uint8_t>(tag.value_or(0));
        set.unknown_prefix = Prefix::ascii;
        set.unknown_prefix_size = static_cast<std::uint8_t>(*length);
    }

    /// Tags are said by tokens: of the field how long they are, of each subfield its own; one with a token of
    /// another kind is for all others, one without stands before the tags.
    void read_sequence(const pugi::xml_node& node, const std::string& packager, SubfieldSet& set, Subs& subs,
                       int depth) {
        set.kind = SubfieldSet::Kind::tagged;
        const std::string form = attribute(node, "token");
        set.tag_size = static_cast<std::uint8_t>(std::min<std::size_t>(form.size(), 0xFF));
        if (packager == "BinaryHexTaggedSequencePackager") set.tag_encoding = Encoding::binary;
        if (form.empty()) problem(node, "a token is needed, which says how long tags are");
        for (const pugi::xml_node& child : fields_of(node)) {
            FieldClass c;
            const std::string token = attribute(child, "token");
            if (!read_sub(child, depth, subs, c)) continue;
            const unsigned long id = std::stoul(attribute(child, "id"));
            const auto here =
                std::find_if(subs.begin(), subs.end(), [&](const auto& s) { return s.first == id; });
            if (token.empty()) {
                ++set.lead;
            } else if (token.find_first_not_of('#') == std::string::npos) {
                set.unknown_prefix = c.spec.prefix;
                set.unknown_prefix_size = c.spec.prefix_size;
                note(child, "tags that are not listed are kept as bytes");
                subs.erase(here);
            } else {
                here->second.id = token;
            }
        }
        std::stable_partition(subs.begin(), subs.end(), [&](const auto& s) {
            return s.second.id == std::to_string(s.first) && s.second.id.size() != set.tag_size;
        });
    }

    void read_dataset(const pugi::xml_node& node, SubfieldSet& set, Subs& subs, int depth) {
        set.kind = SubfieldSet::Kind::dataset;
        for (const pugi::xml_node& child : fields_of(node)) {
            // A bitmap that is listed too says nothing: datasets have one of their own.
            if (attribute(child, "id") == "0") {
                note(child, "a dataset has its own bitmap: this one is left out");
                continue;
            }
            read_untagged(child, depth, subs);
        }
    }

    struct ListedBitmap {
        pugi::xml_node node;
        BitmapEncoding encoding;
    };
    std::string file_;
    std::string_view text_;
    bool mti_ = false;
    bool bitmap_ = false;
    int third_field_ = 0;
    std::map<int, ListedBitmap> listed_bitmaps_;
};

}  // namespace

Result<LoadedSpec, SpecProblems> read_xml(std::string_view bytes, std::string_view file_name) {
    const FileText text = file_text(bytes, declared_xml_encoding(bytes));
    if (!text.problem.empty()) return tl::unexpected(SpecProblems{{std::string(file_name), text.problem}});
    pugi::xml_document document;
    const pugi::xml_parse_result parsed =
        document.load_buffer(text.utf8.data(), text.utf8.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed) {
        const std::string_view before = std::string_view(text.utf8).substr(
            0, static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)));
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        return tl::unexpected(SpecProblems{
            {fmt::format("{}:{}", file_name, line), std::string("is no XML: ") + parsed.description()}});
    }
    XmlReader reader(file_name, text.utf8);
    if (!text.note.empty()) reader.out.notes.push_back({std::string(file_name), text.note});
    reader.read(document);
    if (!reader.problems.empty()) return tl::unexpected(std::move(reader.problems));
    return std::move(reader.out);
}

}  // namespace iso8583::specs
