// payShield-style host commands from the client's side: frames, requests as commands, answers as replies. No
// socket and no crypto library, so that a switch can talk to hsm-sim or to a real payShield through any
// transport.
//
// Units: a frame is length (2 bytes, big-endian, excludes itself), header, command of 2 characters, data.
// Ownership: values. Thread: one at a time. Errors: an answer that makes no sense is HsmFault::unavailable,
// because it says nothing about the request. Source: docs/hsm.md, host commands.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hsm_sim/port.hpp"

namespace hsm {

/// What differs between installations.
struct PayshieldFormat {
    enum class HexLength : std::uint8_t { characters, bytes };  // what M6's length counts for hex input
    static constexpr std::size_t header_length_max = 255;

    std::size_t header_length = 4;
    HexLength hex_length = HexLength::characters;
    std::string lmk_id;  // two digits, sent as %NN; empty: not sent
};

/// The largest frame either side takes: what a payShield with a 32 K buffer allows.
inline constexpr std::size_t host_frame_bytes_max = std::size_t{32} * 1024;

/// Finds frames in a stream of bytes.
struct FrameSplit {
    enum class State : std::uint8_t { incomplete, frame, too_long };
    State state = State::incomplete;
    std::string_view frame;      // header, command, data; a view of the buffer
    std::size_t bytes_used = 0;  // with the length in front
};
FrameSplit split_frame(std::string_view buffer);
/// Length in front of header and command. Needs header + command + data ≤ host_frame_bytes_max.
std::string make_frame(std::string_view header, std::string_view command);

/// "10" → source_key_parity; what is no code of ours is internal. "00" has no fault.
std::optional<HsmFault> fault_of_code(std::string_view two_characters);

/// How many characters the key text at the start of `text` has; nullopt when it is in no scheme or cut short.
std::optional<std::size_t> key_text_length(std::string_view text);

/// One request as one or more commands: send what next_command() gives, hand in each answer, until reply() is
/// there.
class PayshieldExchange {
  public:
    PayshieldExchange(const Request& request, const PayshieldFormat& format);
    /// Asks whether the HSM is there and which LMK it has (NC); reply() then stays empty, healthy() tells.
    static PayshieldExchange health_check(const PayshieldFormat& format);

    /// Command and data without header; nullopt while an answer is awaited and when all is done.
    std::optional<std::string> next_command();
    /// What came after the header: response code, error code, data.
    void answered(std::string_view answer);
    /// No answer will come.
    void abandon();

    [[nodiscard]] const std::optional<Reply>& reply() const { return reply_; }
    [[nodiscard]] bool done() const { return reply_.has_value() || healthy_.has_value(); }
    /// False once an answer was none: another response code, cut short, fields of no form.
    [[nodiscard]] bool made_sense() const { return made_sense_; }
    /// Of a health check: whether the HSM answered, and its LMK check value.
    [[nodiscard]] const std::optional<bool>& healthy() const { return healthy_; }
    [[nodiscard]] const std::string& lmk_check_value() const { return lmk_check_value_; }

  private:
    enum class Step : std::uint8_t {
        generate_mac,
        verify_mac,
        translate_pin,
        pin_key,
        mac_key,
        track_key,
        pin_key_kcv,
        mac_key_kcv,
        track_key_kcv,
        zone_key,
        zone_key_import,
        check_key,
        health
    };
    explicit PayshieldExchange(const PayshieldFormat& format) : format_(format) {}
    [[nodiscard]] std::string with_lmk(std::string command) const;
    void start(const GenerateMac& request);
    void start(const VerifyMac& request);
    void start(const TranslatePin& request);
    void start(const GenerateTerminalKeys& request);
    void start(const GenerateZoneKey& request);
    void start(const ImportZoneKey& request);
    void start(const CheckKey& request);
    void take(std::string_view data);
    void take_working_key(std::string_view data, WorkingKey& key, bool under_lmk_first);
    void take_kcv(std::string_view data, WorkingKey& key);
    void take_zone_key(std::string_view data, bool with_copy);
    void take_mac(std::string_view data);
    void ask_kcv(Step step, const WorkingKey& key, std::string_view type_code);
    void after_keys();
    void after_mac_key_kcv();
    void fail(HsmFault fault) { reply_ = tl::unexpected(fault); }
    void nonsense();

    PayshieldFormat format_;
    Step step_ = Step::health;
    bool made_sense_ = true;
    std::optional<std::string> command_;  // to be sent
    std::string expected_;                // the response code awaited
    GenerateTerminalKeys terminal_;
    TerminalKeysGenerated keys_;
    PinBlockFormat pin_format_ = PinBlockFormat::iso0;
    bool unionpay_ = false;
    std::optional<Reply> reply_;
    std::optional<bool> healthy_;
    std::string lmk_check_value_;
};

/// Many exchanges over one connection, several in flight, matched by header. Pure: the transport hands in
/// bytes and takes bytes out; time-outs are the caller's (forget()).
class PayshieldLink {
  public:
    static constexpr std::size_t in_flight_max = 256;

    explicit PayshieldLink(PayshieldFormat format);

    /// False at the bound: ask another HSM, or later; when nothing is answered any more, close the
    /// connection. `ticket` must be unique on this link.
    [[nodiscard]] bool ask(Ticket ticket, const Request& request);
    [[nodiscard]] bool check_health(Ticket ticket);
    /// Bytes to send now; empties the outbox.
    [[nodiscard]] std::string take_output() { return std::exchange(output_, {}); }
    /// Bytes that arrived. False: the peer does not speak host commands, close the connection.
    [[nodiscard]] bool received(std::string_view bytes);

    struct Answered {
        Ticket ticket = 0;
        std::optional<Reply> reply;   // of a question
        std::optional<bool> healthy;  // of a health check
        std::string lmk_check_value;  // of a health check
    };
    /// What has been answered since the last call; look after ask() too, a few questions need no HSM.
    [[nodiscard]] std::vector<Answered> take_answered() { return std::exchange(answered_, {}); }
    /// The caller's time-out: a late answer is dropped, and its header is not used again before it has come.
    void forget(Ticket ticket);
    /// The connection is gone: every open ticket, each to be answered `unavailable`. The link is as new.
    [[nodiscard]] std::vector<Ticket> lost();
    [[nodiscard]] std::size_t in_flight() const { return open_.size(); }
    /// Forgotten questions whose answers have not come: they use up headers.
    [[nodiscard]] std::size_t overdue() const { return forgotten_.size(); }
    /// The question whose answer made no sense, for which received() said false. It is still open.
    [[nodiscard]] std::optional<Ticket> misanswered() const { return misanswered_; }
    /// A frame has begun and not ended.
    [[nodiscard]] bool frame_unfinished() const { return !input_.empty(); }

  private:
    struct Open {
        Ticket ticket;
        PayshieldExchange exchange;
    };
    [[nodiscard]] bool begin(Ticket ticket, PayshieldExchange exchange);
    [[nodiscard]] bool pump(const std::string& header, Open& open);
    [[nodiscard]] std::string next_header();

    PayshieldFormat format_;
    std::size_t headers_max_;
    std::uint32_t sequence_ = 0;
    std::map<std::string, Open, std::less<>> open_;  // by header
    std::set<std::string, std::less<>> forgotten_;   // headers whose answers may still come
    std::vector<Answered> answered_;
    std::optional<Ticket> misanswered_;
    std::string input_;
    std::string output_;
};

}  // namespace hsm
