#include "iso8583/subfields.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/field_plan.hpp"

namespace iso8583 {

namespace {

using Kind = CodecError::Kind;
using Values = std::vector<SubfieldValue>;

const Subfield* find_sub(const SubfieldSet& set, std::string_view id) {
    const auto sub =
        std::find_if(set.fields.begin(), set.fields.end(), [&](const Subfield& s) { return s.id == id; });
    return sub == set.fields.end() ? nullptr : &*sub;
}

/// Reads one subfield's prefix and content at `at`, which moves behind it.
Result<SubfieldValue, CodecError> read_one(const Subfield& sub, std::string_view content, std::size_t& at) {
    const FieldPlan plan = FieldPlan::of(sub.spec);
    const auto* p = reinterpret_cast<const std::uint8_t*>(content.data());
    const auto fail = [&](Kind kind, std::size_t offset, std::size_t needed, std::size_t found) {
        CodecError e = CodecError::inside(kind, sub.id, offset, needed, found, sub.spec.name);
        e.unit = name_of(unit_of(sub.spec.content));
        return tl::unexpected(std::move(e));
    };
    std::size_t units = plan.max;
    std::size_t bytes = plan.fixed_bytes;
    const std::size_t begin = at;
    if (plan.prefix != Prefix::none) {
        if (content.size() - at < plan.prefix_bytes)
            return fail(Kind::truncated, at, plan.prefix_bytes, content.size() - at);
        std::size_t count = 0;
        if (!plan.read_prefix(p + at, count)) return fail(Kind::bad_length, at, plan.prefix_bytes, 0);
        at += plan.prefix_bytes;
        units = plan.units_of_count(count);
        bytes = plan.bytes_of_count(count);
    }
    if (sub.spec.rest) {
        const std::size_t left = plan.units_of_bytes(content.size() - at);
        units = std::min(left, units);
        bytes = plan.bytes_of_units(units);
    }
    if (content.size() - at < bytes)
        return fail(plan.prefix == Prefix::none ? Kind::truncated : Kind::lying_length, at, bytes,
                    content.size() - at);
    if (plan.trims_filler && bytes > 0 && plan.has_filler(p + at, bytes)) --units;
    if (units > plan.max) return fail(Kind::over_long, begin, plan.max, units);
    if (units < plan.min) return fail(Kind::under_long, begin, plan.min, units);
    if (!plan.content_ok(p + at, units, bytes, content.size() - at)) {
        const std::size_t bad = at + plan.first_bad(p + at, units, bytes);
        CodecError e = CodecError::inside(Kind::bad_character, sub.id, bad, 0, 0, sub.spec.name);
        e.class_needed = plan.class_needed();
        e.class_there = plan.class_there(p[bad]);
        return tl::unexpected(std::move(e));
    }
    SubfieldValue value{.id = sub.id,
                        .name = sub.spec.name,
                        .content_class = sub.spec.content,
                        .secret = sub.spec.secret,
                        .offset = at,
                        .size = bytes,
                        .content = std::string(units, '\0'),
                        .inside = {}};
    plan.to_canonical(p + at, units, value.content.data());
    if (sub.spec.subfields) {
        auto inside = parse_subfields(*sub.spec.subfields, value.content);
        if (!inside) {
            CodecError e = std::move(inside.error());
            e.path = e.path.empty() ? sub.id : sub.id + "." + e.path;
            e.offset = at + plan.byte_of_unit(e.offset, units);
            return tl::unexpected(std::move(e));
        }
        value.inside = std::move(*inside);
    }
    at += bytes;
    return value;
}

Result<void, CodecError> write_one(const Subfield& sub, const SubfieldValue& value, std::string& out) {
    const FieldPlan plan = FieldPlan::of(sub.spec);
    std::string content = value.content;
    if (sub.spec.subfields && !value.inside.empty()) {
        auto inside = format_subfields(*sub.spec.subfields, value.inside);
        if (!inside) {
            inside.error().path = inside.error().path.empty() ? sub.id : sub.id + "." + inside.error().path;
            return tl::unexpected(std::move(inside.error()));
        }
        content = std::move(*inside);
    }
    if (sub.spec.fills && content.size() < plan.min) {
        const std::size_t room = plan.min - content.size();
        content.insert(sub.spec.fill_align == Align::left ? content.size() : 0, room, sub.spec.fill);
    }
    const std::size_t units = content.size();
    const auto fail = [&](Kind kind, std::size_t needed, std::size_t found) {
        CodecError e = CodecError::inside(kind, sub.id, out.size(), needed, found, sub.spec.name);
        e.unit = name_of(unit_of(sub.spec.content));
        return tl::unexpected(std::move(e));
    };
    if (units > plan.max) return fail(Kind::over_long, plan.max, units);
    if (units < plan.min) return fail(Kind::under_long, plan.min, units);
    const std::size_t bytes = plan.bytes_of_units(units);
    const std::size_t begin = out.size();
    out.resize(begin + plan.prefix_bytes + bytes);
    auto* p = reinterpret_cast<std::uint8_t*>(out.data()) + begin;
    plan.write_prefix(plan.counts == Counts::wire ? bytes : units, p);
    if (!plan.to_wire(content.data(), units, p + plan.prefix_bytes)) {
        out.resize(begin);
        CodecError e = CodecError::inside(Kind::bad_character, sub.id, begin, 0, 0, sub.spec.name);
        e.class_needed = plan.class_needed();
        e.class_there = plan.class_there(content);
        return tl::unexpected(std::move(e));
    }
    return {};
}

Result<Values, CodecError> parse_positional(const SubfieldSet& set, std::string_view content) {
    Values out;
    std::size_t at = 0;
    for (const Subfield& sub : set.fields) {
        if (at == content.size()) break;
        auto value = read_one(sub, content, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        out.push_back(std::move(*value));
    }
    if (at < content.size())
        return tl::unexpected(CodecError::inside(Kind::trailing_bytes, {}, at, 0, content.size() - at));
    return out;
}

/// One bitmap (part) at `at`, appended to `bits`.
Result<void, CodecError> read_bits(const SubfieldSet& set, std::string_view content, std::size_t& at,
                                   Bytes& bits) {
    const std::size_t wire = set.bitmap_bytes * (set.bitmap_hex ? std::size_t{2} : std::size_t{1});
    if (content.size() - at < wire)
        return tl::unexpected(CodecError::inside(Kind::truncated, {}, at, wire, content.size() - at));
    const std::string_view part = content.substr(at, wire);
    const auto bytes = set.bitmap_hex ? parse_hex(part) : Result<Bytes>(Bytes(part.begin(), part.end()));
    if (!bytes) return tl::unexpected(CodecError::inside(Kind::bad_bitmap, {}, at, 0, 0));
    bits.insert(bits.end(), bytes->begin(), bytes->end());
    at += wire;
    return {};
}

Result<Values, CodecError> parse_bitmap(const SubfieldSet& set, std::string_view content) {
    Values out;
    Bytes bits;
    std::size_t at = 0;
    if (auto ok = read_bits(set, content, at, bits); !ok) return tl::unexpected(std::move(ok.error()));
    if (set.bitmap_extends && (bits[0] & 0x80) != 0)
        if (auto ok = read_bits(set, content, at, bits); !ok) return tl::unexpected(std::move(ok.error()));
    for (std::size_t bit = set.bitmap_extends ? 1 : 0; bit < bits.size() * 8; ++bit) {
        if ((bits[bit / 8] >> (7 - bit % 8) & 1) == 0) continue;
        const std::string id = std::to_string(bit + 1);
        const auto sub =
            std::find_if(set.fields.begin(), set.fields.end(), [&](const Subfield& s) { return s.id == id; });
        if (sub == set.fields.end())
            return tl::unexpected(CodecError::inside(Kind::lying_bitmap, id, 0, 0, 0));
        auto value = read_one(*sub, content, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        out.push_back(std::move(*value));
    }
    if (at < content.size())
        return tl::unexpected(CodecError::inside(Kind::trailing_bytes, {}, at, 0, content.size() - at));
    return out;
}

/// The bitmap that announces the values; empty when one has no bit.
Result<std::string, CodecError> write_bits(const SubfieldSet& set, const Values& values) {
    Bytes bits(set.bitmap_bytes, 0);
    for (const SubfieldValue& v : values) {
        std::size_t bit = 0;
        for (char c : v.id) bit = bit * 10 + static_cast<std::size_t>(c - '0');
        const std::size_t bytes =
            bit > set.bitmap_bytes * std::size_t{8} ? set.bitmap_bytes * std::size_t{2} : set.bitmap_bytes;
        if (bytes > bits.size()) bits.resize(bytes, 0);
        if (set.bitmap_extends && bytes > set.bitmap_bytes) bits[0] |= 0x80;
        bits[(bit - 1) / 8] = static_cast<std::uint8_t>(bits[(bit - 1) / 8] | 0x80U >> (bit - 1) % 8);
    }
    return set.bitmap_hex ? to_hex(bits) : std::string(as_text(bits));
}

/// Bytes of a tag on the wire, and the tag as ids write it.
std::size_t tag_bytes(const SubfieldSet& set) {
    const bool packed = set.tag_encoding == Encoding::bcd || set.tag_encoding == Encoding::binary;
    return packed ? (set.tag_size + 1U) / 2U : set.tag_size;
}
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

Result<Values, CodecError> parse_tagged(const SubfieldSet& set, std::string_view content) {
    Values out;
    const std::size_t size = tag_bytes(set);
    for (std::size_t at = 0; at < content.size();) {
        if (content.size() - at < size)
            return tl::unexpected(CodecError::inside(Kind::truncated, {}, at, size, content.size() - at));
        const std::string id = tag_id(set, content.substr(at, size));
        const Subfield* sub = find_sub(set, id);
        if (sub == nullptr && set.unknown_prefix == Prefix::none)
            return tl::unexpected(CodecError::inside(Kind::unknown_field, {}, at, 0, 0));
        at += size;
        auto value = read_one(sub != nullptr ? *sub : unknown_sub(set, id), content, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        out.push_back(std::move(*value));
    }
    return out;
}

Result<std::string, CodecError> format_tagged(const SubfieldSet& set, const Values& values) {
    std::string out;
    for (const SubfieldValue& v : values) {
        const Subfield* sub = find_sub(set, v.id);
        const std::string tag = tag_wire(set, v.id);
        if (sub == nullptr && (set.unknown_prefix == Prefix::none || tag.size() != tag_bytes(set)))
            return tl::unexpected(CodecError::inside(Kind::unknown_field, v.id, out.size(), 0, 0));
        out += tag;
        if (auto ok = write_one(sub != nullptr ? *sub : unknown_sub(set, v.id), v, out); !ok)
            return tl::unexpected(std::move(ok.error()));
    }
    return out;
}

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

}  // namespace

Result<void, SpecError> check_subfields(const SubfieldSet& set, int field, int depth) {
    const auto fault = [&](std::string what) { return tl::unexpected(SpecError{field, std::move(what)}); };
    if (depth == subfield_depth_max)
        return fault(fmt::format("subfields nested deeper than {}", subfield_depth_max));
    if (set.kind == SubfieldSet::Kind::ber_tlv) return {};
    if (set.fields.empty()) return fault("has a list of subfields with nothing in it");
    if (set.kind == SubfieldSet::Kind::tagged) {
        if (set.tag_size == 0) return fault("tagged subfields need the length of a tag");
        const int most = set.unknown_prefix == Prefix::none     ? 0
                         : set.unknown_prefix == Prefix::binary ? 2
                                                                : prefix_digits_max;
        if (set.unknown_prefix_size > most || (most > 0 && set.unknown_prefix_size == 0))
            return fault(fmt::format("a {} length prefix of size {} for unknown tags",
                                     name_of(set.unknown_prefix), set.unknown_prefix_size));
    }
    if (set.kind == SubfieldSet::Kind::bitmap && (set.bitmap_bytes == 0 || set.bitmap_bytes > 24))
        return fault("a bitmap of subfields has 1 to 24 bytes");
    for (std::size_t i = 0; i < set.fields.size(); ++i) {
        const Subfield& sub = set.fields[i];
        if (sub.id.empty() || sub.id.find('.') != std::string::npos)
            return fault(fmt::format("subfield id \"{}\" cannot be a step of a path", sub.id));
        if (find_sub(set, sub.id) != &sub) return fault(fmt::format("subfield {} is there twice", sub.id));
        if (set.kind == SubfieldSet::Kind::tagged && tag_wire(set, sub.id).size() != tag_bytes(set))
            return fault(fmt::format("subfield {}: its tag is not {} characters", sub.id, set.tag_size));
        if (set.kind == SubfieldSet::Kind::bitmap) {
            const std::size_t most = set.bitmap_bytes * std::size_t{8} * (set.bitmap_extends ? 2 : 1);
            const bool number = all_digits(sub.id) && sub.id.size() <= 3 && sub.id.front() != '0';
            if (!number || std::stoul(sub.id) > most || (set.bitmap_extends && sub.id == "1"))
                return fault(fmt::format("subfield {} has no bit in its bitmap", sub.id));
        }
        if (std::string what = composition_fault(sub.spec); !what.empty())
            return fault(fmt::format("subfield {}: {}", sub.id, what));
        if (sub.spec.subfields)
            if (auto ok = check_subfields(*sub.spec.subfields, field, depth + 1); !ok)
                return fault(fmt::format("subfield {}: {}", sub.id, ok.error().what));
    }
    return {};
}

Result<Values, CodecError> parse_subfields(const SubfieldSet& set, std::string_view content) {
    if (set.only_units != 0 && content.size() != set.only_units) return Values{};
    switch (set.kind) {
        case SubfieldSet::Kind::positional:
            return parse_positional(set, content);
        case SubfieldSet::Kind::ber_tlv:
            return parse_tlv(set, content);
        case SubfieldSet::Kind::tagged:
            return parse_tagged(set, content);
        case SubfieldSet::Kind::bitmap:
            return parse_bitmap(set, content);
    }
    return Values{};
}

Result<std::string, CodecError> format_subfields(const SubfieldSet& set, const Values& values) {
    if (set.kind == SubfieldSet::Kind::ber_tlv) {
        Bytes out;
        if (auto ok = format_tlv(values, out); !ok) return tl::unexpected(std::move(ok.error()));
        return std::string(as_text(out));
    }
    if (set.kind == SubfieldSet::Kind::tagged) return format_tagged(set, values);
    for (const SubfieldValue& v : values)
        if (find_sub(set, v.id) == nullptr)
            return tl::unexpected(CodecError::inside(Kind::unknown_field, v.id, 0, 0, 0));
    std::string out;
    if (set.kind == SubfieldSet::Kind::bitmap) {
        auto bits = write_bits(set, values);
        if (!bits) return bits;
        out = std::move(*bits);
    }
    std::size_t written = 0;
    for (const Subfield& sub : set.fields) {
        const auto value = std::find_if(values.begin(), values.end(),
                                        [&](const SubfieldValue& v) { return v.id == sub.id; });
        if (value == values.end()) {
            // A positional subfield cannot be left out before one that is there.
            if (set.kind == SubfieldSet::Kind::positional && written < values.size())
                return tl::unexpected(CodecError::inside(Kind::truncated, sub.id, out.size(),
                                                         wire_bytes(sub.spec, sub.spec.min), 0,
                                                         sub.spec.name));
            continue;
        }
        if (auto ok = write_one(sub, *value, out); !ok) return tl::unexpected(std::move(ok.error()));
        ++written;
    }
    return out;
}

}  // namespace iso8583
