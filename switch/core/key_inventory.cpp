#include "switch/core/key_inventory.hpp"

#include <algorithm>

namespace acquirer {

namespace {

// Known check values are kept for so many keys; a list that needs more asks again.
constexpr std::size_t known_max = 4'096;

}  // namespace

void KeyInventory::add(Listing& listing, Row row) const {
    if (row.key.empty()) return;
    if (listing.rows.size() >= keys_listed_max) {
        listing.cut_short = true;
        return;
    }
    listing.rows.push_back(std::move(row));
}

void KeyInventory::add_issuers(Listing& listing) const {
    for (const routing::Route& route : c_.config->routes.routes()) {
        const auto files = c_.config->issuer_keys.find(route.id);
        if (files != c_.config->issuer_keys.end())
            add(listing, {route.name, hsm::KeyKind::zmk, files->second.zmk, "configured", {}, {}});
        for (KeyExchange::Standing& key : exchange_.keys(route.id)) {
            const bool exchanged = key.since.has_value() || key.state != "current";
            add(listing,
                {route.name, key.kind, std::move(key.key), exchanged ? std::string(key.state) : "configured",
                 key.since ? iso8583::local_iso(*key.since, c_.config->time_zone.offset_s(*key.since))
                           : std::string(),
                 std::move(key.by)});
        }
    }
}

void KeyInventory::add_terminals(Listing& listing) const {
    for (const TerminalRange& range : c_.config->terminals) {
        const std::string owner =
            "terminals " + std::to_string(range.first) + "-" + std::to_string(range.last);
        add(listing, {owner, hsm::KeyKind::tmk, range.tmk, "configured", {}, {}});
        add(listing, {owner, hsm::KeyKind::tak, range.tak, "configured", {}, {}});
        add(listing, {owner, hsm::KeyKind::tpk, range.tpk, "configured", {}, {}});
    }
}

void KeyInventory::add_terminal(Listing& listing, const iso8583::TerminalId& terminal) {
    const ledger::TerminalRecord record = terminals_.record(terminal);
    for (const auto& version : record.keys) {
        const std::string state =
            version.version == record.proven_key_version ? "proven" : "offered by sign-on";
        const auto tak = hsm::KeyBlock::parse(version.mac_key);
        const auto tpk = hsm::KeyBlock::parse(version.pin_key);
        const std::string owner =
            "terminal " + terminal.str() + " version " + std::to_string(version.version);
        if (tak) add(listing, {owner, hsm::KeyKind::tak, *tak, state, {}, {}});
        if (tpk) add(listing, {owner, hsm::KeyKind::tpk, *tpk, state, {}, {}});
    }
}

void KeyInventory::list(const OperatorCommanded& event) {
    const auto no = [&](std::string text) {
        c_.emit(AnswerOperator{event.ticket, {false, std::move(text)}});
    };
    if (listings_.size() >= lists_at_once_max) return no("as many lists of keys as allowed are being made");
    Listing listing;
    listing.operator_ticket = event.ticket;
    const std::string& wanted = std::get<ListKeys>(event.command).terminal;
    if (wanted.empty()) {
        add_issuers(listing);
        add_terminals(listing);
    } else {
        const auto terminal = iso8583::TerminalId::parse(wanted);
        if (!terminal || c_.config->find_terminal(*terminal) == nullptr)
            return no("no terminal " + wanted + " is configured");
        add_terminal(listing, *terminal);
    }
    if (known_.size() > known_max) known_.clear();
    for (const Row& row : listing.rows) {
        const Checked key{row.kind, row.key};
        const bool asked =
            known_.contains(key) || std::find(to_ask_.begin(), to_ask_.end(), key) != to_ask_.end() ||
            std::any_of(checking_.begin(), checking_.end(), [&](const auto& e) { return e.second == key; });
        if (!asked) to_ask_.push_back(key);
    }
    listings_.push_back(std::move(listing));
    ask_more();
    answer_finished();
}

void KeyInventory::ask_more() {
    while (!to_ask_.empty() && checking_.size() < checks_at_once_max) {
        const Checked key = std::move(to_ask_.front());
        to_ask_.pop_front();
        const hsm::Ticket ticket = ++c_.last_ticket;
        checking_.emplace(ticket, key);
        c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
        c_.emit(AskHsm{ticket, hsm::CheckKey{key.first, key.second}});
    }
}

void KeyInventory::on_checked(hsm::Ticket ticket, const hsm::Reply& reply) {
    const auto at = checking_.find(ticket);
    if (at == checking_.end()) return;
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});
    const auto* checked = reply ? std::get_if<hsm::KeyChecked>(&*reply) : nullptr;
    known_[at->second] = checked != nullptr ? iso8583::to_hex(checked->kcv)
                         : reply            ? std::string("unclear answer of the HSM")
                                            : std::string(hsm::name(reply.error()));
    checking_.erase(at);
    ask_more();
    answer_finished();
}

void KeyInventory::answer_finished() {
    while (!listings_.empty()) {
        const Listing& listing = listings_.front();
        const auto known = [&](const Row& row) { return known_.contains({row.kind, row.key}); };
        if (!std::all_of(listing.rows.begin(), listing.rows.end(), known)) return;
        View keys = View::list();
        for (const Row& row : listing.rows) {
            View key = View::object();
            key.put("owner", row.owner)
                .put("kind", hsm::name(row.kind))
                .put("kcv", known_.at({row.kind, row.key}))
                .put("state", row.state)
                .put("since", row.since)
                .put("by", row.by);
            keys.add(std::move(key));
        }
        OperatorAnswer answer;
        answer.done = true;
        if (listing.rows.empty()) answer.text = "no keys";
        if (listing.cut_short)
            answer.text = "only the first " + std::to_string(keys_listed_max) + " keys are listed";
        answer.data = View::object();
        answer.data.put("keys", std::move(keys));
        c_.emit(AnswerOperator{listing.operator_ticket, std::move(answer)});
        listings_.pop_front();
    }
    // What the HSM could not say now it may say next time.
    if (checking_.empty() && to_ask_.empty())
        std::erase_if(known_, [](const auto& entry) { return entry.second.size() != 6; });
}

}  // namespace acquirer
