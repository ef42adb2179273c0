#include "iso8583/tools/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <istream>
#include <iterator>
#include <optional>
#include <ostream>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/describe.hpp"
#include "iso8583/framing.hpp"
#include "iso8583/specs/spec_classes.hpp"
#include "iso8583/specs/spec_file.hpp"
#include "iso8583/tools/hex_text.hpp"
#include "iso8583/tools/json_message.hpp"

namespace iso8583::tools {

namespace {

constexpr std::size_t input_bytes_max = std::size_t{16} * 1024 * 1024;

void print(const specs::SpecProblems& problems, std::string_view kind, std::ostream& err) {
    for (const auto& p : problems) err << kind << ": " << p.str() << '\n';
}

std::shared_ptr<const Dialect> dialect_of(const std::string& name, std::ostream& err) {
    auto dialect = specs::find_or_load_dialect(name);
    if (dialect) return *dialect;
    print(dialect.error(), "error", err);
    return nullptr;
}

std::optional<std::string> read_all(std::istream& in, std::ostream& err) {
    std::string text;
    char chunk[64 * 1024];
    while (in.read(chunk, sizeof chunk) || in.gcount() > 0) {
        text.append(chunk, static_cast<std::size_t>(in.gcount()));
        if (text.size() > input_bytes_max) {
            err << "error: the input is above " << input_bytes_max << " bytes\n";
            return std::nullopt;
        }
    }
    return text;
}

/// The input's bytes: hex of any layout, or as they are.
std::optional<Bytes> input_bytes(const MessageOptions& o, const std::string& input, std::istream& in,
                                 std::ostream& err) {
    std::optional<std::string> text = input == "-" ? read_all(in, err) : std::optional<std::string>(input);
    if (!text) return std::nullopt;
    if (o.raw && input == "-") return Bytes(text->begin(), text->end());
    auto bytes = parse_hex_text(*text);
    if (bytes) return *bytes;
    err << "error: " << bytes.error().what << '\n';
    return std::nullopt;
}

/// One word of --frame; false when it is none.
bool read_frame_word(std::string_view word, FramingSpec& spec) {
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
        const std::string_view digits = word.substr(equals + 1);
        if (digits.empty() || digits.size() > 3 || !all_digits(digits)) return false;
        const int n = std::stoi(std::string(digits));
        const std::string_view key = word.substr(0, equals);
        if (n > 255 || (key != "header" && key != "trailer")) return false;
        (key == "header" ? spec.header_bytes : spec.trailer_bytes) = static_cast<std::uint8_t>(n);
        return true;
    }
    if (word == "binary2")
        spec.length = FrameLength::binary2;
    else if (word == "ascii4")
        spec.length = FrameLength::ascii4;
    else if (word == "bcd2")
        spec.length = FrameLength::bcd2;
    else if (word == "binary4")
        spec.length = FrameLength::binary4;
    else if (word == "inclusive")
        spec.inclusive = true;
    else if (word == "tpdu")
        spec.tpdu = true;
    else
        return false;
    return true;
}

/// The frame of this call: of --frame, or the dialect's own.
std::optional<FramingSpec> framing_of(const MessageOptions& o, const Dialect& dialect, std::ostream& err) {
    if (o.frame.empty()) return dialect.framing();
    FramingSpec spec;
    for (std::size_t at = 0; at <= o.frame.size();) {
        const std::size_t end = std::min(o.frame.find(',', at), o.frame.size());
        const std::string word = o.frame.substr(at, end - at);
        if (!read_frame_word(word, spec)) {
            err << "error: --frame: \"" << word
                << "\" is none of binary2, binary4, ascii4, bcd2, inclusive, tpdu, header=N, trailer=N\n";
            return std::nullopt;
        }
        at = end + 1;
    }
    return spec;
}

bool is_framed(const MessageOptions& o) { return o.framed || !o.frame.empty(); }

struct Input {
    std::vector<Frame> frames;
    bool whole = true;  // false: an error has been said, and `frames` is what stood before it
};

/// The messages in the input: one body, or as many frames as there are.
Input input_frames(const MessageOptions& o, const Dialect& dialect, const std::string& input,
                   std::istream& in, std::ostream& err) {
    const auto framing = framing_of(o, dialect, err);
    auto bytes = framing ? input_bytes(o, input, in, err) : std::nullopt;
    if (!bytes) return {{}, false};
    Input out;
    if (!is_framed(o)) {
        out.frames.push_back({{}, {}, std::move(*bytes)});
        return out;
    }
    FrameReader reader(*framing);
    reader.feed(*bytes);
    while (auto next = reader.next()) {
        if (!next->has_value()) {
            err << "error: frame " << out.frames.size() + 1 << ": " << next->error().what << '\n';
            out.whole = false;
            return out;
        }
        out.frames.push_back(std::move(**next));
    }
    const std::size_t keepalives = reader.take_keepalives();
    if (keepalives > 0) err << "note: " << keepalives << " frames of length zero (keep-alives)\n";
    if (!reader.at_boundary() || (out.frames.empty() && keepalives == 0)) {
        const FrameReader::Begun begun = reader.begun();
        err << "error: the input ends inside frame " << out.frames.size() + 1 << ": it needs " << begun.needed
            << " bytes, " << begun.found << " are there\n";
        out.whole = false;
    }
    return out;
}

/// Decodes one frame's body; warnings go to err, an error too. `message` is what decoded.
bool decode_frame(const MessageOptions& o, const Dialect& dialect, Frame& frame, Message& message,
                  std::optional<CodecError>& error, std::ostream& err) {
    std::vector<CodecError> warnings;
    error = decode_into(dialect, frame.body, message, {.content_warnings = !o.strict, .warnings = &warnings});
    for (const CodecError& w : warnings) err << "warning: " << w.str() << '\n';
    if (!error) {
        // A message whose fields decode, and parts of one do not: seldom what was meant.
        std::vector<CodecError> parts = part_errors(message);
        if (o.strict && !parts.empty()) {
            error = std::move(parts.front());
            parts.erase(parts.begin());
        }
        for (const CodecError& p : parts) err << (o.strict ? "error: " : "warning: ") << p.str() << '\n';
    }
    if (error) err << "error: " << error->str() << '\n';
    return !error;
}

std::string frame_json(const Frame& frame) {
    return fmt::format("\"frame\":{{\"tpdu\":\"{}\",\"header\":\"{}\"}}", to_hex(frame.tpdu),
                       to_hex(frame.header));
}

std::string error_json(const CodecError& e) {
    return fmt::format(
        "\"error\":{{\"kind\":{},\"field\":{},\"path\":{},\"name\":{},\"offset\":{},\"needed\":{},"
        "\"found\":{},\"what\":{}}}",
        json_string(name_of(e.kind)), e.field, json_string(e.path), json_string(e.name), e.offset, e.needed,
        e.found, json_string(e.str()));
}

void describe_one(const MessageOptions& o, const Frame& frame, const Message& message,
                  const std::optional<CodecError>& error, std::ostream& out) {
    DescribeOptions options;
    options.reveal = o.reveal;
    if (o.json) {
        std::string json = describe_json(message, options);
        json.pop_back();
        if (is_framed(o)) json += "," + frame_json(frame);
        if (error) json += "," + error_json(*error);
        out << json << "}\n";
        return;
    }
    if (!frame.tpdu.empty()) out << "TPDU " << to_hex(frame.tpdu) << '\n';
    if (!frame.header.empty()) out << "header " << to_hex(frame.header) << '\n';
    out << (o.bytes ? describe_bytes(message, options) : describe(message, options));
}

void warn_of_reveal(std::ostream& err) {
    err << "warning: card data, PIN blocks and keys are shown; do not keep this output\n";
}

}  // namespace

