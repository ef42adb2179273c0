#include "switch/admin/control_protocol.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "switch/admin/commands.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using Json = nlohmann::ordered_json;

namespace {

View view_of(const Json& json) {
    if (json.is_string()) return json.get<std::string>();
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_integer()) return json.get<std::int64_t>();
    if (json.is_array()) {
        View list = View::list();
        for (const Json& item : json) list.add(view_of(item));
        return list;
    }
    if (json.is_object()) {
        View object = View::object();
        for (const auto& [name, value] : json.items()) object.put(name, view_of(value));
        return object;
    }
    return {};
}

/// Invalid UTF-8 in a stored text must not make an answer impossible.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

/// Straight into the answer's text: pages of a long list are made of many short texts.
void append_text(std::string& out, const std::string& text) {
    if (!is_plain(text)) {
        out += dump(text);
        return;
    }
    out += '"';
    out += text;
    out += '"';
}

void append_json(std::string& out, const View& view) {
    if (const auto* text = view.text()) {
        append_text(out, *text);
    } else if (const auto* flag = view.flag()) {
        out += *flag ? "true" : "false";
    } else if (const auto* number = view.number()) {
        out += std::to_string(*number);
    } else if (const auto* items = view.items()) {
        out += '[';
        for (const View& item : *items) {
            if (&item != &items->front()) out += ',';
            append_json(out, item);
        }
        out += ']';
    } else if (const auto* members = view.members()) {
        out += '{';
        for (const auto& member : *members) {
            if (&member != &members->front()) out += ',';
            append_text(out, member.first);
            out += ':';
            append_json(out, member.second);
        }
        out += '}';
    } else {
        out += "null";
    }
}

std::string too_long(std::string_view what) {
    constexpr std::size_t mib = std::size_t{1} << 20;
    return std::string(what) + " is longer than " + std::to_string(answer_bytes_max / mib) + " MiB";
}

std::optional<Json> parse_object(std::string_view line) {
    Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded() || !json.is_object()) return std::nullopt;
    return json;
}

/// An argument's value as text: numbers and flags may be typed as such.
std::optional<std::string> argument_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return std::string(value.get<bool>() ? "true" : "false");
    if (value.is_number_integer()) return dump(value);
    return std::nullopt;
}

iso8583::Result<void> read_arguments(const CommandInfo& command, const Json& arguments, Request& request) {
    if (!arguments.is_object()) return parse_error("args has to be an object");
    for (const auto& [name, value] : arguments.items()) {
        const ArgumentInfo* info = nullptr;
        for (const ArgumentInfo& candidate : command.arguments)
            if (candidate.name == name && candidate.kind != ArgumentKind::out_file) info = &candidate;
        if (info == nullptr) return parse_error(std::string(command.name) + " has no argument of that name");
        const auto text = argument_text(value);
        if (!text) return parse_error(name + ": has to be a text");
        if (auto good = check_argument(*info, *text); !good) return tl::unexpected(good.error());
        request.arguments[name] = *text;
    }
    for (const ArgumentInfo& info : command.arguments)
        if (info.required && request.arguments.count(info.name) == 0)
            return parse_error(std::string(command.name) + " needs " + std::string(info.name) + ": " +
                               std::string(info.help));
    return {};
}

}  // namespace

iso8583::Result<Request> parse_request(std::string_view line) {
    if (line.size() > request_bytes_max)
        return parse_error("the request is longer than " + std::to_string(request_bytes_max) + " bytes");
    const auto json = parse_object(line);
    if (!json) return parse_error("the request is no JSON object");
    Request request;
    for (const auto& [name, value] : json->items()) {
        if (name != "command" && name != "args" && name != "as" && name != "snapshot")
            return parse_error("the request has a member that is none of command, args, as and snapshot");
        if (name != "args" && !value.is_string()) return parse_error(name + " has to be a text");
    }
    if (!json->contains("command")) return parse_error("the request names no command");
    request.command = (*json)["command"].get<std::string>();
    const CommandInfo* command = find_command(request.command);
    if (command == nullptr) return parse_error("there is no such command; refundctl --help lists them");
    if (command->side == CommandSide::refundctl)
        return parse_error(request.command + " is refundctl's own: files do not travel in one line");
    if (json->contains("as")) request.as = (*json)["as"].get<std::string>();
    if (json->contains("snapshot")) {
        if ((*json)["snapshot"] != "hold") return parse_error("snapshot: has to be hold");
        if (!command->is_list()) return parse_error("snapshot: " + request.command + " is no list");
        request.hold_snapshot = true;
    }
    const Json none = Json::object();
    auto read = read_arguments(*command, json->contains("args") ? (*json)["args"] : none, request);
    if (!read) return tl::unexpected(read.error());
    return request;
}

std::string write_request(const Request& request) {
    Json arguments = Json::object();
    for (const auto& [name, text] : request.arguments) arguments[name] = text;
    Json json = Json::object();
    json["command"] = request.command;
    if (!request.arguments.empty()) json["args"] = std::move(arguments);
    if (!request.as.empty()) json["as"] = request.as;
    if (request.hold_snapshot) json["snapshot"] = "hold";
    return dump(json);
}

std::string_view name(AnswerError error) {
    switch (error) {
        case AnswerError::none:
            return "";
        case AnswerError::usage:
            return "usage";
        case AnswerError::refused:
            return "refused";
        case AnswerError::unreachable:
            return "unreachable";
        case AnswerError::unreadable:
            return "unreadable";
    }
    return "";
}

std::string write_json(const View& view) {
    std::string text;
    append_json(text, view);
    return text;
}

std::string write_answer(const Answer& answer) {
    View whole = View::object();
    whole.put("ok", answer.error == AnswerError::none);
    if (answer.error != AnswerError::none) whole.put("error", name(answer.error));
    whole.put_if("text", answer.text);
    std::string line = write_json(whole);
    if (!answer.data.is_null()) {
        line.pop_back();
        line += ",\"data\":";
        append_json(line, answer.data);
        line += '}';
    }
    if (line.size() <= answer_bytes_max) return line;
    return write_answer(
        {AnswerError::refused, too_long("the answer") + ": ask for fewer lines with limit", {}});
}

iso8583::Result<View> parse_json(std::string_view text) {
    if (text.size() > answer_bytes_max) return parse_error(too_long("the text"));
    const auto json = parse_object(text);
    if (!json) return parse_error("it is no JSON object");
    return view_of(*json);
}

iso8583::Result<Answer> parse_answer(std::string_view line) {
    if (line.size() > answer_bytes_max) return parse_error(too_long("the answer"));
    const auto json = parse_object(line);
    if (!json || !json->contains("ok") || !(*json)["ok"].is_boolean())
        return parse_error("the switch's answer is no JSON object with ok");
    Answer answer;
    const auto text_of = [&](const char* name) {
        const auto at = json->find(name);
        return at != json->end() && at->is_string() ? at->get<std::string>() : std::string();
    };
    if (!(*json)["ok"].get<bool>())
        answer.error = text_of("error") == "usage" ? AnswerError::usage : AnswerError::refused;
    answer.text = text_of("text");
    if (const auto at = json->find("data"); at != json->end()) answer.data = view_of(*at);
    return answer;
}

}  // namespace acquirer::admin
