#include "tests/demo/terminal_line.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "iso8583/describe.hpp"

namespace demo {
namespace {

constexpr std::size_t line_columns_max = 118;

/// One message in few lines: "DE3=200000 DE4=000000003000 …", wrapped; `describe` masks.
std::string compact(const iso8583::Message& message) {
    std::string out = message.mti().str() + " " + iso8583::mti_text(message.mti());
    std::size_t column = line_columns_max;  // the fields begin on a line of their own
    message.present().for_each([&](int n) {
        const std::string text =
            fmt::format("DE{}={}", n, iso8583::describe_field(message, iso8583::field(n)));
        if (column + 1 + text.size() > line_columns_max) {
            out += "\n        ";
            column = 8;
        }
        out += ' ' + text;
        column += 1 + text.size();
    });
    return out;
}

iso8583::Bytes framed_body(const peers::Terminal& terminal, const iso8583::Bytes& bytes) {
    iso8583::FrameReader reader(terminal.framing());
    reader.feed(bytes);
    auto frame = reader.next();
    return frame && frame->has_value() ? std::move((**frame).body) : iso8583::Bytes();
}

}  // namespace

iso8583::UtcTime utc_now() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

void TerminalLine::move_to(std::string address) {
    close();
    address_ = std::move(address);
}

bool TerminalLine::connect() {
    return socket_.connected() || socket_.connect(address_, channel_, reply_wait_ms);
}

void TerminalLine::print_body(const char* arrow, const iso8583::Bytes& body) const {
    const auto message = iso8583::decode(terminal_.dialect(), body);
    fmt::print("  {} {} {}\n", terminal_.config().terminal.view(), arrow,
               message ? compact(*message) : message.error().str());
}

bool TerminalLine::send(const peers::Outgoing& request) {
    if (!connect()) return false;
    print_body("→", framed_body(terminal_, request.frame));
    return socket_.send(request.frame);
}

iso8583::Result<iso8583::Frame> TerminalLine::receive() {
    iso8583::FrameReader reader(terminal_.framing());
    for (;;) {
        const auto piece = socket_.receive(reply_wait_ms);
        if (!piece) return tl::unexpected(piece.error());
        reader.feed(*piece);
        if (auto frame = reader.next()) {
            if (!frame->has_value()) return iso8583::parse_error(frame->error().what);
            return std::move(**frame);
        }
    }
}

std::string TerminalLine::exchange(const peers::Outgoing& request) {
    if (!send(request)) return "no connection";
    auto frame = receive();
    if (!frame) {
        fmt::print("  {} ← {}\n", terminal_.config().terminal.view(), frame.error().what);
        close();
        return frame.error().what;
    }
    print_body("←", frame->body);
    auto outcome = terminal_.receive(request, *frame);
    if (!outcome) return "breach of the wire: " + outcome.error().what;
    outcome_ = std::move(*outcome);
    return outcome_.code.str();
}

}  // namespace demo
