// Log: JSON lines on stderr. Notes of the core and sentences of the shell are rendered into one buffer, which
// leaves as one write per flush(), on a thread of its own: a slow stderr never slows a turn, it loses lines,
// counted.
//
// Thread: one, but for the writing. Content: values only, never message bytes; what is not printable is
// escaped. Bounds: lines_per_second_max of what strangers can cause (rate limited, counted), log_buffers_max.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "iso8583/values/time_fields.hpp"
#include "switch/core/note.hpp"

namespace acquirer {

/// A name and a value of a log line.
using LogField = std::pair<std::string_view, std::string_view>;

class Log {
  public:
    /// Lines a second that anybody who can connect may cause; the rest is counted and told once a second.
    static constexpr std::uint32_t stranger_lines_per_second_max = 20;
    /// Flushed buffers that the writing thread has not taken yet; beyond that the oldest are lost.
    static constexpr std::size_t log_buffers_max = 1024;

    /// `threshold`: notes below it are dropped.
    explicit Log(Severity threshold = Severity::info);
    ~Log();  // writes what is left
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void note(const Note& note, const iso8583::Now& now);
    void line(Severity severity, std::string_view event, std::initializer_list<LogField> fields,
              const iso8583::Now& now);
    /// The same for what strangers cause: limited.
    void stranger_line(std::string_view event, std::initializer_list<LogField> fields,
                       const iso8583::Now& now);
    /// Hands everything to the writing thread.
    void flush();
    /// Lines that were dropped because strangers caused too many.
    [[nodiscard]] std::uint64_t suppressed() const { return suppressed_; }

  private:
    struct Writer;
    void begin_line(Severity severity, std::string_view event, const iso8583::Now& now);
    void field(std::string_view name, std::string_view value);

    Severity threshold_;
    std::string buffer_;
    std::int64_t stranger_second_ = 0;
    std::uint32_t stranger_lines_ = 0;
    std::uint64_t suppressed_ = 0;
    std::uint64_t suppressed_told_ = 0;
    std::unique_ptr<Writer> writer_;
};

/// `text` as the inside of a JSON string.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace acquirer