int run_describe(const MessageOptions& o, std::istream& in, std::ostream& out, std::ostream& err) {
    const auto dialect = dialect_of(o.dialect, err);
    if (!dialect) return exit_usage;
    Input input = input_frames(o, *dialect, o.input, in, err);
    // What stands before a broken frame is shown like what stands before a broken field.
    if (!input.whole && !o.partial) return exit_refused;
    if (o.reveal) warn_of_reveal(err);
    int code = input.whole ? exit_done : exit_refused;
    for (Frame& frame : input.frames) {
        Message message;
        std::optional<CodecError> error;
        if (!decode_frame(o, *dialect, frame, message, error, err)) {
            code = exit_refused;
            if (!o.partial) continue;
        }
        describe_one(o, frame, message, error, out);
    }
    return code;
}

int run_encode(const MessageOptions& o, std::istream& in, std::ostream& out, std::ostream& err) {
    const std::optional<std::string> text =
        o.input == "-" ? read_all(in, err) : std::optional<std::string>(o.input);
    if (!text) return exit_refused;
    const std::string name = o.dialect.empty() ? dialect_of_json(*text) : o.dialect;
    if (name.empty()) {
        err << "error: the dialect is needed, as --dialect or as \"dialect\" in the message\n";
        return exit_usage;
    }
    const auto dialect = dialect_of(name, err);
    if (!dialect) return exit_usage;
    auto message = parse_json_message(*text, *dialect);
    if (!message) {
        err << "error: " << message.error().what << '\n';
        return exit_refused;
    }
    auto encoded = encode(*dialect, message->values);
    if (!encoded) {
        err << "error: " << encoded.error().str() << '\n';
        return exit_refused;
    }
    Bytes bytes = std::move(encoded->body);
    if (is_framed(o)) {
        const auto framing = framing_of(o, *dialect, err);
        if (!framing) return exit_usage;
        const FramingSpec& f = *framing;
        const Bytes tpdu = message->tpdu.value_or(f.tpdu ? Bytes{0x60, 0, 0, 0, 0} : Bytes{});
        const Bytes header = message->header.value_or(Bytes(f.header_bytes, 0));
        if (tpdu.size() != (f.tpdu ? 5U : 0U) || header.size() != f.header_bytes ||
            bytes.size() > f.body_bytes_max) {
            err << "error: the dialect's frame has a TPDU of " << (f.tpdu ? 5 : 0) << " bytes, a header of "
                << static_cast<int>(f.header_bytes) << " and a body of at most " << f.body_bytes_max << '\n';
            return exit_refused;
        }
        Bytes framed;
        write_frame(f, {tpdu, header, bytes}, framed);
        bytes = std::move(framed);
    }
    if (o.raw)
        out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    else
        out << to_hex(bytes) << '\n';
    return exit_done;
}

