#include "switch/core/switch_core.hpp"

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/overloaded.hpp"
#include "switch/core/admission.hpp"
#include "switch/core/backups.hpp"
#include "switch/core/core_context.hpp"
#include "switch/core/cut_over.hpp"
#include "switch/core/file_intake.hpp"
#include "switch/core/key_inventory.hpp"
#include "switch/core/notices.hpp"
#include "switch/core/open_work.hpp"
#include "switch/core/operations.hpp"
#include "switch/core/orphan_watch.hpp"
#include "switch/core/policies.hpp"
#include "switch/core/pre_authorization.hpp"
#include "switch/core/reconciliation.hpp"
#include "switch/core/refund_batches.hpp"
#include "switch/core/restored.hpp"
#include "switch/core/retention.hpp"
#include "switch/core/reversal_flow.hpp"
#include "switch/core/sale_chain.hpp"
#include "switch/core/settlement.hpp"
#include "switch/core/source_limits.hpp"
#include "switch/core/store_and_forward.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/terminals.hpp"
#include "switch/core/transaction_flow.hpp"
#include "switch/core/transaction_outcome.hpp"
#include "switch/core/undoing.hpp"
#include "switch/core/unmatched_replies.hpp"
#include "switch/core/vault_rotation.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

// The context remembers, the flows decide. This file only sorts events to flows: a request once it is
// admitted (admission.hpp), an issuer's answer to what awaits it, or to nobody (unmatched_replies.hpp).
struct SwitchCore::Impl {
    Impl(ConfigurationPtr configuration, ledger::Overlay& overlay, ledger::PanVault& vault,
         ledger::AuditHash hash, ledger::NumberPlan numbers)
        : context(std::move(configuration), overlay, vault, std::move(numbers)), audit_hash(hash) {
        vault_rotation.ask_whether_a_backup_runs([this] { return backups.is_running(); });
        backups.ask_whether_it_may([this] {
            return vault_rotation.changes_file()
                       ? std::string("the vault's keys are being changed: try again")
                       : std::string();
        });
        restored.on_accepted = [this] { transactions.retry_cleared(); };
        retention.tell_erased_notices([this](std::uint64_t through) { notices.erased_through(through); });
        key_exchange.on_change = [this](const std::string& user, std::string_view role, std::string action,
                                        const std::string& detail) {
            operations.audit(user, role, std::move(action), detail);
        };
    }

    void on(RequestArrived&& event);
    void on(const TerminalLinkClosed& event) {
        transactions.on_terminal_link_closed(event.link);
        settlement.on_terminal_link_closed(event.link);
    }
    void on(const IssuerLinkUp& event);
    void on(const IssuerLinkDown& event);
    void on(const IssuerReplyArrived& event);
    void on(const HsmAnswered& event) {
        if (transactions.owns(event.ticket))
            transactions.on_pin_translated(event.ticket, event.reply);
        else if (terminals.owns(event.ticket))
            terminals.on_keys_generated(event.ticket, event.reply);
        else if (key_exchange.owns(event.ticket))
            key_exchange.on_hsm(event.ticket, event.reply);
        else if (key_inventory.owns(event.ticket))
            key_inventory.on_checked(event.ticket, event.reply);
    }
    void on(const IssuerKeyOffered& event) { key_exchange.on_offer(event); }
    void on(const ZonePinKeyTold& event) { key_exchange.on_told(event); }
    void on(const OperatorCommanded& event) { operations.on_command(event); }
    void on(const NoticesWritten& event) { notices.on_written(event); }
    void on(const ConfigReplaced& event);
    void on(const StoreHealthChanged& event);
    void on(const BackupEnded& event) {
        backups.on_ended(event);
        vault_rotation.backup_ended();
    }
    void on(const VaultKeyMade& event) { vault_rotation.on_made(event); }
    void on(const VaultKeyWiped& event) { vault_rotation.on_wiped(event); }
    void on(const ShardTold& event) {
        std::visit(
            iso8583::Overloaded{
                [this](const VaultKeyInUse& word) { vault_rotation.on_told(word); },
                [this, &event](const VaultResealed& word) { vault_rotation.on_told(event.from, word); },
                [this](const IssuerFileChecked& word) { reconciliation.on_told(word); },
                [this](const ReconDayBegun& word) { reconciliation.on_told(word); },
                [this](const DayClosed& word) { days.on_told(word); },
                [this](const PurgeBegun& word) { retention.on_told(word); },
            },
            event.word);
    }
    void on_deadline(const DeadlineId& id);
    /// What an event made possible for others: a 0500 whose batch is done, a case whose chain is free (R75).
    void after_step() {
        if (queue.take_freed()) transactions.retry_cleared();
        transactions.go_where_is_room();
        settlement.after_step();
        retention.look();
    }

