// Notice: one sentence to a customer or merchant about a refund, as values. What it is for and how it is
// delivered: notice_books.hpp, docs/decisions/0016-notices-are-an-outbox.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"

namespace ledger {

// Stored: do not change values.
enum class NoticeKind : std::uint8_t {
    none = 0,
    accepted = 1,    // the switch has it, the issuer will be told until it answers
    processing = 2,  // it waits: for a checker, for an issuer or a person to find out
    done = 3,        // the money went back
    abnormal = 4,    // accepted, and the issuer could not pay it
    expired = 5,     // R77: nobody decided in time
    not_paid = 6     // it ended without payment after an earlier notice
};
/// "accepted"; "none" for what is none.
std::string_view name(NoticeKind kind);

struct Notice {
    std::uint64_t number = 0;  // from 1, never again: readers tell doubles by it
    NoticeKind kind = NoticeKind::none;
    iso8583::UtcTime at;
    std::int32_t local_offset_s = 0;  // east of UTC, of the switch's zone at that time
    iso8583::Rrn rrn;                 // of the refund
    iso8583::Rrn original;            // of its sale; may be empty
    iso8583::MerchantId merchant;
    iso8583::TerminalId terminal;
    std::int64_t amount_minor = 0;
    std::uint16_t currency = 0;  // ISO 4217
    std::string card;            // masked
    std::string reference;       // of operations; may be empty
    std::string state;           // of the refund, the stable word
    std::string unknown_properties = {};
    friend bool operator==(const Notice&, const Notice&) = default;
};
std::string encode(const Notice& notice);
iso8583::Result<Notice> decode_notice(std::string_view bytes);

}  // namespace ledger
