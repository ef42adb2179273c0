// A dialect as a jPOS GenericPackager XML that jPOS itself loads: it validates against its DTD, which the
// file names, makes an object of each class by its whole name, and asks some packagers for attributes.
#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "iso8583/specs/jpos_class.hpp"
#include "iso8583/specs/spec_words.hpp"

namespace iso8583::specs {

namespace {

constexpr std::string_view doctype =
    R"(isopackager PUBLIC "-//jPOS/jPOS Generic Packager DTD 1.0//EN" "http://jpos.org/dtd/generic-packager-1.0.dtd")";

std::string bitmap_class(BitmapEncoding encoding) {
    return encoding == BitmapEncoding::binary ? "org.jpos.iso.IFB_BITMAP"
           : encoding == BitmapEncoding::hex  ? "org.jpos.iso.IFA_BITMAP"
                                              : "org.jpos.iso.IFE_BITMAP";
}

class XmlWriter {
  public:
    std::string run(const DialectSpec& spec) {
        pugi::xml_document document;
        pugi::xml_node declaration = document.append_child(pugi::node_declaration);
        declaration.append_attribute("version") = "1.0";
        declaration.append_attribute("encoding") = "UTF-8";
        document.append_child(pugi::node_doctype).set_value(std::string(doctype).c_str());
        pugi::xml_node root = document.append_child("isopackager");
        write_root(root, spec);
        const bool third = spec.tertiary == TertiaryBitmap::at_field;
        bool written = !third;
        const auto write_third = [&] {
            if (written) return;
            written = true;
            add(root, "isofield", std::to_string(spec.tertiary_field), 8, "third bitmap",
                bitmap_class(spec.bitmap));
        };
        for (const FieldSpec& f : spec.fields) {
            if (f.number > spec.tertiary_field) write_third();
            write_field(root, std::to_string(f.number), f, fmt::format("field {}", f.number), nullptr);
        }
        write_third();
        std::ostringstream text;
        document.save(text, "  ", pugi::format_default | pugi::format_no_declaration, pugi::encoding_utf8);
        return text.str();
    }
    SpecProblems problems;
    SpecProblems notes;

  private:
    void note(const std::string& where, std::string what) { notes.push_back({where, std::move(what)}); }

    void write_root(pugi::xml_node& root, const DialectSpec& spec) {
        const bool high = std::any_of(spec.fields.begin(), spec.fields.end(),
                                      [](const FieldSpec& f) { return f.number > 128; });
        if (high) root.append_attribute("maxValidField") = field_number_max;
        if (spec.tertiary == TertiaryBitmap::at_field)
            root.append_attribute("thirdBitmapField") = static_cast<int>(spec.tertiary_field);
        if (spec.framing.tpdu)
            note("framing", "frames are a channel's matter there and are lost");
        else if (spec.framing.header_bytes != 0)
            root.append_attribute("headerLength") = static_cast<int>(spec.framing.header_bytes);
        if (spec.text != TextEncoding::latin1)
            note("text", fmt::format("text = \"{}\" cannot be said", name_of(spec.text)));
        add(root, "isofield", "0", 4, "message type indicator",
            spec.mti == Encoding::bcd      ? "org.jpos.iso.IFB_NUMERIC"
            : spec.mti == Encoding::ebcdic ? "org.jpos.iso.IFE_NUMERIC"
                                           : "org.jpos.iso.IFA_NUMERIC");
        add(root, "isofield", "1", spec.tertiary == TertiaryBitmap::contiguous ? 24 : 16, "bitmap",
            bitmap_class(spec.bitmap));
    }

    static pugi::xml_node add(pugi::xml_node& parent, const char* element, const std::string& id,
                              std::size_t length, const std::string& name, const std::string& class_name) {
        pugi::xml_node node = parent.append_child(element);
        node.append_attribute("id") = id.c_str();
        node.append_attribute("length") = static_cast<unsigned>(length);
        node.append_attribute("name") = name.c_str();
        node.append_attribute("class") = class_name.c_str();
        return node;
    }

    /// `tagged`: the set of a tagged field around it.
    void write_field(pugi::xml_node& parent, const std::string& id, const FieldSpec& whole,
                     const std::string& where, const SubfieldSet* tagged) {
        const FieldSpec f = as_text_of_hex(whole);
        const bool hex_tlv = f.content != whole.content && whole.subfields &&
                             whole.subfields->kind == SubfieldSet::Kind::ber_tlv && tagged == nullptr;
        if (f.content != whole.content && !hex_tlv) note(where, "bytes become characters of hex");
        const std::string class_name =
            tagged == nullptr
                ? class_name_of(f)
                : class_name_of(f, tagged->tag_size, tagged->tag_encoding, tagged->length_first);
        if (class_name.empty())
            return problems.push_back(
                {where, fmt::format("{} {} with a {} length has no class there", name_of(f.content),
                                    name_of(f.encoding), name_of(f.prefix))});
        if (!f.fixed() && f.min > 0) note(where, "the least length is lost");
        if (f.content == Content::a || f.content == Content::an || f.content == Content::ns ||
            f.content == Content::ansg)
            note(where, fmt::format("content {} becomes CHAR, which is not checked", name_of(f.content)));
        if (hex_tlv) {
            pugi::xml_node node = add(parent, "isofieldpackager", id, f.max, f.name, class_name);
            node.append_attribute("packager") = "org.jpos.tlv.packager.bertlv.BERTLVAsciiHexPackager";
            node.append_attribute("emitBitmap") = "false";
            return;
        }
        const bool divided = f.subfields && can_divide(f, where);
        pugi::xml_node node =
            add(parent, divided ? "isofieldpackager" : "isofield", id, f.max, f.name, class_name);
        if (f.encoding == Encoding::bcd && f.content != Content::xn)
            node.append_attribute("pad") = f.odd == Align::right ? "true" : "false";
        if (divided) write_subfields(node, *f.subfields, where);
    }

