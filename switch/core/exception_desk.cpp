#include "switch/core/exception_desk.hpp"

#include "switch/core/operator_words.hpp"
#include "switch/core/recon_judge.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::ExceptionRecord;
using ledger::TransactionRecord;

namespace {

std::optional<iso8583::Rrn> subject_of(const ExceptionRecord& x) {
    const auto rrn = iso8583::Rrn::parse(std::string_view(x.id).substr(0, iso8583::Rrn::size_max));
    return rrn ? std::optional(*rrn) : std::nullopt;
}

}  // namespace

ExceptionDesk::ExceptionDesk(CoreContext& context, WaysOut& ways_out) : c_(context), ways_out_(ways_out) {
    // What opens or closes meanwhile does not change what was agreed on: all that was open when it was
    // proposed.
    ways_out_.add_kind(resolve_all_action, {[] { return std::string(); }, "", WhileRestored::decided,
                                            [this](const ledger::Proposal& p, const std::string& by) {
                                                return resolve_all(p, by);
                                            }});
}

OperatorAnswer ExceptionDesk::change(const OperatorCommanded& event, const ChangeException& command) {
    using To = ChangeException::To;
    if (command.id.empty()) return no("exception: the id of one is needed, or --all-of KIND, and not both");
    if (command.to == To::resolve_all) return propose_all(event, command);
    auto x = c_.ledger.exception(command.id);
    if (!x) return no("no exception has the id " + command.id);
    if (command.owner_or_note.empty() || command.owner_or_note.size() > note_characters_max)
        return no(command.to == To::assign ? "an owner is needed"
                                           : "a note of 1 to 200 characters is needed");
    if (!x->resolution.empty()) return no("exception " + x->id + " was resolved by " + x->resolved_by);
    if (command.to == To::resolve) return resolve(event, std::move(*x), command.owner_or_note);
    x->owner = command.owner_or_note;
    c_.ledger.save(*x);
    audit_(event, "exception.assign", x->id + " to " + x->owner);
    return yes("exception " + x->id + " belongs to " + x->owner);
}

OperatorAnswer ExceptionDesk::resolve(const OperatorCommanded& event, ExceptionRecord x,
                                      const std::string& note) {
    if (is_recon_exception(x.kind))
        return no("exception " + x.id + " stands for a difference: recon resolve " + x.id + " --note TEXT");
    if (const TransactionRecord* record = open_subject_of(x)) {
        const std::string way = way_out_of(*record);
        return no("exception " + x.id + " stays open: " + record->rrn.str() + " is " +
                  std::string(ledger::name(record->state)) + " and not at its end; " +
                  (way.empty() ? "it goes on by itself" : way));
    }
    close(x, note, event.user);
    audit_(event, "exception.resolve", x.id + ": " + x.resolution);
    return yes("exception " + x.id + " is resolved");
}

OperatorAnswer ExceptionDesk::propose_all(const OperatorCommanded& event, const ChangeException& command) {
    if (is_recon_exception(command.id))
        return no("exceptions of kind " + command.id +
                  " stand for differences: recon resolve ID --note TEXT, one by one");
    const std::size_t open = c_.ledger.open_exceptions_of_kind(command.id).size();
    if (open == 0) return no("no exception of kind " + command.id + " is open");
    ledger::Proposal p;
    p.action = resolve_all_action;
    p.outcome = "resolved";
    p.subject = command.id;
    p.note = command.owner_or_note;
    OperatorAnswer answer = ways_out_.propose(event, std::move(p));
    if (answer.done) answer.values.emplace_back("open", std::to_string(open));
    return answer;
}

std::string ExceptionDesk::resolve_all(const ledger::Proposal& p, const std::string& by) {
    std::size_t resolved = 0, stay = 0;
    bool more = false;
    for (const std::string& id : c_.ledger.open_exceptions_of_kind(p.subject)) {
        auto x = c_.ledger.exception(id);
        if (!x || x->opened > p.opened) continue;
        if (open_subject_of(*x) != nullptr) {
            ++stay;
            continue;
        }
        more = resolved == resolved_at_once_max;
        if (more) break;
        close(*x, p.note, by);
        ++resolved;
    }
    std::string text = std::to_string(resolved) + " exceptions of kind " + p.subject + " are resolved";
    if (stay != 0)
        text += "; " + std::to_string(stay) + " stay open, since their transactions are not at their end";
    if (more) text += "; more are open than one approval closes: propose it again";
    return text;
}

const TransactionRecord* ExceptionDesk::open_subject_of(const ExceptionRecord& x) {
    const auto rrn = subject_of(x);
    const TransactionRecord* record = rrn ? c_.ledger.find(*rrn) : nullptr;
    return record != nullptr && is_open(*record) ? record : nullptr;
}

void ExceptionDesk::close(ExceptionRecord& x, const std::string& note, const std::string& by) {
    x.resolution = note;
    x.resolved_by = by;
    c_.ledger.save(x);
    if (x.kind != "refund_reversal") return;
    // R20b: refunds of the sale are held only while it is open
    const auto rrn = subject_of(x);
    const TransactionRecord* refund = rrn ? c_.ledger.find(*rrn) : nullptr;
    if (refund != nullptr && refund->original)
        if (TransactionRecord* sale = c_.ledger.edit(*refund->original)) sale->reversal_exception = false;
}

}  // namespace acquirer
