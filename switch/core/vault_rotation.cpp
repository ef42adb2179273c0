#include "switch/core/vault_rotation.hpp"

#include <algorithm>
#include <utility>

#include "iso8583/values/ensure.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

using ledger::VaultBooks;
using ledger::VaultRecord;
using Phase = ledger::VaultRecord::Phase;

namespace {

constexpr std::int64_t day_ms = std::int64_t{24} * 3'600'000;
const DeadlineId slice_deadline{DeadlineId::Kind::vault_slice, {}, 0};
const DeadlineId age_deadline{DeadlineId::Kind::vault_key_age, {}, 0};

std::string_view phase_word(Phase phase) {
    switch (phase) {
        case Phase::idle:
            return "idle";
        case Phase::resealing:
            return "re-sealing";
        case Phase::checking:
            return "checking";
        case Phase::stuck:
            return "stuck";
    }
    ENSURE(false);
}

std::string key_name(std::uint32_t number) { return "vault key " + std::to_string(number); }

}  // namespace

VaultRotation::VaultRotation(CoreContext& context, WaysOut& ways_out) : c_(context), ways_out_(ways_out) {
    const auto add = [this](std::string_view action, auto carry_out) {
        ways_out_.add_kind(action, {[this] { return judged_by(); }, "the vault's keys changed",
                                    WhileRestored::decided, std::move(carry_out)});
    };
    add(vault_rotate_action,
        [this](const ledger::Proposal& p, const std::string& by) { return begin(p, by); });
    add(vault_retire_action,
        [this](const ledger::Proposal& p, const std::string& by) { return begin_retiring(p, by); });
}

void VaultRotation::recover() {
    state_ = VaultBooks(c_.ledger).record();
    if (c_.ledger.error()) return;
    if (const std::string missing = ledger::keys_missing(state_, c_.vault); !missing.empty())
        return c_.ledger.fail(missing);
    c_.vault.use(state_.active);
    // Wiped, though a fault was told; or by a process that died before it heard of it.
    std::erase_if(state_.old,
                  [this](const VaultRecord::Old& key) { return key.empty && !c_.vault.has(key.number); });
    ask_shell();
    resealed_there_.clear();
    tell_others();
    if (state_.phase == Phase::stuck) begin_pass(Phase::resealing);
    if (state_.phase != Phase::idle) c_.set_deadline(slice_deadline, reseal_slice_every_ms);
    on_age_deadline();
}

// ---- What two people ask for

std::string VaultRotation::judged_by() const {
    std::string text = std::to_string(state_.active) + " " + std::to_string(state_.making) + " " +
                       std::to_string(state_.retiring);
    for (const VaultRecord::Old& key : state_.old) text += " " + std::to_string(key.number);
    return text;
}

std::optional<std::string> VaultRotation::why_not_rotate() const {
    if (state_.making != 0) return key_name(state_.making) + " is being made";
    if (state_.phase == Phase::resealing || state_.phase == Phase::checking)
        return "cards are still being sealed anew under " + key_name(state_.active) +
               ": when vault status says idle, the next change may begin";
    if (others() == Others::under_way)
        return "cards of other shards are still being sealed anew under " + key_name(state_.active) +
               ": when vault status says idle, the next change may begin";
    if (state_.old.size() + 1 >= ledger::vault_keys_max)
        return "there are " + std::to_string(ledger::vault_keys_max) +
               " vault keys: retire old ones first (vault retire)";
    return std::nullopt;
}

