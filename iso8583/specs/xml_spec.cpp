// A jPOS GenericPackager XML: <isopackager> with an <isofield id length name class pad/> for each field, and
// <isofieldpackager …> where a field has fields. The class names say encoding, length and padding.
#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "iso8583/specs/jpos_class.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

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
        if (attribute(root, "emitBitmap") == "false") problem(root, "a message without bitmap is not mapped");
        const std::string bitmap_field = attribute(root, "bitmapField");
        if (!bitmap_field.empty() && bitmap_field != "1")
            problem(root, "a bitmap that is not field 1 is not mapped");
        const std::string header = attribute(root, "headerLength");
        if (!header.empty()) {
            if (header.size() <= 2 && all_digits(header))
                out.spec.framing.header_bytes = static_cast<std::uint8_t>(std::stoul(header));
            else
                problem(root, "headerLength is no number below 100");
        }
        const bool third_at_65 = attribute(root, "thirdBitmapField") == "65";
        if (!attribute(root, "thirdBitmapField").empty() && !third_at_65)
            problem(root, "a third bitmap elsewhere than at 65 is not mapped");
        for (const pugi::xml_node& node : root.children()) {
            if (node.type() == pugi::node_element) read_field(node);
        }
        if (!mti_) problem(root, "the message type indicator (isofield 0) is missing");
        if (!bitmap_) problem(root, "the bitmap (isofield 1) is missing");
        bool high = false;
        for (const FieldSpec& f : out.spec.fields) high = high || f.number > 128;
        if (high || third_at_65) {
            out.spec.tertiary = third_at_65 ? TertiaryBitmap::at_65 : TertiaryBitmap::contiguous;
            auto& fields = out.spec.fields;
            const auto removed = std::remove_if(fields.begin(), fields.end(),
                                                [](const FieldSpec& f) { return f.number == 65; });
            fields.erase(removed, fields.end());
        }
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
    std::string where(const pugi::xml_node& at) const {
        const auto offset = static_cast<std::size_t>(std::max<std::ptrdiff_t>(at.offset_debug(), 0));
        const std::string_view before = std::string_view(text_).substr(0, offset);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::string id = at.attribute("id").value();
        return fmt::format("{}:{}{}{}", file_, line, id.empty() ? "" : " field ", id);
    }
    static std::string attribute(const pugi::xml_node& node, const char* name) {
        return node.attribute(name).value();
    }
    void note(const pugi::xml_node& at, std::string what) {
        out.notes.push_back({where(at), std::move(what)});
    }
    void only(const pugi::xml_node& node, std::initializer_list<std::string_view> names) {
        for (const pugi::xml_attribute& a : node.attributes())
            if (std::find(names.begin(), names.end(), a.name()) == names.end())
                problem(node, fmt::format("attribute {} is not mapped", a.name()));
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
        FieldClass c;
        if (!read_common(node, *number, c)) return;
        if (c.absent) {
            out.notes.push_back({where(node), "takes no bytes there (IF_NOP) and is left out"});
            return;
        }
        if (c.tag_size != 0) return problem(node, "a class with a tag stands only inside a tagged field");
        c.spec.number = static_cast<std::uint8_t>(*number);
        c.spec.secret = usual_secret(*number);
        if (kind == "isofieldpackager") c.spec.subfields = read_subfields(node, 0);
        out.spec.fields.push_back(std::move(c.spec));
    }

    void read_mti(const pugi::xml_node& node) {
        mti_ = true;
        const auto c = parse_field_class(attribute(node, "class"), true, 0);
        if (!c || !c->spec.fixed() || attribute(node, "length") != "4")
            return problem(node, "a message type indicator of 4 digits is needed");
        out.spec.mti = c->spec.encoding;
    }

    void read_bitmap(const pugi::xml_node& node) {
        bitmap_ = true;
        const auto c = parse_field_class(attribute(node, "class"), true, 1);
        if (!c || !c->bitmap)
            return problem(node,
                           fmt::format("class {} is no bitmap that is mapped", attribute(node, "class")));
        out.spec.bitmap = c->spec.encoding == Encoding::binary ? BitmapEncoding::binary
                          : c->spec.encoding == Encoding::hex  ? BitmapEncoding::hex
                                                               : BitmapEncoding::hex_ebcdic;
        const std::string length = attribute(node, "length");
        if (length == "24")
            out.spec.tertiary = TertiaryBitmap::contiguous;
        else if (length != "8" && length != "16")
            problem(node, "a bitmap of 8, 16 or 24 bytes is needed");
    }

    /// Class, length, name, padding. False when the class is not mapped.
    bool read_common(const pugi::xml_node& node, int number, FieldClass& c) {
        const bool packager = std::string_view(node.name()) == "isofieldpackager";
        if (packager)
            only(node, {"id", "length", "name", "class", "pad", "trim", "packager", "emitBitmap",
                        "bitmapField", "firstField", "maxValidField", "tagMapper"});
        else
            only(node, {"id", "length", "name", "class", "pad", "trim", "token"});
        const std::string pad = attribute(node, "pad");
        auto parsed = parse_field_class(attribute(node, "class"), pad == "true", number);
        if (!parsed) {
            problem(node, fmt::format("class {} is not mapped", attribute(node, "class")));
            return false;
        }
        if (!attribute(node, "token").empty()) problem(node, "a token is not mapped");
        if (attribute(node, "trim") == "true")
            note(node, "trim=\"true\" is not mapped: blanks at the end stay part of the content");
        if (!attribute(node, "tagMapper").empty())
            note(node, fmt::format("tagMapper {} is code: tags are taken to be the ids with leading zeros",
                                   attribute(node, "tagMapper")));
        c = std::move(*parsed);
        if (c.absent) return true;
        if (c.bitmap) {
            problem(node, "a bitmap stands only in field 1 or inside a field");
            return false;
        }
        FieldSpec& f = c.spec;
        const std::string length = attribute(node, "length");
        if (length.empty() || length.size() > 8 || !all_digits(length)) {
            problem(node, "a length is needed");
            return false;
        }
        const std::size_t units = std::stoul(length);
        f.name = attribute(node, "name");
        const std::size_t taken = writable_units(f, units);
        if (taken != units)
            note(node, fmt::format("length {} is more than its prefix or a message can say; {} is taken",
                                   units, taken));
        f.max = static_cast<std::uint16_t>(std::min<std::size_t>(taken, 0xFFFF));
        f.min = f.fixed() || c.whole ? f.max : std::uint16_t{0};
        if (packager) read_hex_packager(node, f);
        return true;
    }

    /// TLV in characters of hex: the field is bytes written so, and its length counts the characters.
    void read_hex_packager(const pugi::xml_node& node, FieldSpec& f) {
        const std::string packager = attribute(node, "packager");
        if (packager.substr(packager.rfind('.') + 1) != "BERTLVAsciiHexPackager") return;
        const bool characters = f.content == Content::ans && f.encoding == Encoding::ascii;
        if (f.fixed() || (!characters && f.encoding != Encoding::binary))
            return problem(node, "TLV as hex in a field of this class is not mapped");
        f.content = Content::b;
        f.encoding = Encoding::hex;
        f.counts = Counts::wire;
        f.max = static_cast<std::uint16_t>(f.max / 2);
    }

    std::shared_ptr<const SubfieldSet> read_subfields(const pugi::xml_node& node, int depth) {
        auto set = std::make_shared<SubfieldSet>();
        std::string packager = attribute(node, "packager");
        packager.erase(0, packager.rfind('.') + 1);
        if (depth == subfield_depth_max) {
            problem(node, fmt::format("nested deeper than {}", subfield_depth_max));
            return set;
        }
        if (packager == "BERTLVBinaryPackager" || packager == "BERTLVAsciiHexPackager") {
            set->kind = SubfieldSet::Kind::ber_tlv;
            for (const pugi::xml_node& child : node.children())
                if (child.type() == pugi::node_element)
                    note(child, "is not mapped: the content of a BER-TLV tag is kept as bytes");
            return set;
        }
        if (packager == "GenericTaggedFieldsPackager")
            set->kind = SubfieldSet::Kind::tagged;
        else if (packager != "GenericSubFieldPackager" && packager != "GenericPackager" &&
                 packager != "Base1SubFieldPackager") {
            problem(node, fmt::format("packager {} is not mapped", packager));
            return set;
        }
        std::vector<std::pair<unsigned long, Subfield>> subs;
        for (const pugi::xml_node& child : node.children())
            if (child.type() == pugi::node_element) read_subfield(child, *set, subs, depth);
        // There only one bitmap can be, whatever its first bit says.
        if (packager == "Base1SubFieldPackager") set->bitmap_extends = false;
        if (set->kind != SubfieldSet::Kind::bitmap && attribute(node, "emitBitmap") != "false" &&
            packager == "GenericPackager")
            problem(node, "a packager inside a field, with a bitmap it does not list, is not mapped");
        std::stable_sort(subs.begin(), subs.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        for (auto& [id, sub] : subs) set->fields.push_back(std::move(sub));
        return set;
    }

    void read_subfield(const pugi::xml_node& child, SubfieldSet& set,
                       std::vector<std::pair<unsigned long, Subfield>>& subs, int depth) {
        const std::string id = attribute(child, "id");
        if (id.empty() || id.size() > 4 || !all_digits(id)) return problem(child, "an id is needed");
        if (const auto c = parse_field_class(attribute(child, "class"), true, 0); c && c->bitmap) {
            set.kind = SubfieldSet::Kind::bitmap;
            const std::string length = attribute(child, "length");
            set.bitmap_hex = c->spec.encoding == Encoding::hex;
            set.bitmap_extends = length == "16";
            if (length != "8" && length != "16") problem(child, "a bitmap of 8 or 16 bytes is needed");
            if (c->spec.encoding == Encoding::hex_ebcdic)
                problem(child, "a bitmap as EBCDIC hex inside a field is not mapped");
            return;
        }
        FieldClass c;
        if (!read_common(child, 0, c)) return;
        if (c.absent) {
            out.notes.push_back({where(child), "takes no bytes there (IF_NOP) and is left out"});
            return;
        }
        Subfield sub{id, std::move(c.spec)};
        if (set.kind == SubfieldSet::Kind::tagged) {
            if (c.tag_size == 0)
                return problem(child, "a class with a tag (TT…) is needed inside a tagged field");
            if (set.tag_size != 0 && set.tag_size != c.tag_size)
                problem(child, "tags of two lengths in one field are not mapped");
            set.tag_size = c.tag_size;
            sub.id = std::string(c.tag_size > id.size() ? c.tag_size - id.size() : 0, '0') + id;
        } else if (c.tag_size != 0) {
            return problem(child, "a class with a tag stands only inside a tagged field");
        }
        if (std::string_view(child.name()) == "isofieldpackager")
            sub.spec.subfields = read_subfields(child, depth + 1);
        subs.emplace_back(std::stoul(id), std::move(sub));
    }

    std::string file_;
    std::string_view text_;
    bool mti_ = false;
    bool bitmap_ = false;
};

