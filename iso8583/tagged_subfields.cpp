// Tagged subfields and BER-TLV: what is found by its tag.
#include <algorithm>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/field_plan.hpp"
#include "iso8583/subfield_codec.hpp"
#include "iso8583/tagged_text.hpp"

namespace iso8583::detail {

using Kind = CodecError::Kind;

/// Bytes of a tag on the wire, and the tag as ids write it.
std::size_t tag_bytes(const SubfieldSet& set) {
    const bool packed = set.tag_encoding == Encoding::bcd || set.tag_encoding == Encoding::binary;
    return packed ? (set.tag_size + 1U) / 2U : set.tag_size;
}

namespace {

std::string tag_id(const SubfieldSet& set, std::string_view wire) {
    switch (set.tag_encoding) {
        case Encoding::bcd:
        case Encoding::binary:
            return to_hex(as_bytes(wire));
        case Encoding::ebcdic: {
            std::string id;
            for (char c : wire)
                id.push_back(static_cast<char>(ebcdic_to_latin1[static_cast<std::uint8_t>(c)]));
            return id;
        }
        case Encoding::ascii:
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            break;
    }
    return std::string(wire);
}
}  // namespace

std::string tag_wire(const SubfieldSet& set, const std::string& id) {
    switch (set.tag_encoding) {
        case Encoding::bcd:
        case Encoding::binary: {
            const auto bytes = parse_hex(id);
            return bytes ? std::string(as_text(*bytes)) : std::string();
        }
        case Encoding::ebcdic: {
            std::string wire;
            for (char c : id)
                wire.push_back(static_cast<char>(latin1_to_ebcdic[static_cast<std::uint8_t>(c)]));
            return wire;
        }
        case Encoding::ascii:
        case Encoding::hex:
        case Encoding::hex_ebcdic:
            break;
    }
    return id;
}

namespace {

/// A tag that the table does not have: bytes with the length that the set says unknown ones have.
Subfield unknown_sub(const SubfieldSet& set, std::string id) {
    Subfield sub;
    sub.id = std::move(id);
    sub.spec.content = Content::b;
    sub.spec.encoding = Encoding::binary;
    sub.spec.prefix = set.unknown_prefix;
    sub.spec.prefix_size = set.unknown_prefix_size;
    sub.spec.max = static_cast<std::uint16_t>(
        std::min(field_units_max, prefix_values(set.unknown_prefix, set.unknown_prefix_size) - 1));
    return sub;
}

/// A tag that is not in the list has the common length and is bytes; nothing when none is said.
bool keeps_unknown(const SubfieldSet& set) { return set.unknown_prefix != Prefix::none; }

/// The subfield of a tag; `other` is where one that is not in the list is made.
const Subfield* sub_of_tag(const SubfieldSet& set, const std::string& id, Subfield& other) {
    if (const Subfield* sub = find_sub(set, id)) return sub;
    if (!keeps_unknown(set)) return nullptr;
    other = unknown_sub(set, id);
    return &other;
}

/// The same without its length, which has been read.
Subfield without_prefix(Subfield sub) {
    sub.spec.prefix = Prefix::none;
    sub.spec.prefix_size = 0;
    sub.spec.rest = true;
    return sub;
}

}  // namespace

Result<Values, CodecError> parse_tagged(const SubfieldSet& set, std::string_view content) {
    Values out;
    const std::size_t size = tag_bytes(set);
    std::size_t at = 0;
    for (std::size_t i = 0; i < set.lead && at < content.size(); ++i) {
        auto value = read_one(set.fields[i], content, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        out.push_back(std::move(*value));
    }
    const FieldPlan length = FieldPlan::of(unknown_sub(set, {}).spec);
    while (at < content.size()) {
        std::string_view window = content;
        std::size_t count = 0;
        if (set.length_first) {
            const std::size_t begin = at;
            if (content.size() - at < length.prefix_bytes)
                return tl::unexpected(
                    CodecError::inside(Kind::truncated, {}, at, length.prefix_bytes, content.size() - at));
            const auto* p = reinterpret_cast<const std::uint8_t*>(content.data());
            if (!length.read_prefix(p + at, count))
                return tl::unexpected(CodecError::inside(Kind::bad_length, {}, at, length.prefix_bytes, 0));
            at += length.prefix_bytes;
            if (count > content.size() - at)
                return tl::unexpected(
                    CodecError::inside(Kind::lying_length, {}, at, count, content.size() - at));
            if (count < size)
                return tl::unexpected(CodecError::inside(Kind::under_long, {}, begin, size, count));
            window = content.substr(0, at + count);
        }
        if (content.size() - at < size)
            return tl::unexpected(CodecError::inside(Kind::truncated, {}, at, size, content.size() - at));
        const std::string id = tag_id(set, content.substr(at, size));
        Subfield other;
        const Subfield* sub = sub_of_tag(set, id, other);
        if (sub == nullptr) return tl::unexpected(CodecError::inside(Kind::unknown_field, id, at, 0, 0));
        at += size;
        auto value =
            set.length_first ? read_one(without_prefix(*sub), window, at) : read_one(*sub, window, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        // Nobody says what it is: no payment code may be read in it.
        if (sub == &other && may_be_payment_code(value->content)) value->secret = Secret::key;
        if (set.length_first && at < window.size())
            return tl::unexpected(
                CodecError::inside(Kind::trailing_bytes, id, at, 0, window.size() - at, sub->spec.name));
        out.push_back(std::move(*value));
    }
    return out;
}

Result<std::string, CodecError> format_tagged(const SubfieldSet& set, const Values& values) {
    std::string out;
    std::size_t next = 0;
    for (const SubfieldValue& v : values) {
        // What stands before the tags: all of it, in its order.
        if (next < set.lead) {
            const Subfield& sub = set.fields[next++];
            if (v.id != sub.id)
                return tl::unexpected(CodecError::inside(Kind::truncated, sub.id, out.size(),
                                                         wire_bytes(sub.spec, sub.spec.min), 0,
                                                         sub.spec.name));
            if (auto ok = write_one(sub, v, out); !ok) return tl::unexpected(std::move(ok.error()));
            continue;
        }
        Subfield other;
        const Subfield* sub = sub_of_tag(set, v.id, other);
        const std::string tag = tag_wire(set, v.id);
        if (sub == nullptr || tag.size() != tag_bytes(set))
            return tl::unexpected(CodecError::inside(Kind::unknown_field, v.id, out.size(), 0, 0));
        if (!set.length_first) {
            out += tag;
            if (auto ok = write_one(*sub, v, out); !ok) return tl::unexpected(std::move(ok.error()));
            continue;
        }
        std::string value;
        if (auto ok = write_one(without_prefix(*sub), v, value); !ok)
            return tl::unexpected(std::move(ok.error()));
        const FieldPlan length = FieldPlan::of(unknown_sub(set, {}).spec);
        const std::size_t count = tag.size() + value.size();
        const std::size_t most = prefix_values(set.unknown_prefix, set.unknown_prefix_size) - 1;
        if (count > most)
            return tl::unexpected(
                CodecError::inside(Kind::over_long, v.id, out.size(), most - tag.size(), value.size()));
        const std::size_t begin = out.size();
        out.resize(begin + length.prefix_bytes);
        length.write_prefix(count, reinterpret_cast<std::uint8_t*>(out.data()) + begin);
        out += tag + value;
    }
    return out;
}

namespace {

/// Nodes [i, …) deeper than the one before become a tree.
Values tree_of(const SubfieldSet& set, const std::vector<TlvNode>& nodes, std::size_t& i, int depth) {
    Values out;
    while (i < nodes.size() && nodes[i].depth == depth) {
        const TlvNode& node = nodes[i++];
        SubfieldValue value{.id = tag_str(node.tag),
                            .name = std::string(tag_name(node.tag)),
                            .content_class = Content::b,
                            .secret = tag_secret(node.tag),
                            .offset = node.value_begin,
                            .size = node.value.size(),
                            .content = std::string(as_text(node.value)),
                            .inside = {}};
        if (const Subfield* sub = find_sub(set, value.id)) {
            if (!sub->spec.name.empty()) value.name = sub->spec.name;
            // What a table says may add to what is secret, never take away.
            if (sub->spec.secret != Secret::none) value.secret = sub->spec.secret;
        }
        value.inside = tree_of(set, nodes, i, depth + 1);
        out.push_back(std::move(value));
    }
    return out;
}

Kind kind_of(TlvError::Kind kind) {
    switch (kind) {
        case TlvError::Kind::truncated_tag:
        case TlvError::Kind::truncated_length:
            return Kind::truncated;
        case TlvError::Kind::truncated_value:
            return Kind::lying_length;
        case TlvError::Kind::long_tag:
        case TlvError::Kind::too_deep:
        case TlvError::Kind::too_many:
            return Kind::over_long;
        case TlvError::Kind::long_length:
        case TlvError::Kind::indefinite_length:
            return Kind::bad_length;
    }
    return Kind::bad_length;
}

}  // namespace

Result<Values, CodecError> parse_tlv(const SubfieldSet& set, std::string_view content) {
    auto nodes = parse_ber_tlv(as_bytes(content));
    if (!nodes) {
        const TlvError& e = nodes.error();
        return tl::unexpected(CodecError::inside(kind_of(e.kind), e.path, e.offset, e.needed, e.found));
    }
    std::size_t i = 0;
    return tree_of(set, *nodes, i, 0);
}

Result<void, CodecError> format_tlv(const Values& values, Bytes& out) {
    for (const SubfieldValue& v : values) {
        const auto tag = parse_tag(v.id);
        if (!tag) return tl::unexpected(CodecError::inside(Kind::unknown_field, v.id, out.size(), 0, 0));
        if (v.inside.empty()) {
            append_tlv(*tag, as_bytes(v.content), out);
            continue;
        }
        Bytes inside;
        if (auto ok = format_tlv(v.inside, inside); !ok) {
            ok.error().path = v.id + "." + ok.error().path;
            return ok;
        }
        append_tlv(*tag, inside, out);
    }
    return {};
}

}  // namespace iso8583::detail
