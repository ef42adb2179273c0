// Notices: what customers and merchants are to be told of a refund, in an outbox. A notice is written in the
// turn that changes its refund, delivered at least once, and stays a while behind its delivery so that people
// can look at it. Bytes: docs/ledger_format.md, "Other records". Amounts in minor units.
//
// Ownership: NoticeBooks refers to the ledger, whose error() a failed read becomes. Thread: the core's; keys
// and decoders anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/ledger.hpp"
#include "ledger/notice.hpp"

namespace ledger {

/// How far the outbox is. Numbers count from 1 and never come back.
struct NoticeProgress {
    std::uint64_t last = 0;       // number of the newest notice
    std::uint64_t delivered = 0;  // every one up to this is in its file, synced
    std::uint64_t erased = 0;     // every one up to this is erased
    std::string unknown_properties = {};
    friend bool operator==(const NoticeProgress&, const NoticeProgress&) = default;
};
std::string encode(const NoticeProgress& progress);
iso8583::Result<NoticeProgress> decode_notice_progress(std::string_view bytes);
std::string notice_key(std::uint64_t number);
std::string notice_progress_key();
/// The number in the key of a notice; 0 when it is none.
std::uint64_t notice_number_of(std::string_view key);

class NoticeBooks {
  public:
    explicit NoticeBooks(Ledger& ledger) : ledger_(ledger) {}
    /// Of a store that has none: all 0.
    [[nodiscard]] NoticeProgress progress();
    void save(const NoticeProgress& progress);
    void save(const Notice& notice);
    void erase(std::uint64_t number);
    /// Those behind `number`, in their order, until `visit` says false.
    void visit_behind(std::uint64_t number, const std::function<bool(Notice&&)>& visit);

  private:
    Ledger& ledger_;
};

}  // namespace ledger