class XmlWriter {
  public:
    std::string run(const DialectSpec& spec) {
        pugi::xml_document document;
        pugi::xml_node root = document.append_child("isopackager");
        add(root, "isofield", "0", 4, "message type indicator",
            spec.mti == Encoding::bcd      ? "IFB_NUMERIC"
            : spec.mti == Encoding::ebcdic ? "IFE_NUMERIC"
                                           : "IFA_NUMERIC");
        const char* bitmap = spec.bitmap == BitmapEncoding::binary ? "IFB_BITMAP"
                             : spec.bitmap == BitmapEncoding::hex  ? "IFA_BITMAP"
                                                                   : "IFE_BITMAP";
        add(root, "isofield", "1", spec.tertiary == TertiaryBitmap::contiguous ? 24 : 16, "bitmap", bitmap);
        if (spec.tertiary == TertiaryBitmap::at_65) root.append_attribute("thirdBitmapField") = "65";
        if (spec.framing.tpdu || spec.framing.header_bytes != 0)
            note("framing", "frames are a channel's matter there and are lost");
        for (const FieldSpec& f : spec.fields)
            write_field(root, std::to_string(f.number), f, fmt::format("field {}", f.number), 0);
        std::ostringstream text;
        document.save(text, "  ", pugi::format_default, pugi::encoding_utf8);
        return text.str();
    }
    SpecProblems problems;
    SpecProblems notes;