    CoreContext context;
    ledger::AuditHash audit_hash;
    const ledger::AuditKey* audit_key = nullptr;
    std::string made_audit_key;
    SaleChain chain{context};
    StoreAndForward queue{context, chain, undoing};  // each refers to the other
    Undoing undoing{context, chain, queue};
    UnmatchedReplies unmatched_replies{context, queue, undoing};
    SourceLimits source_limits{context};
    Terminals terminals{context, source_limits};
    KeyExchange key_exchange{context};
    TransactionFlow transactions{context, chain, queue, undoing, terminals, key_exchange};
    TransactionOutcome outcomes{context, chain, queue, undoing, transactions};
    ReversalFlow reversals{context, chain, queue, undoing};
    Settlement settlement{context, terminals};
    CutOver days{context};
    KeyInventory key_inventory{context, terminals, key_exchange};
    WaysOut ways_out{context, chain, queue, undoing, days};
    FileIntake files{context};
    RefundBatches batches{context, transactions, files};
    Reconciliation reconciliation{context, files};
    Restored restored{context, ways_out};
    Admission admission{context, terminals, source_limits, restored};
    Backups backups{context};
    Policies policies{context, ways_out};
    Parties parties{context};
    MerchantFunds merchant_funds{context, transactions, ways_out};
    ExceptionDesk exceptions{context, ways_out};
    Notices notices{context};
    Retention retention{context, ways_out};
    VaultRotation vault_rotation{context, ways_out};
    Operations operations{context,        chain,     queue,         transactions,  ways_out, terminals,
                          settlement,     days,      key_exchange,  key_inventory, files,    batches,
                          reconciliation, restored,  backups,       policies,      parties,  merchant_funds,
                          exceptions,     retention, vault_rotation};
    OrphanWatch orphan_watch{context, queue, transactions};
    std::uint64_t turns = 0;
};

SwitchCore::SwitchCore(ConfigurationPtr configuration, ledger::Overlay& overlay, ledger::PanVault& vault,
                       ledger::AuditHash audit_hash, ledger::NumberPlan numbers)
    : impl_(
          std::make_unique<Impl>(std::move(configuration), overlay, vault, audit_hash, std::move(numbers))) {}
SwitchCore::~SwitchCore() = default;

iso8583::Result<Effects, ledger::StoreError> SwitchCore::recover(const iso8583::Now& now) {
    CoreContext& c = impl_->context;
    Effects effects;
    c.now = now;
    c.effects = &effects;
    c.ledger.step_at(now.utc);
    c.ledger.recover();
    auto audit = ledger::AuditLog::open(c.ledger.overlay(), impl_->audit_hash, impl_->audit_key);
    if (!audit)
        return tl::unexpected(ledger::StoreError{ledger::StoreError::Kind::corruption, audit.error().what});
    impl_->operations.open_audit(*audit);
    const bool begins_restored = impl_->restored.recover();
    if (begins_restored) impl_->operations.audit_restore(impl_->restored.to_reconcile());
    if (!impl_->made_audit_key.empty()) {
        ledger::save_audit_key(c.ledger.overlay(), std::move(impl_->made_audit_key));
        impl_->operations.audit("the switch", "", std::string(ledger::audit_keyed_action),
                                "entries carry an HMAC-SHA256 from here on, under the key with check value " +
                                    impl_->audit_key->check_value());
    }
    impl_->vault_rotation.recover();  // before anything is sealed
    impl_->days.recover();
    impl_->terminals.recover();
    impl_->key_exchange.recover();
    impl_->reconciliation.recover();
    impl_->files.recover();
    const std::vector<iso8583::Rrn> open = open_in_order(c.ledger);
    for (const iso8583::Rrn& rrn : open) {
        ledger::TransactionRecord* record = c.ledger.edit(rrn);
        if (record != nullptr && begins_restored) impl_->queue.may_have_left(*record);
        if (record != nullptr) impl_->transactions.recover(*record);
    }
    impl_->batches.recover();
    if (begins_restored) impl_->batches.pause_restored();
    impl_->policies.look();
    impl_->orphan_watch.recover();
    impl_->notices.recover();
    impl_->retention.recover();
    Note n;
    n.kind = NoteKind::recovered;
    n.detail = std::to_string(open.size()) + " open transactions, business day " + c.business_day.date.iso();
    c.note(std::move(n));
    c.effects = nullptr;
    if (c.ledger.error()) return tl::unexpected(*c.ledger.error());
    return effects;
}

void SwitchCore::comes_from(std::optional<ledger::BackupMark> backup) {
    impl_->restored.comes_from(std::move(backup));
}

void SwitchCore::keys_audit_with(const ledger::AuditKey& key, std::string made) {
    impl_->audit_key = &key;
    impl_->made_audit_key = std::move(made);
}

