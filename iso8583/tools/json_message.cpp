#include "iso8583/tools/json_message.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "iso8583/ber_tlv.hpp"
#include "iso8583/subfields.hpp"

namespace iso8583::tools {

namespace {

using Json = nlohmann::ordered_json;

Result<Bytes> tags_of(const Json& object, const std::string& path) {
    Bytes out;
    for (const auto& [key, value] : object.items()) {
        const std::string here = std::string(path).append(".").append(key);
        // A tag that repeats is written 71#2 by describe.
        const auto tag = parse_tag(std::string_view(key).substr(0, key.find('#')));
        if (!tag) return parse_error(here + ": " + tag.error().what);
        Bytes content;
        if (value.is_object()) {
            auto inside = tags_of(value, here);
            if (!inside) return inside;
            content = std::move(*inside);
        } else if (value.is_string()) {
            auto bytes = parse_hex(value.get<std::string>());
            if (!bytes) return parse_error(here + ": " + bytes.error().what);
            content = std::move(*bytes);
        } else {
            return parse_error(here + ": hex, or an object of tags, is needed");
        }
        append_tlv(*tag, content, out);
    }
    return out;
}

/// Where a path leads in a dialect: a field, a positional subfield, or a tag of a BER-TLV field.
struct PathEnd {
    const FieldSpec* spec = nullptr;  // none: the dialect has no such thing, or it is a tag
    bool is_tag = false;
};
PathEnd end_of(const Dialect& dialect, const std::string& path) {
    const std::size_t dot = path.find('.');
    const std::string number = path.substr(0, dot);
    PathEnd end;
    if (number.empty() || number.size() > 3 || !all_digits(number)) return end;
    end.spec = dialect.field_spec(std::stoi(number));
    std::string_view rest =
        dot == std::string::npos ? std::string_view() : std::string_view(path).substr(dot + 1);
    while (end.spec != nullptr && !rest.empty()) {
        if (!end.spec->subfields) return {};
        if (end.spec->subfields->kind == SubfieldSet::Kind::ber_tlv) return {nullptr, true};
        if (end.spec->subfields->kind == SubfieldSet::Kind::dataset) {
            // A dataset's content is bytes; inside it stand elements of the list, and tags.
            rest.remove_prefix(std::min(rest.size(), rest.find('.') + (rest.find('.') != rest.npos ? 1 : 0)));
            if (rest.find('.') == rest.npos && !rest.empty() && all_digits(rest))
                for (const Subfield& sub : end.spec->subfields->fields)
                    if (sub.id == rest) return {&sub.spec, false};
            return {nullptr, true};
        }
        const std::string_view step = rest.substr(0, rest.find('.'));
        rest.remove_prefix(std::min(rest.size(), step.size() + 1));
        const FieldSpec* next = nullptr;
        for (const Subfield& sub : end.spec->subfields->fields)
            if (sub.id == step) next = &sub.spec;
        end.spec = next;
    }
    return end;
}

/// Is the content at a path's end bytes? Of a tag it is.
bool holds_bytes(const Dialect& dialect, const std::string& path) {
    const PathEnd end = end_of(dialect, path);
    return end.is_tag || (end.spec != nullptr && end.spec->content == Content::b);
}

Result<std::string> content_of(const Dialect& dialect, const std::string& path, const Json& value) {
    if (value.is_object()) {
        auto bytes = tags_of(value, path);
        if (!bytes) return tl::unexpected(bytes.error());
        return std::string(as_text(*bytes));
    }
    if (!value.is_string()) return parse_error(path + ": a text is needed");
    if (holds_bytes(dialect, path)) {
        const auto bytes = parse_hex(value.get<std::string>());
        if (!bytes) return parse_error(path + ": " + bytes.error().what);
        return std::string(as_text(*bytes));
    }
    const TextEncoding encoding = dialect.spec().text;
    const auto text = bytes_of_text(value.get<std::string>(), encoding);
    if (!text) return parse_error(fmt::format("{}: a character that is not {}", path, name_of(encoding)));
    return *text;
}

/// The subfields at a path's end, or nothing when it has none.
const SubfieldSet* set_at(const Dialect& dialect, const std::string& path) {
    const PathEnd end = end_of(dialect, path);
    return end.spec == nullptr ? nullptr : end.spec->subfields.get();
}

Result<void> read_field(const std::string& path, const Json& value, const Dialect& dialect,
                        FieldValues& values) {
    const SubfieldSet* set = set_at(dialect, path);
    if (value.is_object() && set != nullptr && set->kind != SubfieldSet::Kind::ber_tlv) {
        for (const auto& [key, inner] : value.items())
            if (auto ok = read_field(std::string(path).append(".").append(key), inner, dialect, values); !ok)
                return ok;
        return {};
    }
    auto content = content_of(dialect, path, value);
    if (!content) return tl::unexpected(content.error());
    if (content->size() > message_bytes_max) return parse_error(path + ": is too long for a message");
    if (auto ok = set_path(dialect, values, path, *content); !ok) return parse_error(ok.error().str());
    return {};
}

Result<void> read_fields(const Json& fields, const Dialect& dialect, FieldValues& values) {
    if (!fields.is_object()) return parse_error("fields: an object is needed");
    // Whole fields first, so that a path may change one of them.
    for (const bool paths : {false, true})
        for (const auto& [key, value] : fields.items())
            if ((key.find('.') != std::string::npos) == paths)
                if (auto ok = read_field(key, value, dialect, values); !ok) return ok;
    return {};
}

Result<void> read_frame(const Json& root, JsonMessage& out) {
    if (!root.contains("frame")) return {};
    if (!root["frame"].is_object()) return parse_error("frame: an object with tpdu and header is needed");
    for (const auto& [key, value] : root["frame"].items()) {
        const auto bytes =
            value.is_string() ? parse_hex(value.get<std::string>()) : parse_error("hex is needed");
        if (!bytes) return parse_error("frame." + key + ": " + bytes.error().what);
        if (key == "tpdu")
            out.tpdu = *bytes;
        else if (key == "header")
            out.header = *bytes;
        else
            return parse_error("frame." + key + ": is no part of a frame");
    }
    return {};
}

}  // namespace

std::string dialect_of_json(std::string_view text) {
    const Json root = Json::parse(text.begin(), text.end(), nullptr, false);
    if (!root.is_object() || !root.contains("dialect") || !root["dialect"].is_string()) return {};
    return root["dialect"].get<std::string>();
}

Result<JsonMessage> parse_json_message(std::string_view text, const Dialect& dialect) {
    Json root;
    try {
        root = Json::parse(text.begin(), text.end());
    } catch (const nlohmann::json::exception& e) {
        // Only the place: the parser's sentence quotes the text, which may be a card number.
        return parse_error(fmt::format("the message is no JSON (error {})", e.id));
    }
    if (!root.is_object()) return parse_error("an object with \"mti\" and \"fields\" is needed");
    JsonMessage out;
    if (!root.contains("mti") || !root["mti"].is_string()) return parse_error("mti: 4 digits are needed");
    const auto mti = Mti::parse(root["mti"].get<std::string>());
    if (!mti) return tl::unexpected(mti.error());
    out.values.set_mti(*mti);
    out.dialect = dialect_of_json(text);
    for (const auto& [key, value] : root.items())
        if (key != "mti" && key != "fields" && key != "dialect" && key != "frame" && key != "subfields")
            return parse_error(key + ": is no part of a message");
    if (root.contains("fields"))
        if (auto ok = read_fields(root["fields"], dialect, out.values); !ok)
            return tl::unexpected(ok.error());
    if (auto ok = read_frame(root, out); !ok) return tl::unexpected(ok.error());
    return out;
}

}  // namespace iso8583::tools