  private:
    void note(const std::string& where, std::string what) { notes.push_back({where, std::move(what)}); }

    static pugi::xml_node add(pugi::xml_node& parent, const char* element, const std::string& id,
                              std::size_t length, const std::string& name, const std::string& class_name) {
        pugi::xml_node node = parent.append_child(element);
        node.append_attribute("id") = id.c_str();
        node.append_attribute("length") = static_cast<unsigned>(length);
        node.append_attribute("name") = name.c_str();
        node.append_attribute("class") = ("org.jpos.iso." + class_name).c_str();
        return node;
    }

    void write_field(pugi::xml_node& parent, const std::string& id, const FieldSpec& whole,
                     const std::string& where, std::uint8_t tag_size) {
        const FieldSpec f = as_text_of_hex(whole);
        if (f.content != whole.content) note(where, "bytes become characters of hex");
        std::string class_name = class_name_of(f);
        if (class_name.empty())
            return problems.push_back(
                {where, fmt::format("{} {} with a {} length has no class there", name_of(f.content),
                                    name_of(f.encoding), name_of(f.prefix))});
        if (tag_size != 0) class_name.insert(4, std::string(tag_size, 'T'));
        if (!f.fixed() && f.min > 0) note(where, "the least length is lost");
        if (f.content == Content::a || f.content == Content::an || f.content == Content::ns ||
            f.content == Content::ansg)
            note(where, fmt::format("content {} becomes CHAR, which is not checked", name_of(f.content)));
        const bool divided = f.subfields && can_divide(f, where);
        pugi::xml_node node =
            add(parent, divided ? "isofieldpackager" : "isofield", id, f.max, f.name, class_name);
        if (f.encoding == Encoding::bcd && f.content != Content::xn)
            node.append_attribute("pad") = f.odd == Align::right ? "true" : "false";
        if (!divided) return;
        const SubfieldSet& s = *f.subfields;
        const bool bitmap = s.kind == SubfieldSet::Kind::bitmap;
        node.append_attribute("packager") =
            s.kind == SubfieldSet::Kind::ber_tlv  ? "org.jpos.tlv.packager.bertlv.BERTLVBinaryPackager"
            : s.kind == SubfieldSet::Kind::tagged ? "org.jpos.iso.packager.GenericTaggedFieldsPackager"
                                                  : "org.jpos.iso.packager.GenericSubFieldPackager";
        node.append_attribute("emitBitmap") = bitmap ? "true" : "false";
        if (s.kind == SubfieldSet::Kind::ber_tlv) return;
        if (bitmap) {
            node.append_attribute("bitmapField") = "0";
            add(node, "isofield", "0", s.bitmap_extends ? 16 : 8, "bitmap",
                s.bitmap_hex ? "IFA_BITMAP" : "IFB_BITMAP");
        }
        for (const Subfield& sub : s.fields)
            write_field(node, sub.id, sub.spec, where + "." + sub.id, s.tag_size);
    }

