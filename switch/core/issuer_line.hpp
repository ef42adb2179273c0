// Lines of issuers' files as values (R101): CSV by the route's configuration, and issuer-sim's journal. Pure;
// whatever the bytes are, a line is read or refused with a sentence that names the column and never its
// content.
//
// Bounds: issuer_line_bytes_max, issuer_columns_max. Thread: any. Source: docs/operations.md,
// "Reconciliation"; RFC 4180 for CSV (without line breaks inside of quotes), RFC 8259 for the journal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_zone.hpp"
#include "switch/core/issuer_file_format.hpp"

namespace acquirer {

inline constexpr std::size_t issuer_line_bytes_max = 4'096;
inline constexpr std::size_t issuer_columns_max = 64;

struct IssuerLine {
    ledger::IssuerEffect effect = ledger::IssuerEffect::sale;
    bool is_reversal = false;
    bool is_hold = false;  // of an authorization: the reader passes over it
    iso8583::Amount amount;
    // An RRN, or all three of STAN, transmission time and terminal.
    std::optional<iso8583::Rrn> rrn;
    std::optional<iso8583::Stan> stan;
    std::optional<iso8583::TransmissionTime> transmission_time;
    std::optional<iso8583::TerminalId> terminal;
    std::optional<iso8583::MerchantId> merchant;
    std::string card_last4;  // empty: not given
    // When it was booked: an instant, or a date alone; neither: the file's day.
    std::optional<iso8583::UtcTime> time;
    std::optional<iso8583::Date> date;
    /// Over what says which booking it is: kind, RRN, STAN, DE7, terminal and time, but not the amount.
    [[nodiscard]] std::uint64_t identity() const;
};

/// Reads a file line by line, in order: the first line with content decides what it is. A second pass begins
/// with a new reader, and with the file's first line.
class IssuerFileReader {
  public:
    IssuerFileReader(const IssuerFileFormat& format, iso8583::Currency currency,
                     const iso8583::TimeZone& zone)
        : format_(format), currency_(currency), zone_(zone) {}

    /// Nothing: an empty line, or the header. The error names the column.
    iso8583::Result<std::optional<IssuerLine>> read(std::string_view line);
    /// The header could not be used: no line behind it can be read.
    [[nodiscard]] bool header_is_bad() const { return kind_ == Kind::bad_header; }
    [[nodiscard]] bool has_begun() const { return kind_ != Kind::unknown; }

  private:
    enum class Kind : std::uint8_t { unknown, journal, csv, bad_header };
    iso8583::Result<void> read_header(std::string_view line);
    iso8583::Result<IssuerLine> read_csv(std::string_view line) const;

    const IssuerFileFormat& format_;
    iso8583::Currency currency_;
    const iso8583::TimeZone& zone_;
    Kind kind_ = Kind::unknown;
    std::vector<std::optional<IssuerColumn>> columns_;  // by place; nothing: not looked at
};

/// A line of issuer-sim's journal.
iso8583::Result<IssuerLine> parse_journal_line(std::string_view line);
/// The fields of a line of CSV.
iso8583::Result<std::vector<std::string>> split_csv(std::string_view line, char separator);

}  // namespace acquirer
