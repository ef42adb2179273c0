#include "switch/views/people_words.hpp"

#include "switch/core/refund_reasons.hpp"

namespace acquirer {

using ledger::TransactionRecord;

void put_reason(View& view, const TransactionRecord& record) {
    view.put_if("reason", record.reason).put_if("note", record.note).put_if("proof", words_of(record.proof));
}

void put_people(View& view, const TransactionRecord& record) {
    put_reason(view, record);
    view.put_if("reference", record.reference);
    if (!record.batch_line.batch.empty())
        view.put("refund_batch", record.batch_line.batch).put("batch_line", record.batch_line.line);
    view.put_if("maker", record.maker).put_if("checker", record.checker);
}

std::string people_sentence(const TransactionRecord& record) {
    if (!record.from_operations && record.checker.empty()) return {};
    std::string people = record.maker.empty() ? "" : "Maker: " + record.maker + ". ";
    people += record.checker.empty() ? "No checker has decided." : "Checker: " + record.checker + ".";
    if (!record.batch_line.batch.empty())
        people += " It is line " + std::to_string(record.batch_line.line) + " of batch " +
                  record.batch_line.batch + " (R100).";
    if (!record.reason.empty()) {
        const std::string_view words = words_of_reason(record.reason);
        people += " Reason: " + record.reason + (words.empty() ? "" : ", " + std::string(words)) + ".";
    }
    if (!record.note.empty()) people += " Note: " + record.note + ".";
    if (!record.proof.empty()) people += " Proof: " + words_of(record.proof) + ".";
    return people;
}

}  // namespace acquirer
