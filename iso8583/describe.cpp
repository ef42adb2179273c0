#include "iso8583/describe.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/masking.hpp"
#include "iso8583/processing_code.hpp"
#include "iso8583/response_code.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583 {

namespace {

using Values = std::vector<SubfieldValue>;

std::string shown(Content content, Secret secret, std::string_view canonical,
                  const DescribeOptions& options) {
    if (!options.reveal) return masked_content(content, secret, canonical);
    return content == Content::b ? to_hex(as_bytes(canonical)) : std::string(canonical);
}

/// Text on a line: national characters where the dialect says what they are; what is not printable else is
/// written \xHH.
std::string escaped(std::string_view text, TextEncoding encoding) {
    if (encoding != TextEncoding::latin1) {
        const bool controls = std::any_of(text.begin(), text.end(), [](char c) {
            return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F;
        });
        if (auto utf8 = to_utf8(text, encoding); utf8 && !controls) return *utf8;
    }
    std::string out;
    for (char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (byte >= 0x20 && byte <= 0x7E)
            out.push_back(c);
        else
            out += fmt::format("\\x{:02X}", byte);
    }
    return out;
}

/// What the content means, where the field has a meaning that a person does not know by heart.
std::string meaning(Field f, const std::string& content) {
    if (f == Field::processing_code) {
        const auto code = ProcessingCode::parse(content);
        return code && code->kind() != TransactionKind::other ? std::string(name_of(code->kind()))
                                                              : std::string();
    }
    if (f == Field::response_code) return std::string(response_code_text(content));
    return {};
}

/// The subfields of a field, or nothing when it has none or they cannot be told apart.
Values parts(const Message& message, Field f) {
    auto values = subfields_of(message, f);
    return values ? std::move(*values) : Values{};
}

bool is_tlv(const FieldSpec& spec) {
    return spec.subfields && spec.subfields->kind == SubfieldSet::Kind::ber_tlv;
}

/// A field with tags: the whole of it may only be shown with each secret tag hidden, so that it is left to
/// the tags; what is no TLV is shown as hex, without anything that could be a card number.
std::string shown_tlv(const std::string& content, bool parsed, const DescribeOptions& options) {
    std::string hex = to_hex(as_bytes(content));
    if (options.reveal) return hex;
    if (!parsed) return mask_card_numbers_anywhere(hex);
    return fmt::format("{} bytes", content.size());
}

/// Subfields that repeat (two scripts 71) are told apart as 71, 71#2.
std::string label(const Values& values, std::size_t i) {
    const auto same = std::count_if(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const SubfieldValue& v) { return v.id == values[i].id; });
    return same == 0 ? values[i].id : fmt::format("{}#{}", values[i].id, same + 1);
}

/// Whether something inside is hidden: then the field is not shown whole.
bool hides(const Values& values) {
    return std::any_of(values.begin(), values.end(), [](const SubfieldValue& v) {
        if (!v.inside.empty()) return hides(v.inside);
        return masked_content(v.content_class, v.secret, v.content) !=
               shown(v.content_class, Secret::none, v.content, {.reveal = true});
    });
}

/// Bytes that are made of subfields are left to them; as hex they would say the same again, and what is
/// hidden too.
bool is_composite(const FieldSpec& spec, const Values& values) {
    return spec.content == Content::b && !values.empty();
}

void describe_parts(const Values& values, const std::string& path, TextEncoding encoding,
                    const DescribeOptions& options, std::string& out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const SubfieldValue& v = values[i];
        const std::string here = path + "." + label(values, i);
        const std::string text = v.inside.empty()
                                     ? escaped(shown(v.content_class, v.secret, v.content, options), encoding)
                                     : fmt::format("{} bytes", v.size);
        out += fmt::format("  {:<9} {:<44} {}\n", here, v.name, text);
        describe_parts(v.inside, here, encoding, options, out);
    }
}

}  // namespace

