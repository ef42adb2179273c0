// BatchOffice: a maker and a checker at a desk, with files of refunds (R100), and what the ledger says of
// their batches.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "ledger/audit_log.hpp"
#include "ledger/batch_books.hpp"
#include "ledger/file_books.hpp"
#include "switch/core/refund_batches.hpp"
#include "switch/core/refund_lines.hpp"
#include "tests/core/desk.hpp"

namespace batch_office {

using namespace desk;
using acquirer::ChangeBatch;
using acquirer::DecideBatch;
using acquirer::OperatorAnswer;
using acquirer::Role;
using acquirer::SubmitBatch;

inline constexpr const char* merchant = "898110157220001";
inline constexpr const char* today = "1121";
inline constexpr const char* head = "line_ref,rrn,date,amount,reason\n";
inline const std::string note = "as the shop's list says";

inline std::function<void(acquirer::Configuration&)> fast(
    const std::function<void(acquirer::Configuration&)>& more = {}) {
    return [more](acquirer::Configuration& c) {
        c.limits.lines_per_second = 1'000;
        if (more) more(c);
    };
}

inline std::string line(const std::string& ref, const std::string& rrn, const std::string& amount,
                        const std::string& date = today, const std::string& reason = "quality") {
    return ref + "," + rrn + "," + date + "," + amount + "," + reason + "\n";
}

/// A maker, a checker and their batches.
struct Office {
    explicit Office(const std::function<void(acquirer::Configuration&)>& adjust = fast()) : d(adjust) {}

    OperatorAnswer maker(acquirer::OperatorCommand command) {
        return d.operate(std::move(command), "maker1", Role::operator_);
    }
    OperatorAnswer checker(acquirer::OperatorCommand command) {
        return d.operate(std::move(command), "checker1", Role::supervisor);
    }
    std::string put(const std::string& text) {
        const std::string digest = ledger::digest_text(ledger::Sha256().finish(iso8583::as_bytes(text)));
        for (std::uint32_t piece = 0; piece * ledger::file_piece_bytes < text.size(); ++piece)
            REQUIRE(maker(acquirer::PutFile{
                              digest, text.size(), piece,
                              text.substr(piece * ledger::file_piece_bytes, ledger::file_piece_bytes)})
                        .done);
        return digest;
    }
    OperatorAnswer submit(const std::string& text, const std::string& reference = "B-1") {
        return maker(SubmitBatch{merchant, reference, put(text), "refunds.csv"});
    }
    /// Submitted; nobody waits for the answer.
    void hand_in(const std::string& text) {
        d.offer(acquirer::OperatorCommanded{999, "maker1", Role::operator_,
                                            SubmitBatch{merchant, "B-1", put(text), "refunds.csv"}});
    }
    /// Submitted and read.
    std::string waiting(const std::string& text, const std::string& reference = "B-1") {
        const OperatorAnswer answer = submit(text, reference);
        INFO(answer.text);
        REQUIRE(answer.done);
        const std::string id = answer.values.front().second;
        INFO(batch(id).words << (batch(id).faults.empty() ? "" : batch(id).faults.front()));
        REQUIRE(batch(id).state == ledger::RefundBatch::State::waiting);
        return id;
    }
    /// Approved as well.
    std::string running(const std::string& text, const std::string& reference = "B-1") {
        const std::string id = waiting(text, reference);
        REQUIRE(checker(DecideBatch{id, DecideBatch::To::approve, "", ""}).done);
        return id;
    }
    ledger::RefundBatch batch(const std::string& id) {
        const auto stored = d.store().get(ledger::Family::index, ledger::refund_batch_key(id));
        REQUIRE((stored && *stored));
        auto decoded = ledger::decode_refund_batch(**stored);
        REQUIRE(decoded);
        return *decoded;
    }
    std::string state(const std::string& id) { return std::string(ledger::name(batch(id).state)); }
    ledger::RefundBatchLine line_of(const std::string& id, std::uint32_t number) {
        const auto stored = d.store().get(ledger::Family::journal, ledger::refund_batch_line_key(id, number));
        REQUIRE((stored && *stored));
        auto decoded = ledger::decode_refund_batch_line(**stored);
        REQUIRE(decoded);
        return *decoded;
    }
    std::string outcome(const std::string& id, std::uint32_t number) {
        return std::string(ledger::name_of_outcome(line_of(id, number).outcome));
    }
    std::uint32_t count(const std::string& id, ledger::State state) {
        return batch(id).count_of(static_cast<ledger::LineOutcome>(state)).lines;
    }
    /// What stands in the ledger against what the counts say.
    void counts_are_those_of_its_lines(const std::string& id) {
        std::map<ledger::LineOutcome, std::uint32_t> seen;
        const ledger::KeyRange range = ledger::refund_batch_lines(id, 0);
        REQUIRE(d.store().scan(
            ledger::Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
                auto one = ledger::decode_refund_batch_line(value);
                REQUIRE(one);
                ++seen[one->outcome];
                if (!one->refund.empty())
                    CHECK(static_cast<ledger::LineOutcome>(d.record(one->refund.str()).state) ==
                          one->outcome);
                return true;
            }));
        std::map<ledger::LineOutcome, std::uint32_t> counted;
        for (const auto& c : batch(id).counts) counted[c.outcome] = c.lines;
        CHECK(seen == counted);
    }
    std::vector<std::string> audited() {
        std::vector<std::string> actions;
        REQUIRE(ledger::read_audit_entries(d.store(), 1, 1'000'000, [&](const ledger::AuditEntry& e) {
            if (e.event.action.rfind("batch.", 0) == 0)
                actions.push_back(e.event.user + ": " + e.event.action);
            return true;
        }));
        return actions;
    }

    Desk d;
};

inline std::vector<std::string> sales(Office& o, int count, const char* card = card_a) {
    std::vector<std::string> rrns;
    for (int i = 0; i < count; ++i) rrns.push_back(o.d.sale(card).rrn);
    return rrns;
}

}  // namespace batch_office
