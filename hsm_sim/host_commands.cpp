#include "hsm_sim/host_commands.hpp"

#include <algorithm>
#include <cstdio>

#include "hsm_sim/command_reader.hpp"

namespace hsm {
namespace {

constexpr char trailer_mark = '\x19';

/// N decimal digits, the value cut to them at the top (counters of monitoring run over like a clock).
std::string decimal(std::uint64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (std::size_t i = digits; i > 0 && value != 0; --i) {
        out[i - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return out;
}

/// YYMMDD hhmmss of UTC seconds.
std::string date_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::array<char, 16> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%y%m%d%H%M%S", &utc);
    return {text.data(), size};
}

}  // namespace

const std::array<HostCommands::Row, HostCommands::rows_count> HostCommands::rows = {{
    {"NC", &HostCommands::nc}, {"NO", &HostCommands::no}, {"N0", &HostCommands::n0},
    {"B2", &HostCommands::b2}, {"J2", &HostCommands::j2}, {"J4", &HostCommands::j4},
    {"J8", &HostCommands::j8}, {"A0", &HostCommands::a0}, {"A6", &HostCommands::a6},
    {"A8", &HostCommands::a8}, {"BU", &HostCommands::bu}, {"HC", &HostCommands::hc},
    {"HA", &HostCommands::ha}, {"CA", &HostCommands::ca}, {"CC", &HostCommands::cc},
    {"G0", &HostCommands::g0}, {"DA", &HostCommands::da}, {"EA", &HostCommands::ea},
    {"DC", &HostCommands::dc}, {"EC", &HostCommands::ec}, {"M6", &HostCommands::m6},
    {"M8", &HostCommands::m8},
}};

HostCommands::HostCommands(HsmEngine& engine, HostCommandOptions options)
    : engine_(engine), options_(std::move(options)), started_(now()), load_second_(now()) {
    options_.serial.resize(12, ' ');
    options_.firmware.resize(9, ' ');
}

std::optional<std::string> HostCommands::execute(std::string_view frame) {
    const std::size_t header_length = options_.format.header_length;
    if (frame.size() < header_length + 2) return std::nullopt;
    const std::string_view code_text = frame.substr(header_length, 2);
    CommandReader in(frame.substr(header_length + 2));
    std::string answer(frame.substr(0, header_length));
    answer += code_text[0];
    answer += static_cast<char>(code_text[1] + 1);

    if (engine_.options().observer != nullptr) engine_.options().observer->command_begun(code_text);
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.code == code_text; });
    const bool disabled =
        std::find(options_.disabled.begin(), options_.disabled.end(), code_text) != options_.disabled.end();
    Data data;
    if (row == rows.end() || disabled) {
        ++unknown_;
        in.fail(HsmFault::command_disabled, "command is unknown or disabled");
        data = refused(in);
    } else {
        const auto index = static_cast<std::size_t>(row - rows.begin());
        ++executed_[index];
        data = (this->*row->handler)(in);
        if (!data) ++refused_[index];
    }
    if (data) {
        answer += "00";
        answer += *data;
    } else {
        answer += code(data.error());
    }
    std::string_view trailer = in.trailer();
    const bool binary =
        (code_text == "M6" || code_text == "M8") && frame.substr(header_length + 2, 2) != "01";
    if (!data && trailer.empty() && !binary) {
        // The fields did not parse up to the trailer; these commands hold no data that could be taken for
        // one.
        const std::size_t mark = frame.rfind(trailer_mark);
        if (mark != std::string_view::npos && mark >= header_length + 2 && frame.size() - mark - 1 <= 32)
            trailer = frame.substr(mark + 1);
    }
    if (!trailer.empty()) {
        answer += trailer_mark;
        answer += trailer;
    }
    return answer;
}

/// The reader's fault as an answer; the observer hears the field and the offset.
HostCommands::Data HostCommands::refused(const CommandReader& in) {
    ENSURE(in.fault().has_value());
    if (engine_.options().observer != nullptr)
        engine_.options().observer->refused(in.fault()->fault, in.fault()->why);
    return tl::unexpected(in.fault()->fault);
}

