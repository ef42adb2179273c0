// TransactionDraft: what is known of a sale, void or refund while it is decided: what was asked, what the
// checks found, and the record that will be made of it. Lives for one step; the sale is the ledger's object.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "ledger/stored_records.hpp"
#include "routing/route.hpp"
#include "switch/core/event.hpp"

namespace acquirer {

struct TransactionDraft {
    RequestArrived event;
    ledger::TransactionRecord record;
    ledger::TerminalRecord terminal;
    const ledger::TransactionRecord* sale = nullptr;  // of a refund or void
    const routing::Route* route = nullptr;
    const MerchantConfig* merchant = nullptr;
    std::string slot_key;
    ledger::TraceSlot slot;
    iso8583::Rrn tombstone;
    std::optional<iso8583::Rrn> same_case;  // R20b: an equal refund is held already
    iso8583::Rrn edits;                     // the held case that is being edited; empty: none
    bool hold = false;                      // R17, R20b, R27 to R29: it becomes a case
    std::string hold_rule;                  // the first in the order of the checks …
    std::vector<std::string> also_held_by;  // … and the others
    iso8583::Bytes pin_block;               // under the issuer's ZPK, once translated
    bool pin_is_translated = false;
};

}  // namespace acquirer