std::optional<std::string> VaultRotation::why_not_retire(std::uint32_t number) const {
    if (number == state_.active) return key_name(number) + " is the active one: vault rotate comes before";
    if (state_.retiring != 0) return key_name(state_.retiring) + " is being wiped";
    const auto at = std::find_if(state_.old.begin(), state_.old.end(),
                                 [number](const VaultRecord::Old& key) { return key.number == number; });
    const bool is_unused = at == state_.old.end() && c_.vault.has(number) && number != state_.making;
    if (is_unused) return std::nullopt;
    if (at == state_.old.end()) return "there is no " + key_name(number);
    if (at->empty && others() != Others::resealed)
        return "cards of other shards are still sealed under " + key_name(number) +
               ": vault status says how far the change is";
    if (!at->empty)
        return "cards are still sealed under " + key_name(number) +
               (state_.phase == Phase::stuck
                    ? ", of which " + std::to_string(state_.unreadable) + " cannot be opened (vault status)"
                    : ": vault status says how far the change is");
    return std::nullopt;
}

OperatorAnswer VaultRotation::propose(const OperatorCommanded& event, const RotateVaultKey& command) {
    if (const auto why = why_not_rotate()) return no(*why);
    ledger::Proposal p;
    p.action = vault_rotate_action;
    p.outcome = "rotate";
    p.subject = key_name(state_.last + 1);
    p.note = command.note;
    return ways_out_.propose(event, std::move(p));
}

OperatorAnswer VaultRotation::propose(const OperatorCommanded& event, const RetireVaultKey& command) {
    if (const auto why = why_not_retire(command.number)) return no(*why);
    ledger::Proposal p;
    p.action = vault_retire_action;
    p.outcome = "retire";
    p.subject = key_name(command.number);
    p.amount_minor = command.number;
    p.note = command.note;
    return ways_out_.propose(event, std::move(p));
}

/// Still possible: a proposal whose keys changed has lapsed.
std::string VaultRotation::begin(const ledger::Proposal&, const std::string& by) {
    if (const auto why = why_not_rotate()) return *why;
    state_.making = ++state_.last;
    state_.by = by;
    VaultBooks(c_.ledger).save(state_);
    ask_shell();
    return key_name(state_.making) + (asked_to_make_
                                          ? " is being made; vault status says how far the change is"
                                          : " will be made when the backup that is being made has ended");
}

std::string VaultRotation::begin_retiring(const ledger::Proposal& p, const std::string& by) {
    const auto number = static_cast<std::uint32_t>(p.amount_minor);
    if (const auto why = why_not_retire(number)) return *why;
    state_.retiring = number;
    state_.by = by;
    VaultBooks(c_.ledger).save(state_);
    ask_shell();
    return key_name(number) + (asked_to_wipe_
                                   ? " is being wiped from the vault's file"
                                   : " will be wiped when the backup that is being made has ended");
}

// ---- What the shell does

void VaultRotation::ask_shell() {
    if (backup_runs_ && backup_runs_()) return;
    if (state_.making != 0 && !std::exchange(asked_to_make_, true))
        c_.emit(MakeVaultKey{state_.making, c_.now.utc});
    if (state_.retiring != 0 && !std::exchange(asked_to_wipe_, true)) c_.emit(WipeVaultKey{state_.retiring});
}

void VaultRotation::on_made(const VaultKeyMade& event) {
    if (state_.making != event.number) return;
    asked_to_make_ = false;
    if (!event.fault.empty()) {
        state_.making = 0;
        VaultBooks(c_.ledger).save(state_);
        audit_(state_.by, "vault.rotate_failed", key_name(event.number) + ": " + event.fault);
        return tell(Severity::alarm, key_name(event.number) + " was not made: " + event.fault);
    }
    state_.making = 0;
    seal_under(event.number);
    tell_others();
}

void VaultRotation::seal_under(std::uint32_t number) {
    state_.old.push_back({state_.active, false});
    state_.active = number;
    c_.vault.use(state_.active);
    state_.began = c_.now.utc;
    state_.ended = {};
    VaultBooks books(c_.ledger);
    state_.resealed = books.reseal_of_turn(c_.vault);
    begin_pass(Phase::resealing);
    audit_(state_.by, "vault.rotate", key_name(state_.active) + " seals from here on");
    tell(Severity::info, key_name(state_.active) + " seals from here on");
    on_age_deadline();
}

