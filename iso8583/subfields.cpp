#include "iso8583/subfields.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "iso8583/field_plan.hpp"
#include "iso8583/subfield_codec.hpp"

namespace iso8583 {

using Kind = CodecError::Kind;

namespace detail {

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

}  // namespace detail

using detail::find_sub;
using detail::read_one;
using detail::Values;
using detail::write_one;

namespace {

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
    const bool binary = set.bitmap_encoding == BitmapEncoding::binary;
    const std::size_t wire = set.bitmap_bytes * (binary ? std::size_t{1} : std::size_t{2});
    if (content.size() - at < wire)
        return tl::unexpected(CodecError::inside(Kind::truncated, {}, at, wire, content.size() - at));
    std::string part(content.substr(at, wire));
    if (set.bitmap_encoding == BitmapEncoding::hex_ebcdic)
        for (char& c : part) c = static_cast<char>(ebcdic_to_latin1[static_cast<std::uint8_t>(c)]);
    const auto bytes = binary ? Result<Bytes>(Bytes(part.begin(), part.end())) : parse_hex(part);
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
    if (set.bitmap_encoding == BitmapEncoding::binary) return std::string(as_text(bits));
    std::string hex = to_hex(bits);
    if (set.bitmap_encoding == BitmapEncoding::hex_ebcdic)
        for (char& c : hex) c = static_cast<char>(latin1_to_ebcdic[static_cast<std::uint8_t>(c)]);
    return hex;
}

}  // namespace

Result<void, SpecError> check_subfields(const SubfieldSet& set, int field, int depth) {
    const auto fault = [&](std::string what) { return tl::unexpected(SpecError{field, std::move(what)}); };
    if (depth == subfield_depth_max)
        return fault(fmt::format("subfields nested deeper than {}", subfield_depth_max));
    if (set.kind == SubfieldSet::Kind::ber_tlv) return {};
    const bool named = set.kind == SubfieldSet::Kind::dataset ||
                       (set.kind == SubfieldSet::Kind::tagged && set.unknown_prefix != Prefix::none);
    if (set.fields.empty() && !named) return fault("has a list of subfields with nothing in it");
    if (set.kind == SubfieldSet::Kind::tagged) {
        if (set.tag_size == 0) return fault("tagged subfields need the length of a tag");
        const int most = set.unknown_prefix == Prefix::none     ? 0
                         : set.unknown_prefix == Prefix::binary ? 2
                                                                : prefix_digits_max;
        if (set.unknown_prefix_size > most || (most > 0 && set.unknown_prefix_size == 0))
            return fault(fmt::format("a {} length prefix of size {} for unknown tags",
                                     name_of(set.unknown_prefix), set.unknown_prefix_size));
        if (set.length_first && most == 0)
            return fault("lengths before tags need their form (unknown_length)");
        if (set.lead > set.fields.size()) return fault("more subfields before the tags than there are");
    }
    if (set.kind == SubfieldSet::Kind::bitmap && (set.bitmap_bytes == 0 || set.bitmap_bytes > 24))
        return fault("a bitmap of subfields has 1 to 24 bytes");
    for (std::size_t i = 0; i < set.fields.size(); ++i) {
        const Subfield& sub = set.fields[i];
        if (sub.id.empty() || sub.id.find('.') != std::string::npos)
            return fault(fmt::format("subfield id \"{}\" cannot be a step of a path", sub.id));
        if (find_sub(set, sub.id) != &sub) return fault(fmt::format("subfield {} is there twice", sub.id));
        if (set.kind == SubfieldSet::Kind::tagged && i >= set.lead &&
            detail::tag_wire(set, sub.id).size() != detail::tag_bytes(set))
            return fault(fmt::format("subfield {}: its tag is not {} characters", sub.id, set.tag_size));
        if (set.kind == SubfieldSet::Kind::bitmap) {
            const std::size_t most = set.bitmap_bytes * std::size_t{8} * (set.bitmap_extends ? 2 : 1);
            const bool number = all_digits(sub.id) && sub.id.size() <= 3 && sub.id.front() != '0';
            if (!number || std::stoul(sub.id) > most || (set.bitmap_extends && sub.id == "1"))
                return fault(fmt::format("subfield {} has no bit in its bitmap", sub.id));
        }
        if (set.kind == SubfieldSet::Kind::dataset) {
            const bool number = all_digits(sub.id) && sub.id.size() <= 3 && sub.id.front() != '0';
            if (!number || std::stoul(sub.id) > detail::dataset_elements_max)
                return fault(fmt::format("subfield {} is no element of a dataset, 1 to {}", sub.id,
                                         detail::dataset_elements_max));
        }
        if (set.length_first && i >= set.lead &&
            (sub.spec.prefix != set.unknown_prefix || sub.spec.prefix_size != set.unknown_prefix_size))
            return fault(fmt::format("subfield {}: lengths before tags have one form", sub.id));
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
            return detail::parse_tlv(set, content);
        case SubfieldSet::Kind::tagged:
            return detail::parse_tagged(set, content);
        case SubfieldSet::Kind::bitmap:
            return parse_bitmap(set, content);
        case SubfieldSet::Kind::dataset:
            return detail::parse_datasets(set, content);
    }
    return Values{};
}

Result<std::string, CodecError> format_subfields(const SubfieldSet& set, const Values& values) {
    if (set.kind == SubfieldSet::Kind::ber_tlv) {
        Bytes out;
        if (auto ok = detail::format_tlv(values, out); !ok) return tl::unexpected(std::move(ok.error()));
        return std::string(as_text(out));
    }
    if (set.kind == SubfieldSet::Kind::tagged) return detail::format_tagged(set, values);
    if (set.kind == SubfieldSet::Kind::dataset) return detail::format_datasets(set, values);
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
