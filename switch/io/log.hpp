// Log: JSON lines on stderr. Notes of the core and sentences of the shell are rendered into one buffer, which
// leaves as one write per flush(), on a thread of its own: a slow stderr never slows a turn, it loses lines,
// counted. Alarms go by a way of their own, where no other line can push them out.
//
// Thread: one, but for the writing. Content: values only, never message bytes; what is not printable is
// escaped. Bounds: LogLimits for what others can cause, log_buffers_max, alarm_buffers_max.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "iso8583/values/time_fields.hpp"
#include "switch/core/note.hpp"
#include "switch/io/log_limits.hpp"

namespace acquirer {

/// A name and a value of a log line.
using LogField = std::pair<std::string_view, std::string_view>;

class Log {
  public:
    /// Flushed buffers that the writing thread has not taken yet; beyond that the oldest are lost.
    static constexpr std::size_t log_buffers_max = 1'024;
    /// The same of alarms.
    static constexpr std::size_t alarm_buffers_max = 8'192;

    /// `threshold`: notes below it are dropped.
    explicit Log(Severity threshold = Severity::info);
    ~Log();  // writes what is left
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void note(const Note& note, const iso8583::Now& now);
    void line(Severity severity, std::string_view event, std::initializer_list<LogField> fields,
              const iso8583::Now& now);
    /// The same for what strangers cause: limited by event and `source`, an address.
    void stranger_line(std::string_view event, std::string_view source,
                       std::initializer_list<LogField> fields, const iso8583::Now& now);
    /// Tells what was left out in seconds that are over. To be called about once a second: who falls silent
    /// is told of too.
    void tell_suppressed(const iso8583::Now& now);
    /// Hands everything to the writing thread.
    void flush();
    /// Lines that were left out because others caused too many.
    [[nodiscard]] std::uint64_t suppressed() const { return limits_.suppressed(); }
    /// Flushed buffers that were lost since nobody took them.
    [[nodiscard]] std::uint64_t lost() const;

  private:
    struct Writer;
    /// The buffer that the line goes on in.
    std::string& begin_line(Severity severity, std::string_view event, const iso8583::Now& now);
    void end_line(std::string& line);
    bool admitted(std::string_view kind, std::string_view source, const iso8583::Now& now);

    Severity threshold_;
    std::string buffer_, alarms_;
    LogLimits limits_;
    std::unique_ptr<Writer> writer_, alarm_writer_;
};

/// `text` as the inside of a JSON string.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace acquirer