int run_diff(const MessageOptions& o, std::istream& in, std::ostream& out, std::ostream& err) {
    const auto dialect = dialect_of(o.dialect, err);
    if (!dialect) return exit_usage;
    std::vector<Message> messages;
    for (const std::string& input : {o.input, o.other}) {
        Input read = input_frames(o, *dialect, input, in, err);
        if (!read.whole) return exit_refused;
        Message message;
        std::optional<CodecError> error;
        if (!decode_frame(o, *dialect, read.frames.front(), message, error, err)) return exit_refused;
        messages.push_back(std::move(message));
    }
    if (o.reveal) warn_of_reveal(err);
    DescribeOptions options;
    options.reveal = o.reveal;
    const std::string difference = describe_difference(messages[0], messages[1], options);
    out << difference;
    return difference.empty() ? exit_done : exit_refused;
}

int run_check_spec(const std::string& file, bool json, std::ostream& out, std::ostream& err) {
    const auto loaded = specs::load_spec_file(file);
    const auto list = [](const specs::SpecProblems& problems) {
        std::string text;
        for (const auto& p : problems)
            text += fmt::format("{}{{\"where\":{},\"what\":{}}}", text.empty() ? "" : ",",
                                json_string(p.where), json_string(p.what));
        return "[" + text + "]";
    };
    if (!loaded) {
        if (json) out << fmt::format("{{\"ok\":false,\"problems\":{}}}\n", list(loaded.error()));
        print(loaded.error(), "error", err);
        return exit_refused;
    }
    const DialectSpec& spec = loaded->spec;
    if (json) {
        out << fmt::format("{{\"ok\":true,\"name\":{},\"fields\":{},\"notes\":{}}}\n", json_string(spec.name),
                           spec.fields.size(), list(loaded->notes));
        return exit_done;
    }
    print(loaded->notes, "note", err);
    std::size_t divided = 0;
    for (const FieldSpec& f : spec.fields) divided += f.subfields ? 1U : 0U;
    out << fmt::format("{}: {} fields, {} of them with subfields; MTI {}, bitmap {}\n", spec.name,
                       spec.fields.size(), divided, name_of(spec.mti),
                       spec.bitmap == BitmapEncoding::binary ? "binary"
                       : spec.bitmap == BitmapEncoding::hex  ? "hex"
                                                             : "hex-ebcdic");
    return exit_done;
}

int run_convert_spec(const std::string& file, const std::string& to, const std::string& output,
                     std::ostream& out, std::ostream& err) {
    const auto format = specs::parse_format(to);
    if (!format) {
        err << "error: --to is toml, json or xml\n";
        return exit_usage;
    }
    specs::SpecProblems notes;
    const auto dialect = specs::find_or_load_dialect(file, &notes);
    if (!dialect) {
        print(dialect.error(), "error", err);
        return exit_refused;
    }
    print(notes, "note", err);
    const auto written = specs::write_spec((*dialect)->spec(), *format);
    if (!written) {
        print(written.error(), "error", err);
        return exit_refused;
    }
    print(written->notes, "note", err);
    if (output.empty()) {
        out << written->text;
        return exit_done;
    }
    std::ofstream to_file(output, std::ios::binary | std::ios::trunc);
    to_file << written->text;
    to_file.close();
    if (to_file) return exit_done;
    err << "error: " << output << " cannot be written\n";
    return exit_refused;
}

int run_classes(std::ostream& out) {
    const auto list = [&out](std::string_view of, const std::vector<specs::ClassAnswer>& answers) {
        out << of << '\n';
        for (const specs::ClassAnswer& a : answers)
            out << fmt::format("  {:<18} {:<4} {}\n", a.name, a.read ? "yes" : "no", a.what);
    };
    list("jPOS, field classes", specs::jpos_classes());
    list("jPOS, packagers inside a field", specs::jpos_packagers());
    list("moov-io/iso8583, types", specs::moov_types());
    list("moov-io/iso8583, encodings", specs::moov_encodings());
    list("moov-io/iso8583, prefixes", specs::moov_prefixes());
    return exit_done;
}

int run_dialects(bool json, std::ostream& out) {
    std::string list;
    for (std::string_view name : dialect_names()) {
        const DialectSpec& spec = find_dialect(name)->spec();
        if (json)
            list += fmt::format("{}{{\"name\":{},\"fields\":{},\"source\":{}}}", list.empty() ? "" : ",",
                                json_string(name), spec.fields.size(), json_string(spec.source));
        else
            list += fmt::format("{:<18} {:>3} fields  {}\n", name, spec.fields.size(), spec.source);
    }
    out << (json ? "[" + list + "]\n" : list);
    return exit_done;
}

}  // namespace iso8583::tools
