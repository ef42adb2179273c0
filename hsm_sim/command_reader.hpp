// Reads the fields of one host command in order. A bad field is remembered with its name and offset and every
// later read gives nothing, so that a command is written as a list of fields and one question at the end.
//
// Ownership: views into the frame. Thread: none of its own. Errors: fault() once something was wrong.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/lmk.hpp"
#include "hsm_sim/pin_block.hpp"

namespace hsm {

/// What was wrong with a command, as the HSM's log says it.
struct CommandFault {
    HsmFault fault = HsmFault::input;
    std::string why;
};

class CommandReader {
  public:
    explicit CommandReader(std::string_view data) : data_(data) {}

    /// Exactly `count` characters of any kind.
    std::string_view any(const char* field, std::size_t count);
    /// Exactly `count` decimal digits, upper-case hex digits.
    std::string_view digits(const char* field, std::size_t count);
    std::string_view hex(const char* field, std::size_t count);
    std::size_t number(const char* field, std::size_t count);
    std::size_t hex_number(const char* field, std::size_t count);
    char character(const char* field);
    /// A key in any scheme. `pair`: 32 hex digits without a scheme are taken too (PVK pairs).
    std::string_view key(const char* field, bool pair = false);
    KeyType key_type(const char* field);
    PinBlockFormat pin_format(const char* field);
    /// 12 digits; when `whole_allowed`, also a PAN of 12 to 19 digits ended by ';' (format 4 needs all of
    /// it).
    PinAccount account(const char* field, bool whole_allowed);
    /// 16 or 32 hex digits, by the format number that follows; `aes` says which is tried first.
    iso8583::Bytes pin_block(const char* field, bool aes);

    /// Takes `c` if it is next.
    bool accept(char c);
    [[nodiscard]] std::string_view rest() const { return data_.substr(at_); }
    /// Nothing may be left but the LMK id (only 00 exists) and the trailer, which is kept for the answer.
    void end();
    [[nodiscard]] std::string_view trailer() const { return trailer_; }

    void fail(HsmFault fault, std::string why);
    [[nodiscard]] const std::optional<CommandFault>& fault() const { return fault_; }

  private:
    void bad(const char* field, const char* needed);

    std::string_view data_;
    std::size_t at_ = 0;
    std::string_view trailer_;
    std::optional<CommandFault> fault_;
};

}  // namespace hsm