    void write_subfields(pugi::xml_node& node, const SubfieldSet& s, const std::string& where) {
        const bool bitmap = s.kind == SubfieldSet::Kind::bitmap;
        const bool tagged = s.kind == SubfieldSet::Kind::tagged;
        node.append_attribute("packager") = packager_of(s);
        node.append_attribute("emitBitmap") = bitmap ? "true" : "false";
        if (s.kind == SubfieldSet::Kind::ber_tlv) return;
        if (tagged && s.tag_encoding == Encoding::ascii) {
            node.append_attribute("tagMapper") = s.tag_size == 2
                                                     ? "org.jpos.iso.packager.TTDecimalTagMapper"
                                                     : "org.jpos.iso.packager.TTTDecimalTagMapper";
            node.append_attribute("tagSize") = static_cast<int>(s.tag_size);
            node.append_attribute("lenSize") = static_cast<int>(length_size(s));
        }
        if (bitmap) {
            node.append_attribute("bitmapField") = "0";
            node.append_attribute("firstField") = "1";
            add(node, "isofield", "0", s.bitmap_extends ? 16 : s.bitmap_bytes, "bitmap",
                bitmap_class(s.bitmap_encoding));
        } else if (s.kind == SubfieldSet::Kind::positional) {
            node.append_attribute("firstField") = "0";
        }
        for (const Subfield& sub : s.fields)
            write_field(node, std::to_string(std::stoul(sub.id)), sub.spec, where + "." + sub.id,
                        tagged ? &s : nullptr);
    }

    static const char* packager_of(const SubfieldSet& s) {
        switch (s.kind) {
            case SubfieldSet::Kind::ber_tlv:
                return "org.jpos.tlv.packager.bertlv.BERTLVBinaryPackager";
            case SubfieldSet::Kind::dataset:
                return "org.jpos.iso.packager.DatasetPackager";
            case SubfieldSet::Kind::tagged:
                return s.tag_encoding == Encoding::ascii
                           ? "org.jpos.iso.packager.GenericTaggedFieldsPackager"
                           : "org.jpos.iso.packager.MasterCardEBCDICSubFieldPackager";
            case SubfieldSet::Kind::positional:
            case SubfieldSet::Kind::bitmap:
                break;
        }
        return "org.jpos.iso.packager.GenericSubFieldPackager";
    }

    static std::uint8_t length_size(const SubfieldSet& s) {
        return s.fields.empty() ? s.unknown_prefix_size : s.fields.front().spec.prefix_size;
    }

    bool can_divide(const FieldSpec& f, const std::string& where) {
        const SubfieldSet& s = *f.subfields;
        const auto lost = [&](std::string_view why) {
            note(where, fmt::format("its subfields are lost: {}", why));
            return false;
        };
        if (s.only_units != 0) return lost("they depend on its length");
        std::vector<unsigned long> ids;
        for (const Subfield& sub : s.fields) {
            if (sub.spec.rest) return lost("one takes what is left");
            if (s.kind == SubfieldSet::Kind::ber_tlv) continue;
            if (!all_digits(sub.id) || sub.id.size() > 4) return lost("their ids are no numbers");
            const unsigned long id = std::stoul(sub.id);
            // There they stand in the order of their numbers, wherever they are listed.
            if (!ids.empty() && id <= ids.back()) return lost("their ids do not ascend");
            ids.push_back(id);
        }
        if (s.kind == SubfieldSet::Kind::bitmap && s.bitmap_bytes > 8)
            return lost("a bitmap of more than 8 bytes");
        return s.kind != SubfieldSet::Kind::tagged || can_be_tagged(s, lost);
    }

    template <typename Lost>
    static bool can_be_tagged(const SubfieldSet& s, const Lost& lost) {
        if (s.lead != 0) return lost("one stands before the tags");
        if (s.length_first) return lost("lengths stand before tags");
        if (s.tag_encoding != Encoding::ascii && s.tag_encoding != Encoding::ebcdic)
            return lost("tags that are not characters");
        if (s.tag_size < 2 || s.tag_size > 3) return lost("tags of other than 2 or 3 characters");
        for (const Subfield& sub : s.fields) {
            if (sub.spec.prefix_size != length_size(s)) return lost("their lengths are of different sizes");
            if (class_name_of(sub.spec, s.tag_size, s.tag_encoding).empty())
                return lost(fmt::format("subfield {} has no class with a tag there", sub.id));
        }
        return true;
    }
};

}  // namespace

Result<WrittenSpec, SpecProblems> write_xml(const DialectSpec& spec) {
    XmlWriter writer;
    std::string text = writer.run(spec);
    if (!writer.problems.empty()) return tl::unexpected(std::move(writer.problems));
    return WrittenSpec{std::move(text), std::move(writer.notes)};
}

}  // namespace iso8583::specs
