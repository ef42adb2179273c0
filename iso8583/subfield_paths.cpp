// Paths into fields: "55.9F02" in get, set and errors.
#include <algorithm>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583 {

namespace {

using Kind = CodecError::Kind;
using Values = std::vector<SubfieldValue>;

std::string join(std::string_view a, std::string_view b) {
    return b.empty() ? std::string(a) : std::string(a) + "." + std::string(b);
}

/// The field number a path begins with, and the rest of it.
Result<std::pair<int, std::string_view>, CodecError> split(const Dialect& dialect, std::string_view path) {
    const std::size_t dot = path.find('.');
    int n = 0;
    for (char c : path.substr(0, dot)) n = is_digit(c) && n < 1000 ? n * 10 + (c - '0') : 1000;
    const FieldSpec* spec = n < 1000 ? dialect.field_spec(n) : nullptr;
    const bool deeper = dot != std::string_view::npos;
    if (spec == nullptr || (deeper && (!spec->subfields || dot + 1 == path.size()))) {
        CodecError e = CodecError::inside(Kind::unknown_field, std::string(path), 0, 0, 0);
        e.field = n < 1000 ? n : 0;
        return tl::unexpected(std::move(e));
    }
    return std::pair{n, deeper ? path.substr(dot + 1) : std::string_view()};
}

const SubfieldValue* find_value(const Values& values, std::string_view path) {
    const std::size_t dot = path.find('.');
    for (const SubfieldValue& v : values)
        if (v.id == path.substr(0, dot))
            return dot == std::string_view::npos ? &v : find_value(v.inside, path.substr(dot + 1));
    return nullptr;
}

/// The path's error as one of field n.
CodecError of_field(CodecError e, const FieldSpec& spec) {
    e.field = spec.number;
    e.path = join(std::to_string(spec.number), e.path);
    if (e.name.empty()) e.name = spec.name;
    return e;
}

Result<std::string, CodecError> pick(const FieldSpec& spec, std::string_view content, std::string_view rest) {
    auto values = parse_subfields(*spec.subfields, content);
    if (!values) return tl::unexpected(of_field(std::move(values.error()), spec));
    const SubfieldValue* value = find_value(*values, rest);
    if (value == nullptr)
        return tl::unexpected(
            of_field(CodecError::inside(Kind::unknown_field, std::string(rest), 0, 0, 0), spec));
    return value->content;
}

/// Puts a value into a tree of subfields, making the steps that are missing.
void put_value(Values& values, std::string_view path, std::string_view content) {
    const std::size_t dot = path.find('.');
    const std::string id(path.substr(0, dot));
    auto v = std::find_if(values.begin(), values.end(), [&](const SubfieldValue& x) { return x.id == id; });
    if (v == values.end())
        v = values.insert(values.end(), SubfieldValue{.id = id, .name = {}, .content = {}, .inside = {}});
    if (dot == std::string_view::npos) {
        v->content = content;
        v->inside.clear();
    } else {
        put_value(v->inside, path.substr(dot + 1), content);
    }
}

}  // namespace

Result<Values, CodecError> subfields_of(const Message& message, Field f) {
    const FieldSpec* spec = message.dialect().field_spec(number(f));
    if (spec == nullptr || !spec->subfields || !message.has(f)) return Values{};
    auto values = parse_subfields(*spec->subfields, message.get(f));
    if (values) return values;
    CodecError e = of_field(std::move(values.error()), *spec);
    e.offset = message.offset(f) + message.dialect().plan(number(f)).byte_of_unit(e.offset, message.units(f));
    return tl::unexpected(std::move(e));
}

Result<std::string, CodecError> get_path(const Message& message, std::string_view path) {
    const auto where = split(message.dialect(), path);
    if (!where) return tl::unexpected(where.error());
    const Field f = field(where->first);
    if (where->second.empty()) return message.get(f);
    return pick(*message.dialect().field_spec(where->first), message.get(f), where->second);
}

Result<std::string, CodecError> get_path(const Dialect& dialect, const FieldValues& values,
                                         std::string_view path) {
    const auto where = split(dialect, path);
    if (!where) return tl::unexpected(where.error());
    const std::string_view content = values.get(field(where->first));
    if (where->second.empty()) return std::string(content);
    return pick(*dialect.field_spec(where->first), content, where->second);
}

Result<void, CodecError> set_path(const Dialect& dialect, FieldValues& values, std::string_view path,
                                  std::string_view content) {
    const auto where = split(dialect, path);
    if (!where) return tl::unexpected(where.error());
    const Field f = field(where->first);
    const FieldSpec& spec = *dialect.field_spec(where->first);
    if (where->second.empty()) {
        values.set(f, content);
        return {};
    }
    if (spec.subfields->kind == SubfieldSet::Kind::ber_tlv) {
        // By splicing: tags that are not known here keep their bytes, and padding too.
        auto bytes = with_tlv(as_bytes(values.get(f)), where->second, as_bytes(content));
        if (!bytes)
            return tl::unexpected(
                of_field(CodecError::inside(Kind::unknown_field, std::string(where->second), 0, 0, 0), spec));
        values.set(f, as_text(*bytes));
        return {};
    }
    auto tree = values.has(f) ? parse_subfields(*spec.subfields, values.get(f))
                              : Result<Values, CodecError>(Values{});
    if (!tree) return tl::unexpected(of_field(std::move(tree.error()), spec));
    put_value(*tree, where->second, content);
    auto whole = format_subfields(*spec.subfields, *tree);
    if (!whole) return tl::unexpected(of_field(std::move(whole.error()), spec));
    values.set(f, *whole);
    return {};
}

}  // namespace iso8583
