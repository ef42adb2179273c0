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
    explicit Writer(std::size_t buffers_max)
        : pool(std::make_shared<spdlog::details::thread_pool>(buffers_max, 1)),
          logger(std::make_shared<spdlog::async_logger>(
              "switch", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_pattern("%v");
    }
    void write(std::string& buffer) {
        if (buffer.empty()) return;
        logger->info(spdlog::string_view_t(buffer.data(), buffer.size()));
        buffer.clear();
    }
    [[nodiscard]] std::uint64_t lost() const { return pool->overrun_counter(); }

    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

Log::Log(Severity threshold)
    : threshold_(threshold),
      writer_(std::make_unique<Writer>(log_buffers_max)),
      alarm_writer_(std::make_unique<Writer>(alarm_buffers_max)) {}
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

std::string& Log::begin_line(Severity severity, std::string_view event, const iso8583::Now& now) {
    std::string& buffer = severity == Severity::alarm ? alarms_ : buffer_;
    if (!buffer.empty()) buffer.push_back('\n');
    buffer += "{\"time\":\"";
    buffer += iso8583::local_iso(now.utc, now.local_offset_s);
    buffer += "\",\"severity\":\"";
    buffer += name_of(severity);
    buffer += "\",\"event\":\"";
    append_json_escaped(buffer, event);
    buffer.push_back('"');
    return buffer;
}

namespace {

void field(std::string& buffer, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    buffer += ",\"";
    buffer += name;
    buffer += "\":\"";
    append_json_escaped(buffer, value);
    buffer.push_back('"');
}

/// Who caused it, as far as it says.
std::string_view source_of(const Note& note) {
    return !note.source.empty() ? note.source : !note.route.empty() ? note.route : note.terminal;
}

}  // namespace

void Log::note(const Note& note, const iso8583::Now& now) {
    if (note.severity < threshold_) return;
    if (note.severity != Severity::alarm && is_caused_by_others(note.kind) &&
        !admitted(name(note.kind), source_of(note), now))
        return;
    std::string& line = begin_line(note.severity, name(note.kind), now);
    field(line, "rrn", note.rrn);
    field(line, "terminal", note.terminal);
    field(line, "merchant", note.merchant);
    field(line, "route", note.route);
    field(line, "rule", note.rule);
    field(line, "code", note.code);
    if (note.link != 0) fmt::format_to(std::back_inserter(line), ",\"link\":{}", note.link);
    field(line, "source", note.source);
    field(line, "detail", note.detail);
    end_line(line);
}

void Log::line(Severity severity, std::string_view event, std::initializer_list<LogField> fields,
               const iso8583::Now& now) {
    if (severity < threshold_) return;
    std::string& line = begin_line(severity, event, now);
    for (const auto& [key, value] : fields) field(line, key, value);
    end_line(line);
}

void Log::end_line(std::string& line) {
    line.push_back('}');
    if (line.size() >= buffer_bytes_max) flush();
}

void Log::stranger_line(std::string_view event, std::string_view source,
                        std::initializer_list<LogField> fields, const iso8583::Now& now) {
    if (admitted(event, source, now)) line(Severity::info, event, fields, now);
}

bool Log::admitted(std::string_view kind, std::string_view source, const iso8583::Now& now) {
    tell_suppressed(now);
    return limits_.admits(kind, source, now.instant);
}

void Log::tell_suppressed(const iso8583::Now& now) {
    for (const LogLimits::Summary& left_out : limits_.take_ended(now.instant))
        line(
            Severity::warning, "lines_suppressed",
            {{"kind", left_out.kind}, {"source", left_out.source}, {"count", std::to_string(left_out.lines)}},
            now);
}

std::uint64_t Log::lost() const { return writer_->lost() + alarm_writer_->lost(); }

void Log::flush() {
    alarm_writer_->write(alarms_);
    writer_->write(buffer_);
}

}  // namespace acquirer