HostCommands::Data HostCommands::nc(CommandReader& in) {
    in.end();
    if (in.fault()) return refused(in);
    return iso8583::to_hex(engine_.lmk_check_value()) + options_.firmware;
}

HostCommands::Data HostCommands::no(CommandReader& in) {
    const std::size_t mode = in.number("mode", 2);
    if (mode > 1) in.fail(HsmFault::input, "mode: 00 status, 01 PCI");
    in.end();
    if (in.fault()) return refused(in);
    // A simulator complies with no certification, so mode 01 says 0.
    if (mode == 1) return std::string("0");
    return "31" + decimal(options_.sockets_max, 4) + options_.firmware + "0" + "0000";
}

HostCommands::Data HostCommands::n0(CommandReader& in) {
    const std::size_t count = in.number("length", 3);
    in.end();
    if (in.fault()) return refused(in);
    std::string out(count, '\0');
    engine_.random_bytes({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
    return out;
}

HostCommands::Data HostCommands::b2(CommandReader& in) {
    const std::size_t length = in.hex_number("length", 4);
    if (!in.fault() && length > in.rest().size())
        in.fail(HsmFault::data_length, "length says " + std::to_string(length) + ", " +
                                           std::to_string(in.rest().size()) + " characters are there");
    const std::string_view data = in.any("data", length);
    in.end();
    if (in.fault()) return refused(in);
    return std::string(data);
}

std::string HostCommands::period() const {
    return options_.serial + date_time(started_) + date_time(now()) + date_time(now());
}

HostCommands::Data HostCommands::j2(CommandReader& in) {
    in.end();
    if (in.fault()) return refused(in);
    std::string out = period() + decimal(static_cast<std::uint64_t>(now() - started_), 10);
    for (std::size_t band = 0; band < load_bands_.size(); ++band)
        out += decimal(band * 10, 3) + decimal(band * 10 + 10, 3) + decimal(load_bands_[band], 10);
    return out + ";";
}

HostCommands::Data HostCommands::j4(CommandReader& in) {
    in.end();
    if (in.fault()) return refused(in);
    std::string out = period() + decimal(static_cast<std::uint64_t>(now() - started_), 10);
    for (const Count& count : counts())
        if (count.executed != 0) out += std::string(count.code) + decimal(count.executed, 12);
    return out;
}

HostCommands::Data HostCommands::j8(CommandReader& in) {
    in.end();
    if (in.fault()) return refused(in);
    note_pin_failures();
    const std::int64_t minute = now() / 60;
    std::uint64_t in_hour = 0;
    std::uint64_t in_minute = 0;
    for (std::size_t i = 0; i < failures_.size(); ++i) {
        if (failures_minute_[i] == minute) in_minute += failures_[i];
        if (failures_minute_[i] > minute - 60) in_hour += failures_[i];
    }
    return period() + decimal(0, 10) + decimal(0, 10) + decimal(in_minute, 7) + decimal(in_hour, 5) +
           decimal(engine_.pin_attacks(), 8);
}

void HostCommands::note_pin_failures() {
    const std::uint64_t seen = engine_.pin_failures();
    const std::int64_t minute = now() / 60;
    const auto slot = static_cast<std::size_t>(minute % 60);
    if (failures_minute_[slot] != minute) {
        failures_minute_[slot] = minute;
        failures_[slot] = 0;
    }
    failures_[slot] += seen - failures_seen_;
    failures_seen_ = seen;
}

void HostCommands::note_load(std::int64_t second, std::uint32_t busy_us) {
    if (second != load_second_) {
        const auto band_of = [](std::uint32_t us) { return std::min<std::size_t>(9, us / 100000); };
        ++load_bands_[band_of(load_us_)];
        // Seconds in which nobody called were idle.
        if (second > load_second_ + 1)
            load_bands_[0] += static_cast<std::uint64_t>(second - load_second_ - 1);
        load_second_ = second;
        load_us_ = 0;
    }
    load_us_ += busy_us;
}

std::vector<HostCommands::Count> HostCommands::counts() const {
    std::vector<Count> out;
    for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({rows[i].code, executed_[i], refused_[i]});
    return out;
}

}  // namespace hsm
