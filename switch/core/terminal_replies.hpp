// Terminal replies: the fields of every answer to a terminal, in both profiles. A reply echoes what the
// profile asks for, adds ours, and never carries the PAN. Source: docs/wire.md, "Fields of a request".
#pragma once

#include <optional>
#include <string>

#include "iso8583/field_values.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/core_context.hpp"

namespace acquirer {

/// What the reply says beside the echo.
struct ReplyContent {
    iso8583::ResponseCode code;
    std::optional<iso8583::Rrn> rrn;                     // nothing for what is never recorded under a key
    iso8583::AuthorizationCode authorization;            // DE38, empty: none
    std::optional<iso8583::Amount> amount;               // DE4 when it is not the request's (R26)
    std::string text;                                    // DE44
    std::string order_number;                            // of a wallet's sale (R83)
    std::string icc_data;                                // DE55
    std::string local_time, local_date;                  // DE12, DE13; empty: now
    std::optional<iso8583::BusinessDate> business_date;  // DE15; nothing: today's
};

iso8583::FieldValues make_reply(const CoreContext& context, const TerminalRequest& request,
                                const ReplyContent& content);
/// The content of a record's stored answer; `code` wins over the stored one when given.
ReplyContent stored_content(const ledger::TransactionRecord& record);

/// What the terminal is answered, now and whenever it asks again.
void store_answer(const CoreContext& context, ledger::TransactionRecord& record, iso8583::ResponseCode code,
                  std::string text = {});
/// The same for a refusal of ours, in the profile of the record.
void store_refusal(const CoreContext& context, ledger::TransactionRecord& record, Refusal why);

/// Sends content to one asker, and counts it.
void answer(CoreContext& context, const Asker& asker, const ReplyContent& content);
/// A refusal without a record (or with the RRN of the record that was found): counted and noted, not yet
/// sent.
SendReply refusal_reply(CoreContext& context, const Asker& asker, Refusal refusal,
                        std::optional<iso8583::Rrn> rrn = std::nullopt, std::string_view text = {});
void answer_refusal(CoreContext& context, const Asker& asker, Refusal refusal,
                    std::optional<iso8583::Rrn> rrn = std::nullopt, std::string_view text = {});

}  // namespace acquirer
