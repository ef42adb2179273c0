#include "switch/core/parties.hpp"

#include <charconv>

#include "ledger/totals.hpp"

namespace acquirer {

using ledger::PartyKind;

namespace {

OperatorAnswer no(std::string why) { return {false, std::move(why)}; }

std::string words(PartyKind kind, const std::string& id) {
    return (kind == PartyKind::merchant ? "merchant " : "terminals from ") + id;
}

std::string action(const char* what, PartyKind kind) {
    return (kind == PartyKind::merchant ? "merchant." : "terminals.") + std::string(what);
}

}  // namespace

std::string Parties::not_now(std::uint32_t checked_against) const {
    if (under_way_ || checked_against != c_.config->version)
        return "the configuration is being changed; try again";
    return "";
}

OperatorAnswer Parties::add(const OperatorCommanded& event, const AddParty& command) {
    if (const std::string why = not_now(command.config_version); !why.empty()) return no(why);
    if (command.section.size() > ledger::PartyBooks::section_bytes_max)
        return no("at most " + std::to_string(ledger::PartyBooks::section_bytes_max) +
                  " bytes of settings can be stored");
    if (books_.find(command.kind, command.id)) return no(words(command.kind, command.id) + ": added before");
    if (books_.count() >= ledger::PartyBooks::parties_max)
        return no("at most " + std::to_string(ledger::PartyBooks::parties_max) +
                  " merchants and ranges of terminals can be added: put some into the configuration file");
    if (!c_.store_accepts_new_work()) return no("the store takes no new work (R62)");
    books_.save({command.kind, command.id, command.section, event.user, c_.now.utc});
    audit_(event, action("add", command.kind), command.words);
    under_way_ = true;
    c_.emit(PartiesChanged{});
    OperatorAnswer answer{true, words(command.kind, command.id) + " can be used now"};
    answer.values = {{command.kind == PartyKind::merchant ? "merchant" : "first", command.id}};
    return answer;
}

std::string Parties::still_open(const RemoveParty& command) {
    const auto first = iso8583::TerminalId::parse(command.id);
    const TerminalRange* range = first ? c_.config->find_terminal(*first) : nullptr;
    const auto is_its = [&](const iso8583::MerchantId& merchant, const iso8583::TerminalId& terminal) {
        if (command.kind == PartyKind::merchant) return merchant.view() == command.id;
        return range != nullptr && c_.config->find_terminal(terminal) == range;
    };
    for (const iso8583::Rrn& rrn : c_.ledger.open_work()) {
        const ledger::TransactionRecord* record = c_.ledger.find(rrn);
        if (record != nullptr && is_its(record->merchant, record->terminal))
            return "transaction " + rrn.str() + " is " + std::string(ledger::name(record->state)) +
                   " and not at its end";
    }
    if (command.kind == PartyKind::merchant) return "";
    // Also of a terminal that never signed on: its sums are named after it.
    const auto& sums = c_.ledger.totals().all();
    for (auto at = sums.lower_bound(std::string(ledger::batches_prefix));
         at != sums.end() && at->first.starts_with(ledger::batches_prefix); ++at) {
        const auto terminal = ledger::terminal_of_batch_sum(at->first);
        if (terminal && is_its({}, *terminal) && at->second.count != 0)
            return "terminal " + terminal->str() + " has an open batch: settle it first";
    }
    return "";
}

OperatorAnswer Parties::remove(const OperatorCommanded& event, const RemoveParty& command) {
    if (const std::string why = not_now(command.config_version); !why.empty()) return no(why);
    // The first shard keeps what was added; those beside it only say whether anything of it is open there.
    const bool keeps = c_.ledger.numbers().is_first();
    if (keeps && !books_.find(command.kind, command.id))
        return no(words(command.kind, command.id) +
                  " is none that was added; the configuration file has its own");
    if (const std::string why = still_open(command); !why.empty()) return no(why);
    if (!keeps) return {true, "nothing of " + words(command.kind, command.id) + " is open"};
    books_.erase(command.kind, command.id);
    audit_(event, action("remove", command.kind), command.id);
    under_way_ = true;
    c_.emit(PartiesChanged{});
    return {true, words(command.kind, command.id) + " is taken back"};
}

}  // namespace acquirer
