// Reconciliation: from the stored pieces of a file to lines, and from a line to the entry of its transaction.
#include <algorithm>

#include "ledger/record_glance.hpp"
#include "switch/core/reconciliation.hpp"

namespace acquirer {

using iso8583::BusinessDate;
using ledger::IssuerFileRecord;
using ledger::ReconEntry;
using ledger::TransactionRecord;

std::string_view Reconciliation::piece_of(const ledger::FileRecord& content, std::uint32_t piece) {
    if (!reading_.kept || reading_.piece != piece) {
        reading_.content = files_.piece(content, piece).value_or(std::string());
        reading_.piece = piece;
        reading_.kept = true;
    }
    return reading_.content;
}

std::optional<std::string> Reconciliation::line_at(const ledger::FileRecord& content, std::uint64_t offset,
                                                   std::uint64_t& next) {
    std::string line;
    for (next = offset; next < content.bytes;) {
        const std::string_view rest =
            piece_of(content, static_cast<std::uint32_t>(next / ledger::file_piece_bytes))
                .substr(next % ledger::file_piece_bytes);
        const std::size_t end = rest.find('\n');
        const std::string_view part = rest.substr(0, end);
        if (line.size() + part.size() > issuer_line_bytes_max || rest.empty()) return std::nullopt;
        line += part;
        next += part.size();
        if (end == std::string_view::npos) continue;
        ++next;
        break;
    }
    return line;
}

bool Reconciliation::each_line(IssuerFileRecord& file, const ledger::FileRecord& content,
                               std::size_t lines_max, const std::function<bool(std::string_view)>& take) {
    for (std::size_t n = 0; n < lines_max; ++n) {
        if (file.offset >= content.bytes) return true;
        ++file.line_number;
        std::uint64_t next = 0;
        const auto line = line_at(content, file.offset, next);
        if (!line) {
            // Where the next one begins is not looked for: this is no file of lines.
            add_bad_line(
                file, file.line_number,
                "is longer than " + std::to_string(issuer_line_bytes_max) + " bytes: the rest was not read");
            file.offset = content.bytes;
            return true;
        }
        file.offset = next;
        reading_.offset = next;
        if (!take(*line)) return false;
    }
    return file.offset >= content.bytes;
}

IssuerFileReader& Reconciliation::reader_of(const IssuerFileRecord& file, const ledger::FileRecord& content) {
    if (reading_.file == file.number && reading_.reader && reading_.offset == file.offset)
        return *reading_.reader;
    reading_ = {};
    reading_.file = file.number;
    reading_.offset = file.offset;
    reading_.format =
        std::make_unique<IssuerFileFormat>(c_.config->issuer_file(routing::RouteId{file.route}));
    reading_.reader =
        std::make_unique<IssuerFileReader>(*reading_.format, c_.config->currency, c_.config->time_zone);
    // Behind the header what came before is of no importance.
    for (std::uint64_t at = 0, next = 0; at < file.offset && !reading_.reader->has_begun(); at = next) {
        const auto line = line_at(content, at, next);
        if (!line || !reading_.reader->read(*line)) break;
    }
    return *reading_.reader;
}

BusinessDate Reconciliation::day_at(iso8583::UtcTime at) {
    BusinessDate day{iso8583::civil_from_utc(at, c_.config->time_zone.offset_s(at)).date};
    // What was before the first business day, or in one that is still to begin, is of its local date.
    for (const ledger::BusinessDayRecord& known : business_days_)
        if (known.at <= at) day = known.day;
    return day;
}

BusinessDate Reconciliation::day_of(const IssuerFileRecord& file, const IssuerLine& line) {
    if (line.time) return day_at(*line.time);
    if (line.date) return {*line.date};
    return file.day.value_or(BusinessDate{});
}

namespace {

constexpr std::int64_t second_ms = 1'000;

/// DE7 has no year: that which puts it nearest to the day.
std::optional<iso8583::UtcTime> resolved(iso8583::TransmissionTime time, iso8583::Date near) {
    const std::string text = time.str();
    std::optional<iso8583::UtcTime> best;
    std::int64_t best_distance = 0;
    for (const int year : {near.year - 1, int{near.year}, near.year + 1}) {
        const int month = std::stoi(text.substr(0, 2)), day = std::stoi(text.substr(2, 2));
        if (year < 1 || year > 9999 || !iso8583::is_valid_date(year, month, day)) continue;
        const iso8583::Date date{static_cast<std::int16_t>(year), static_cast<std::uint8_t>(month),
                                 static_cast<std::uint8_t>(day)};
        const std::int64_t distance = std::abs(std::int64_t{date.days()} - near.days());
        if (best && distance >= best_distance) continue;
        best_distance = distance;
        const std::int64_t of_day = (std::stoi(text.substr(4, 2)) * 60 + std::stoi(text.substr(6, 2))) * 60 +
                                    std::stoi(text.substr(8, 2));
        best = iso8583::UtcTime{(std::int64_t{date.days()} * 86'400 + of_day) * second_ms};
    }
    return best;
}

}  // namespace

/// Lines come in the order of their times as a rule, so that each second's records are read once.
void Reconciliation::read_second(iso8583::UtcTime from) {
    second_ = Second{from, {}};
    const iso8583::CivilTime local = iso8583::civil_from_utc(from, c_.config->time_zone.offset_s(from));
    ledger::KeyRange range{ledger::transaction_key(c_.ledger.first_rrn_at(local)),
                           ledger::all_keys(ledger::KeyPrefix::transaction).to};
    books_.visit_transactions(range, [&](std::string_view key, std::string_view value) {
        const auto glance = ledger::glance_at(value);
        if (!glance || glance->created >= from.plus_ms(second_ms)) return false;
        const auto rrn = iso8583::Rrn::parse(key.substr(1));
        const auto terminal = iso8583::TerminalId::parse(glance->terminal);
        if (glance->created < from || !rrn || !terminal) return true;
        const auto remember = [&](std::uint32_t stan, std::uint32_t time) {
            if (stan != 0)
                second_->by_ref[ledger::recon_ref(iso8583::Stan::of(stan),
                                                  iso8583::TransmissionTime::of(time), *terminal)] = *rrn;
        };
        remember(glance->issuer_stan, glance->issuer_transmission_time);
        // A refund by advice has the numbers of its 0220 alone.
        if (glance->issuer_stan == 0)
            if (const auto record = ledger::decode_transaction_record(value))
                remember(record->advice.stan, record->advice.transmission_time);
        return true;
    });
}

std::optional<iso8583::Rrn> Reconciliation::find_by_numbers(const IssuerLine& line, std::uint16_t route,
                                                            BusinessDate near) {
    const auto at = resolved(*line.transmission_time, near.date);
    if (!at) return std::nullopt;
    if (!second_ || second_->from != *at) read_second(*at);
    const auto found =
        second_->by_ref.find(ledger::recon_ref(*line.stan, *line.transmission_time, *line.terminal));
    if (found == second_->by_ref.end()) return std::nullopt;
    // STANs are of all routes alike: the same numbers lead to one transaction, whoever's it is.
    const TransactionRecord* record = c_.ledger.find(found->second);
    return record != nullptr && record->route == route ? std::optional(found->second) : std::nullopt;
}

ReconEntry Reconciliation::entry_for(const TransactionRecord* record, std::uint16_t route,
                                     const std::string& ref, BusinessDate day) {
    ReconEntry entry;
    entry.route = route;
    entry.ref = ref;
    entry.day = day;
    if (record != nullptr) {
        entry.day = record->business_date;
        entry.merchant = record->merchant.str();
    } else if (auto open = books_.open_entries(ref); !open.empty()) {
        for (ReconEntry& known : open)
            if (known.route == route) return std::move(known);
    }
    return books_.entry(entry.day, route, ref).value_or(entry);
}

bool Reconciliation::is_of_this_shard(const IssuerLine& line) const {
    const ledger::NumberPlan& numbers = c_.ledger.numbers();
    const auto shard = line.rrn ? ledger::shard_of_rrn(line.rrn->view(), numbers.of)
                                : ledger::shard_of_stan(*line.stan, numbers.of);
    return shard.value_or(0) == numbers.index;
}

void Reconciliation::apply(IssuerFileRecord& file, const IssuerLine& line) {
    const BusinessDate day = day_of(file, line);
    std::optional<iso8583::Rrn> rrn = line.rrn;
    if (!rrn) rrn = find_by_numbers(line, file.route, day);
    const TransactionRecord* record = rrn ? c_.ledger.find(*rrn) : nullptr;
    const std::string ref = rrn ? ledger::recon_ref(*rrn)
                                : ledger::recon_ref(*line.stan, *line.transmission_time, *line.terminal);
    ReconEntry entry = entry_for(record, file.route, ref, day);
    ledger::ReconLine stored;
    stored.identity = line.identity();
    stored.file = file.number;
    stored.line_number = file.line_number;
    stored.effect = line.effect;
    stored.is_reversal = line.is_reversal;
    stored.amount_minor = line.amount.minor_units();
    stored.currency = line.amount.currency().numeric();
    stored.card_last4 = line.card_last4;
    if (line.merchant) stored.merchant = line.merchant->view();
    stored.day = day;
    const LineApplied applied = apply_line(entry, std::move(stored));
    ++(applied == LineApplied::added      ? file.applied
       : applied == LineApplied::repeated ? file.repeated
                                          : file.replaced);
    // What says nothing new changes no verdict.
    if (applied != LineApplied::repeated) entry.status = ledger::ReconStatus::unjudged;
    if (entry.merchant.empty() && line.merchant) entry.merchant = line.merchant->view();
    books_.save(entry);
}

}  // namespace acquirer
