#include "switch/io/log.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <fmt/format.h>

namespace acquirer {

namespace {

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::debug:
            return "debug";
        case Severity::info:
            return "info";
        case Severity::warning:
            return "warning";
        case Severity::alarm:
            return "alarm";
    }
    return "info";
}

constexpr std::size_t buffer_bytes_max = 1U << 16;

}  // namespace

struct Log::Writer {
    std::shared_ptr<spdlog::details::thread_pool> pool =
        std::make_shared<spdlog::details::thread_pool>(log_buffers_max, 1);
    std::shared_ptr<spdlog::async_logger> logger =
        std::make_shared<spdlog::async_logger>("switch", std::make_shared<spdlog::sinks::stderr_sink_st>(),
                                               pool, spdlog::async_overflow_policy::overrun_oldest);
    Writer() { logger->set_pattern("%v"); }
};

Log::Log(Severity threshold) : threshold_(threshold), writer_(std::make_unique<Writer>()) {}
Log::~Log() { flush(); }

void append_json_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20 || byte >= 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
}

void Log::begin_line(Severity severity, std::string_view event, const iso8583::Now& now) {
    if (!buffer_.empty()) buffer_.push_back('\n');
    buffer_ += "{\"time\":\"";
    buffer_ += iso8583::local_iso(now.utc, now.local_offset_s);
    buffer_ += "\",\"severity\":\"";
    buffer_ += name_of(severity);
    buffer_ += "\",\"event\":\"";
    append_json_escaped(buffer_, event);
    buffer_.push_back('"');
}

void Log::field(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    buffer_ += ",\"";
    buffer_ += name;
    buffer_ += "\":\"";
    append_json_escaped(buffer_, value);
    buffer_.push_back('"');
}

void Log::note(const Note& note, const iso8583::Now& now) {
    if (note.severity < threshold_) return;
    begin_line(note.severity, name(note.kind), now);
    field("rrn", note.rrn);
    field("terminal", note.terminal);
    field("merchant", note.merchant);
    field("route", note.route);
    field("rule", note.rule);
    field("code", note.code);
    if (note.link != 0) fmt::format_to(std::back_inserter(buffer_), ",\"link\":{}", note.link);
    field("detail", note.detail);
    buffer_.push_back('}');
    if (buffer_.size() >= buffer_bytes_max) flush();
}

void Log::line(Severity severity, std::string_view event, std::initializer_list<LogField> fields,
               const iso8583::Now& now) {
    if (severity < threshold_) return;
    begin_line(severity, event, now);
    for (const auto& [key, value] : fields) field(key, value);
    buffer_.push_back('}');
    if (buffer_.size() >= buffer_bytes_max) flush();
}

void Log::stranger_line(std::string_view event, std::initializer_list<LogField> fields,
                        const iso8583::Now& now) {
    if (const std::int64_t second = now.instant.ms / 1000; second != stranger_second_) {
        stranger_second_ = second;
        stranger_lines_ = 0;
        if (suppressed_ != suppressed_told_) {
            const std::string count = std::to_string(suppressed_ - suppressed_told_);
            suppressed_told_ = suppressed_;
            line(Severity::warning, "lines_suppressed", {{"count", count}}, now);
        }
    }
    if (++stranger_lines_ > stranger_lines_per_second_max) {
        ++suppressed_;
        return;
    }
    line(Severity::info, event, fields, now);
}

void Log::flush() {
    if (buffer_.empty()) return;
    writer_->logger->info(spdlog::string_view_t(buffer_.data(), buffer_.size()));
    buffer_.clear();
}

}  // namespace acquirer