void VaultRotation::on_wiped(const VaultKeyWiped& event) {
    if (state_.retiring != event.number) return;
    state_.retiring = 0;
    asked_to_wipe_ = false;
    if (event.fault.empty())
        std::erase_if(state_.old, [&](const VaultRecord::Old& key) { return key.number == event.number; });
    VaultBooks(c_.ledger).save(state_);
    tell_others();
    audit_(state_.by, event.fault.empty() ? "vault.retire" : "vault.retire_failed",
           key_name(event.number) + (event.fault.empty() ? " is wiped" : ": " + event.fault));
    tell(event.fault.empty() ? Severity::info : Severity::alarm,
         key_name(event.number) + (event.fault.empty() ? " is wiped" : " was not wiped: " + event.fault));
}

// ---- Several shards

VaultRotation::Others VaultRotation::others() const {
    Others least = Others::resealed;
    for (std::size_t shard = 1; shard < c_.ledger.numbers().of; ++shard) {
        const auto at = resealed_there_.find(shard);
        if (at == resealed_there_.end() || at->second.number != state_.active) return Others::under_way;
        if (at->second.unreadable != 0) least = Others::stuck;
    }
    return least;
}

void VaultRotation::tell_others() {
    const ledger::NumberPlan& numbers = c_.ledger.numbers();
    if (numbers.has_others() && numbers.is_first())
        c_.emit(TellShards{VaultKeyInUse{state_.active, state_.by}});
}

void VaultRotation::tell_first() {
    const ledger::NumberPlan& numbers = c_.ledger.numbers();
    const bool ended = state_.phase == Phase::idle || state_.phase == Phase::stuck;
    if (!numbers.is_first() && ended) c_.emit(TellShards{VaultResealed{state_.active, state_.unreadable}});
}

void VaultRotation::on_told(const VaultKeyInUse& word) {
    // What the first waits for before it wipes: it is not in the vault any more.
    const auto wiped = std::erase_if(
        state_.old, [this](const VaultRecord::Old& key) { return key.empty && !c_.vault.has(key.number); });
    if (wiped != 0) VaultBooks(c_.ledger).save(state_);
    if (word.number <= state_.active) return tell_first();
    if (!c_.vault.has(word.number)) return;  // the shell gives it before the word
    state_.by = word.by;
    state_.last = word.number;
    seal_under(word.number);
}

void VaultRotation::on_told(std::size_t shard, const VaultResealed& word) { resealed_there_[shard] = word; }

// ---- Sealing anew

void VaultRotation::begin_pass(Phase phase) {
    state_.phase = phase;
    state_.after = {};
    state_.from = state_.at = {};
    state_.looked = state_.found = state_.unreadable = 0;
    unreadable_.reset();
    VaultBooks(c_.ledger).save(state_);
    c_.set_deadline(slice_deadline, reseal_slice_every_ms);
}

void VaultRotation::on_slice_deadline() {
    if (state_.phase != Phase::resealing && state_.phase != Phase::checking) return;
    VaultBooks books(c_.ledger);
    const ledger::ResealSlice slice = books.reseal(state_.after, c_.vault, reseal_slice);
    if (c_.ledger.error()) return;
    if (state_.looked == 0) state_.from = slice.from;
    if (slice.looked != 0) {
        state_.after = slice.last;
        state_.at = slice.at;
    }
    state_.looked += slice.looked;
    state_.resealed += slice.resealed;
    state_.found += slice.resealed;
    state_.unreadable += slice.unreadable.size();
    if (!unreadable_ && !slice.unreadable.empty()) unreadable_ = slice.unreadable.front();
    if (slice.ended) return end_pass();
    if (slice.resealed != 0 || ++slices_unsaved_ >= slices_between_saves) {
        slices_unsaved_ = 0;
        books.save(state_);
    }
    c_.set_deadline(slice_deadline, reseal_slice_every_ms);
}

