// LogLimits: how many lines a second others may cause, by kind of line and by who caused it. What is beyond
// is counted and told in one line for each source when the second is over. Alarms never ask.
//
// Pure; time comes in. Thread: the log's. Bounds: the constants.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/time_fields.hpp"

namespace acquirer {

class LogLimits {
  public:
    /// Lines of one kind a second that one source may cause.
    static constexpr std::uint32_t lines_of_source_max = 50;
    /// Lines of one kind a second that all sources together may cause: a source costs a stranger nothing.
    static constexpr std::uint32_t lines_of_kind_max = 500;
    /// Sources that are told apart within a second; those beyond are one.
    static constexpr std::size_t sources_max = 4'096;
    /// Summaries a second; what is left out of more sources is one summary.
    static constexpr std::size_t summaries_max = 16;

    struct Summary {
        std::string kind;
        std::string source;  // empty: of many
        std::uint64_t lines = 0;
    };

    /// May this line be written?
    bool admits(std::string_view kind, std::string_view source, iso8583::Instant now);
    /// What was left out in seconds that are over, once.
    std::vector<Summary> take_ended(iso8583::Instant now);
    /// Lines left out since the beginning.
    [[nodiscard]] std::uint64_t suppressed() const { return suppressed_; }

  private:
    struct Count {
        std::uint32_t lines = 0;
        std::uint64_t left_out = 0;
    };
    struct OfKind {
        Count all;
        std::map<std::string, Count, std::less<>> sources;
    };
    void begin_second(iso8583::Instant now);

    std::int64_t second_ = 0;
    bool left_out_now_ = false;
    std::map<std::string, OfKind, std::less<>> kinds_;  // of this second
    std::size_t sources_ = 0;                           // of this second, over all kinds
    std::vector<Summary> ended_;
    std::uint64_t suppressed_ = 0;
};

}  // namespace acquirer