    bool can_divide(const FieldSpec& f, const std::string& where) {
        const SubfieldSet& s = *f.subfields;
        if (s.only_units != 0) return note(where, "its subfields are lost: they depend on its length"), false;
        for (const Subfield& sub : s.fields) {
            if (sub.spec.rest) return note(where, "its subfields are lost: one takes what is left"), false;
            if (s.kind != SubfieldSet::Kind::ber_tlv && !all_digits(sub.id))
                return note(where, "its subfields are lost: their ids are no numbers"), false;
        }
        if (s.kind == SubfieldSet::Kind::bitmap && s.bitmap_bytes != 8)
            return note(where, "its subfields are lost: a bitmap of other than 8 bytes"), false;
        if (s.kind == SubfieldSet::Kind::tagged && s.tag_encoding != Encoding::ascii)
            return note(where, "its subfields are lost: tags that are not ASCII"), false;
        return true;
    }
};

}  // namespace

Result<LoadedSpec, SpecProblems> read_xml(std::string_view text, std::string_view file_name) {
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
    if (!parsed) {
        const std::string_view before =
            text.substr(0, static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)));
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        return tl::unexpected(SpecProblems{
            {fmt::format("{}:{}", file_name, line), std::string("is no XML: ") + parsed.description()}});
    }
    XmlReader reader(file_name, text);
    reader.read(document);
    if (!reader.problems.empty()) return tl::unexpected(std::move(reader.problems));
    return std::move(reader.out);
}

Result<WrittenSpec, SpecProblems> write_xml(const DialectSpec& spec) {
    XmlWriter writer;
    std::string text = writer.run(spec);
    if (!writer.problems.empty()) return tl::unexpected(std::move(writer.problems));
    return WrittenSpec{std::move(text), std::move(writer.notes)};
}

}  // namespace iso8583::specs