void SwitchCore::step(Event&& event, const iso8583::Now& now, Effects& effects) {
    impl_->context.now = now;
    impl_->context.effects = &effects;
    impl_->context.ledger.step_at(now.utc);
    std::visit([this](auto&& e) { impl_->on(std::forward<decltype(e)>(e)); }, std::move(event));
    impl_->after_step();
    impl_->context.effects = nullptr;
}

void SwitchCore::pass_deadlines(const iso8583::Now& now, Effects& effects) {
    impl_->context.now = now;
    impl_->context.effects = &effects;
    impl_->context.ledger.step_at(now.utc);
    while (const auto id = impl_->context.deadlines.pop_due(now.instant)) impl_->on_deadline(*id);
    impl_->after_step();
    impl_->context.effects = nullptr;
}

std::optional<iso8583::Instant> SwitchCore::next_deadline() const { return impl_->context.deadlines.next(); }

void SwitchCore::close_turn(std::uint64_t turn) {
    ++impl_->turns;
    impl_->orphan_watch.close_turn();
    impl_->batches.close_turn();
    impl_->notices.close_turn();
    impl_->context.ledger.close_turn();
    impl_->context.in_flight.turn_closed(turn);
}

void SwitchCore::effects_left(std::uint64_t turn, const iso8583::Now& now) {
    impl_->context.in_flight.effects_left(turn, now.instant);
}

std::pair<iso8583::Stan, iso8583::TransmissionTime> SwitchCore::next_issuer_numbers(routing::RouteId route,
                                                                                    const iso8583::Now& now) {
    impl_->context.now = now;
    const auto numbers = impl_->context.next_issuer_numbers(route);
    return {numbers.stan, numbers.transmission_time};
}

const std::optional<ledger::StoreError>& SwitchCore::store_error() const {
    return impl_->context.ledger.error();
}

std::vector<ledger::Key> SwitchCore::keys_wanted(const TerminalRequest& request) const {
    std::vector<ledger::Key> keys;
    if (request.original_rrn && !impl_->context.ledger.is_decoded(*request.original_rrn))
        keys.push_back({ledger::Family::journal, ledger::transaction_key(*request.original_rrn)});
    return keys;
}

void SwitchCore::visit_decoded_records(
    const std::function<void(const ledger::TransactionRecord&)>& visit) const {
    impl_->context.ledger.visit_decoded(visit);
}

std::unique_ptr<LiveWork> SwitchCore::live_work() const { return impl_->orphan_watch.live_work(); }

bool SwitchCore::quiet() const { return impl_->context.in_flight.size() == 0; }

CoreStatus SwitchCore::status() const {
    const CoreContext& c = impl_->context;
    CoreStatus s;
    s.business_date = c.business_day;
    s.config_version = c.config->version;
    s.last_rrn = c.ledger.last_rrn();
    s.turns = impl_->turns;
    s.pending = static_cast<std::uint32_t>(c.in_flight.size());
    s.held = static_cast<std::uint32_t>(c.held.size());
    s.open_exceptions = c.ledger.exceptions_open();
    s.refuses_new_work = c.restored ? impl_->restored.to_reconcile() : c.store_refuses;
    s.orphans = static_cast<std::uint32_t>(impl_->orphan_watch.orphans());
    s.restored = impl_->restored.status();
    s.backup = impl_->backups.status();
    s.retention = impl_->retention.status();
    s.vault = impl_->vault_rotation.status();
    s.orphans_looked_for = impl_->orphan_watch.last_pass();
    s.notices_waiting = impl_->notices.waiting();
    s.notices_stuck = impl_->notices.stuck();
    s.counters = {c.counters.begin(), c.counters.end()};
    for (const routing::Route& route : c.config->routes.routes()) {
        RouteStatus r;
        r.name = route.name;
        r.links_up = c.links.links_up(route.id);
        r.in_flight = c.in_flight.requests_of(route.id);
        r.queued_advices = impl_->queue.queued(route.id);
        r.operator_state = name(c.links.mode(route.id));
        s.routes.push_back(std::move(r));
    }
    return s;
}

// ---- Requests

void SwitchCore::Impl::on(RequestArrived&& event) {
    if (!admission.admit(event)) return;
    switch (event.request.kind) {
        case RequestKind::sale:
        case RequestKind::void_sale:
        case RequestKind::refund:
        case RequestKind::authorization:
        case RequestKind::void_authorization:
        case RequestKind::completion:
        case RequestKind::completion_advice:
            transactions.on_request(std::move(event));
            return;
        case RequestKind::reversal:
            reversals.on_request(event);
            return;
        case RequestKind::sign_on:
            terminals.on_sign_on(event);
            return;
        case RequestKind::sign_off:
            terminals.on_sign_off(event);
            return;
        case RequestKind::echo:
            terminals.on_echo(event);
            return;
        case RequestKind::settlement:
            settlement.on_settlement(event);
            return;
        case RequestKind::batch_upload:
        case RequestKind::batch_upload_end:
            settlement.on_upload(event);
            return;
        case RequestKind::unsupported:
            answer_refusal(context, Asker{event.from, event.request}, Refusal::function_not_supported);
            return;
    }
    ENSURE(false);
}