std::string json_string(std::string_view text) {
    const std::string utf8 =
        is_utf8(text) ? std::string(text) : to_utf8(text, TextEncoding::latin1).value_or(std::string());
    std::string out = "\"";
    for (char c : utf8) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

std::vector<CodecError> part_errors(const Message& message) {
    std::vector<CodecError> errors;
    message.present().for_each([&](int n) {
        if (auto values = subfields_of(message, field(n)); !values) errors.push_back(values.error());
    });
    return errors;
}

std::string mti_text(Mti mti) {
    static constexpr std::array<std::string_view, 10> classes{
        "reserved",       "authorization",  "financial",      "file action",        "reversal",
        "reconciliation", "administrative", "fee collection", "network management", "reserved"};
    static constexpr std::array<std::string_view, 10> functions{
        "request",  "response",    "advice",   "advice response", "notification",
        "reserved", "instruction", "reserved", "reserved",        "reserved"};
    return fmt::format("{} {}{}", classes[static_cast<std::size_t>(mti.message_class())],
                       functions[static_cast<std::size_t>(mti.function())],
                       mti.is_repeat() ? ", repeat" : "");
}

std::string describe_field(const Message& message, Field f, const DescribeOptions& options) {
    const FieldSpec* spec = message.dialect().field_spec(number(f));
    if (spec == nullptr || !message.has(f)) return {};
    const std::string content = message.get(f);
    const auto values = subfields_of(message, f);
    if (is_tlv(*spec)) return shown_tlv(content, values.has_value(), options);
    // A field made of subfields that cannot be told apart: nobody knows what its bytes are.
    if (!values && spec->content == Content::b && !options.reveal)
        return std::string(2 * content.size(), '*');
    if (values && is_composite(*spec, *values) && !options.reveal)
        return fmt::format("{} bytes", content.size());
    if (values && !options.reveal && hides(*values)) return std::string(content.size(), '*');
    return shown(spec->content, spec->secret, content, options);
}

std::string describe(const Message& message, const DescribeOptions& options) {
    std::string out = fmt::format("MTI {} {}\n", message.mti().str(), mti_text(message.mti()));
    const TextEncoding text = message.dialect().spec().text;
    message.present().for_each([&](int n) {
        const Field f = field(n);
        const std::string what = meaning(f, message.get(f));
        out +=
            fmt::format("  DE{:<7} {:<44} {}{}{}\n", n, message.dialect().field_spec(n)->name,
                        escaped(describe_field(message, f, options), text), what.empty() ? "" : "  ", what);
        if (options.subfields) describe_parts(parts(message, f), std::to_string(n), text, options, out);
    });
    return out;
}

namespace {

/// Do the tags inside, written one after the other, give the value again? Padding and lengths that are longer
/// than they need to be would be lost.
bool rebuilds(const SubfieldValue& v) {
    if (v.content_class != Content::b) return true;
    Bytes written;
    for (const SubfieldValue& part : v.inside) {
        const auto tag = parse_tag(part.id);
        if (!tag) return true;  // no BER-TLV
        append_tlv(*tag, as_bytes(part.content), written);
    }
    return as_text(written) == v.content;
}

std::string json_tree(const Values& values, TextEncoding encoding, const DescribeOptions& options) {
    std::string out = "{";
    for (std::size_t i = 0; i < values.size(); ++i) {
        const SubfieldValue& v = values[i];
        if (i > 0) out += ",";
        out += json_string(label(values, i)) + ":";
        // Revealed, a message can be encoded again from what is shown: then nothing may be lost.
        const bool whole = v.inside.empty() || (options.reveal && !rebuilds(v));
        out +=
            whole ? json_string(text_of_bytes(shown(v.content_class, v.secret, v.content, options), encoding))
                  : json_tree(v.inside, encoding, options);
    }
    return out + "}";
}

void json_paths(const Values& values, const std::string& path, TextEncoding encoding,
                const DescribeOptions& options, std::string& out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const SubfieldValue& v = values[i];
        const std::string here = path + "." + label(values, i);
        if (v.inside.empty()) {
            if (!out.empty()) out += ",";
            out += json_string(here) + ":" +
                   json_string(text_of_bytes(shown(v.content_class, v.secret, v.content, options), encoding));
        }
        json_paths(v.inside, here, encoding, options, out);
    }
}

}  // namespace

std::string describe_json(const Message& message, const DescribeOptions& options) {
    std::string fields;
    std::string subfields;
    const TextEncoding text = message.dialect().spec().text;
    message.present().for_each([&](int n) {
        const Field f = field(n);
        if (!fields.empty()) fields += ",";
        fields += json_string(std::to_string(n)) + ":";
        const Values values = parts(message, f);
        const FieldSpec& spec = *message.dialect().field_spec(n);
        SubfieldValue all;
        all.content_class = is_tlv(spec) ? Content::b : Content::ans;
        all.content = message.get(f);
        all.inside = values;
        const bool lossless = !options.reveal || rebuilds(all);
        if (is_composite(spec, values) && lossless) {
            fields += json_tree(values, text, options);
            return;
        }
        fields += json_string(text_of_bytes(describe_field(message, f, options), text));
        if (options.subfields) json_paths(values, std::to_string(n), text, options, subfields);
    });
    return fmt::format("{{\"mti\":{},\"dialect\":{},\"fields\":{{{}}},\"subfields\":{{{}}}}}",
                       json_string(message.mti().str()), json_string(message.dialect().name()), fields,
                       subfields);
}

std::string describe_difference(const Message& a, const Message& b, const DescribeOptions& options) {
    std::string out;
    if (a.mti() != b.mti()) out += fmt::format("MTI     - {}\n        + {}\n", a.mti().str(), b.mti().str());
    FieldSet either = a.present();
    for (std::size_t w = 0; w < FieldSet::words; ++w) either[w] |= b.present()[w];
    either.for_each([&](int n) {
        const Field f = field(n);
        if (a.has(f) == b.has(f) && a.get(f) == b.get(f)) return;
        const auto side = [&](const Message& m) {
            return m.has(f) ? escaped(describe_field(m, f, options), m.dialect().spec().text) : "(absent)";
        };
        // Two contents that differ where they are hidden look alike: that is said, and not how.
        const bool hidden = a.has(f) && b.has(f) && side(a) == side(b);
        const FieldSpec* spec =
            a.dialect().field_spec(n) != nullptr ? a.dialect().field_spec(n) : b.dialect().field_spec(n);
        out += fmt::format("DE{:<5} {}{}\n", n, spec == nullptr ? "" : spec->name,
                           hidden ? ": differs where it is hidden" : "");
        if (!hidden) out += fmt::format("        - {}\n        + {}\n", side(a), side(b));
        if (!options.subfields) return;
        std::string before, after;
        describe_parts(parts(a, f), std::to_string(n), a.dialect().spec().text, options, before);
        describe_parts(parts(b, f), std::to_string(n), b.dialect().spec().text, options, after);
        if (before == after) return;
        // Lines of subfields that only one side has.
        const auto only = [&out](const std::string& lines, const std::string& others, char sign) {
            for (std::size_t at = 0; at < lines.size();) {
                const std::size_t end = lines.find('\n', at) + 1;
                const std::string line = lines.substr(at, end - at);
                if (others.find(line) == std::string::npos)
                    out += fmt::format("        {} {}", sign, line.substr(2));
                at = end;
            }
        };
        only(before, after, '-');
        only(after, before, '+');
    });
    return out;
}

}  // namespace iso8583