/// Only a pass that found nothing proves that there is nothing.
void VaultRotation::end_pass() {
    if (state_.found != 0) return begin_pass(Phase::checking);
    state_.ended = c_.now.utc;
    if (state_.unreadable != 0) {
        state_.phase = Phase::stuck;
        VaultBooks(c_.ledger).save(state_);
        tell_first();
        return tell(Severity::alarm, std::to_string(state_.unreadable) +
                                         " cards cannot be opened, the first is " + unreadable_->str() +
                                         "'s: they stay sealed as they are, and no old key can be retired");
    }
    if (state_.phase == Phase::resealing) return begin_pass(Phase::checking);
    state_.phase = Phase::idle;
    for (VaultRecord::Old& key : state_.old) key.empty = true;
    VaultBooks(c_.ledger).save(state_);
    const std::string what = std::to_string(state_.resealed) + " cards were sealed anew under " +
                             key_name(state_.active) + "; older keys can be retired";
    audit_("the switch", "vault.resealed", what);
    tell(Severity::info, what);
    tell_first();
}

// ---- How old the key may be

iso8583::UtcTime VaultRotation::due() const {
    for (const ledger::VaultKeyInfo& key : c_.vault.keys())
        if (key.number == state_.active && key.made.ms != 0)
            return {key.made.ms + std::int64_t{c_.config->limits.vault_key_days} * day_ms};
    return {};
}

void VaultRotation::on_age_deadline() {
    c_.set_deadline(age_deadline, vault_key_age_every_ms);
    if (due().ms == 0 || !c_.ledger.numbers().is_first()) return;  // one vault: the first says it
    const std::int64_t left_ms = due().ms - c_.now.utc.ms;
    if (left_ms > std::int64_t{c_.config->limits.vault_key_warn_days} * day_ms) return;
    const std::string name = key_name(state_.active);
    if (left_ms > 0)
        return tell(Severity::warning, name + " is to be changed within " +
                                           std::to_string((left_ms + day_ms - 1) / day_ms) +
                                           " days: vault rotate");
    tell(Severity::alarm, name + " is " + std::to_string(-left_ms / day_ms) +
                              " days over its cryptoperiod of " +
                              std::to_string(c_.config->limits.vault_key_days) + " days: vault rotate");
}

void VaultRotation::tell(Severity severity, std::string detail) {
    Note n;
    n.severity = severity;
    n.kind = NoteKind::vault_key;
    n.detail = std::move(detail);
    c_.note(std::move(n));
}

VaultStatus VaultRotation::status() const {
    VaultStatus s;
    s.active = state_.active;
    for (const ledger::VaultKeyInfo& key : c_.vault.keys()) {
        const auto old = std::find_if(state_.old.begin(), state_.old.end(),
                                      [&](const VaultRecord::Old& o) { return o.number == key.number; });
        using State = VaultStatus::Key::State;
        s.keys.push_back({key.number, key.made,
                          key.number == state_.active     ? State::active
                          : old == state_.old.end()       ? State::unused
                          : key.number == state_.retiring ? State::retiring
                          : old->empty                    ? State::empty
                                                          : State::old});
    }
    s.making = state_.making;
    s.phase = phase_word(state_.phase);
    s.due = due();
    s.looked = state_.looked;
    s.resealed = state_.resealed;
    s.unreadable = state_.unreadable;
    s.first_unreadable = unreadable_ ? unreadable_->str() : std::string();
    s.began = state_.began;
    s.ended = state_.ended;
    const std::int64_t all_ms = state_.began.ms - state_.from.ms;
    s.percent = state_.phase == Phase::idle || state_.phase == Phase::stuck ? 100
                : all_ms <= 0 || state_.looked == 0
                    ? 0
                    : static_cast<std::uint32_t>(
                          std::clamp<std::int64_t>((state_.at.ms - state_.from.ms) * 99 / all_ms, 0, 99));
    return s;
}

}  // namespace acquirer
