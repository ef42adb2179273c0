#include "switch/core/policies.hpp"

#include "switch/core/operator_words.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

namespace {
constexpr std::string_view by_the_files = "configuration";
}

Policies::Policies(CoreContext& context, WaysOut& ways_out) : c_(context), ways_out_(ways_out) {
    ways_out_.add_kind(policy_action,
                       {[this] { return c_.config->policy.version; }, "another policy came into force",
                        WhileRestored::decided,
                        [this](const ledger::Proposal& p, const std::string& by) { return apply(p, by); }});
}

void Policies::look() {
    const PolicyInForce& now = c_.config->policy;
    // The first of several shards writes the row of policies for all.
    if (now.version.empty() || !c_.ledger.numbers().is_first()) return;
    auto newest = ledger::newest_policy(c_.ledger.overlay());
    if (!newest) return c_.ledger.fail(newest.error().what);
    if (*newest && (*newest)->version == now.version && (*newest)->text == now.stored) return;
    ledger::PolicyRecord record;
    record.sequence = *newest ? (*newest)->sequence + 1 : 1;
    record.version = now.version;
    record.since = c_.now.utc;
    record.by = by_the_files;
    record.text = now.stored;
    ledger::save(c_.ledger.overlay(), record);
    Note n;
    n.kind = NoteKind::policy_in_force;
    n.detail = "version " + record.version + " by " + record.by;
    c_.note(std::move(n));
}

OperatorAnswer Policies::propose(const OperatorCommanded& event, const ProposePolicy& command) {
    if (command.in_force != c_.config->policy.version)
        return no("another policy came into force while this one was read: check it again");
    if (command.text.size() > ledger::PolicyRecord::text_bytes_max)
        return no("a policy has at most " + std::to_string(ledger::PolicyRecord::text_bytes_max) + " bytes");
    if (command.text == c_.config->policy.stored)
        return no("this policy is in force already: nothing would change");
    ledger::Proposal p;
    p.action = policy_action;
    p.outcome = command.version;
    p.subject = command.differences;
    p.note = command.note;
    OperatorAnswer answer = ways_out_.propose(event, std::move(p));
    if (!answer.done) return answer;
    ledger::save_proposed_policy(c_.ledger.overlay(), answer.values.front().second, command.text);
    return answer;
}

std::string Policies::apply(const ledger::Proposal& p, const std::string& by) {
    auto text = ledger::proposed_policy(c_.ledger.overlay(), p.id);
    auto newest = ledger::newest_policy(c_.ledger.overlay());
    if (!text || !newest) {
        c_.ledger.fail(!text ? text.error().what : newest.error().what);
        return "the proposed policy cannot be read";
    }
    ledger::PolicyRecord record;
    record.sequence = *newest ? (*newest)->sequence + 1 : 1;
    record.version = p.outcome;
    record.since = c_.now.utc;
    record.by = by;
    record.text = *text;
    ledger::save(c_.ledger.overlay(), record);
    c_.emit(ApplyPolicy{std::move(*text)});
    return "policy " + p.outcome + " is in force";
}

}  // namespace acquirer