// ---- Issuers

void SwitchCore::Impl::on(const IssuerLinkUp& event) {
    context.links.link_up(event.route, event.link);
    queue.link_up(event.route);
    transactions.retry_cleared();
    key_exchange.link_up(event.route);
}

void SwitchCore::Impl::on(const IssuerLinkDown& event) {
    context.links.link_down(event.route, event.link);
    outcomes.on_link_down(event.route, event.link);
    queue.link_down(event.route, event.link);
    key_exchange.link_down(event.route, event.link);
}

void SwitchCore::Impl::on(const IssuerReplyArrived& event) {
    const std::optional<Awaited> awaited = what_awaits(context, event);
    if (!awaited) return unmatched_replies.on_reply(event);
    switch (awaited->what) {
        case Awaited::What::request:
            return outcomes.on_issuer_reply(*awaited, event);
        case Awaited::What::advice:
            return queue.on_reply(*awaited, event);
        case Awaited::What::key_change:
            return key_exchange.on_reply(event);
    }
    ENSURE(false);
}

// ---- The rest

void SwitchCore::Impl::on(const ConfigReplaced& event) {
    context.config = event.configuration;
    parties.configuration_replaced();
    notices.configuration_replaced();
    key_exchange.configuration_replaced();
    queue.configuration_replaced();
    transactions.retry_cleared();
    days.look();
    policies.look();
    vault_rotation.configuration_replaced();
    Note n;
    n.kind = NoteKind::configuration_replaced;
    n.detail = "version " + std::to_string(context.config->version) + ", hash " + context.config->hash;
    context.note(std::move(n));
}

void SwitchCore::Impl::on(const StoreHealthChanged& event) {
    const bool accepted = context.store_accepts_new_work();
    context.store_refuses = event.refuses;
    if (context.store_accepts_new_work() == accepted) return;
    Note n;
    n.severity = accepted ? Severity::alarm : Severity::info;
    n.kind = NoteKind::store_refuses_work;
    n.rule = "R62";
    n.detail = accepted ? "new requests are refused: " + event.refuses : "the store takes new work again";
    context.note(std::move(n));
}

void SwitchCore::Impl::on_deadline(const DeadlineId& id) {
    switch (id.kind) {
        case DeadlineId::Kind::request_reply:
            outcomes.on_reply_deadline(id.rrn);
            return;
        case DeadlineId::Kind::advice_reply:
            queue.on_reply_deadline(id.rrn);
            return;
        case DeadlineId::Kind::advice_attempt:
            queue.on_attempt_deadline(routing::RouteId{static_cast<std::uint16_t>(id.number)});
            return;
        case DeadlineId::Kind::hsm_reply:
            on(HsmAnswered{id.number, tl::unexpected(hsm::HsmFault::unavailable)});
            return;
        case DeadlineId::Kind::cut_over:
            days.look();
            return;
        case DeadlineId::Kind::key_change_reply:
            key_exchange.on_reply_deadline(routing::RouteId{static_cast<std::uint16_t>(id.number)});
            return;
        case DeadlineId::Kind::held_back:
            source_limits.on_deadline(id.number);
            return;
        case DeadlineId::Kind::case_expiry:
            ways_out.on_case_deadline(id.rrn);
            return;
        case DeadlineId::Kind::orphan_pass:
            orphan_watch.on_deadline();
            return;
        case DeadlineId::Kind::refund_batch:
            batches.on_deadline(id.number);
            return;
        case DeadlineId::Kind::file_expiry:
            files.on_deadline();
            return;
        case DeadlineId::Kind::recon_step:
            reconciliation.on_deadline();
            return;
        case DeadlineId::Kind::lapse:
            PreAuthorization(context).on_lapse_deadline(id.rrn, queue);
            return;
        case DeadlineId::Kind::notices:
            notices.on_deadline();
            return;
        case DeadlineId::Kind::retention_step:
            retention.on_deadline();
            return;
        case DeadlineId::Kind::vault_slice:
            vault_rotation.on_slice_deadline();
            return;
        case DeadlineId::Kind::vault_key_age:
            vault_rotation.on_age_deadline();
            return;
        case DeadlineId::Kind::key_grace:
            key_exchange.on_grace_deadline(routing::RouteId{static_cast<std::uint16_t>(id.number)});
            return;
    }
    ENSURE(false);
}

}  // namespace acquirer
