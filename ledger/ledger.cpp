#include "ledger/ledger.hpp"

#include <algorithm>

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/ledger_format.hpp"
#include "ledger/shard_merchants.hpp"

namespace ledger {
namespace {

constexpr std::uint64_t decimal_sequences = 100'000'000;  // 8 digits; letters only beyond
constexpr std::int64_t day_ms = 86'400'000;
/// How far ahead of the clock the day of RRNs and the time of DE7 may lie: beyond it a clock had leapt.
constexpr std::int32_t days_ahead_max = 1;
/// With a shard code a millisecond of the day has room for so many RRNs above the floor.
constexpr std::uint64_t shard_sequences_a_ms = 20;
constexpr std::size_t shard_code_size = 2;
constexpr std::size_t shard_sequence_size = 6;
constexpr std::string_view base36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The lowest `size` digits in base 36; `rest` is what is above them.
std::string base36_text(std::uint64_t sequence, std::size_t size, std::uint64_t& rest) {
    std::string out(size, '0');
    for (std::size_t i = size; i-- > 0; sequence /= 36) out[i] = base36[sequence % 36];
    rest = sequence;
    return out;
}

/// 8 characters that sort as the sequence counts: decimal first, then a capital letter and seven of base 36.
std::string sequence_text(std::uint64_t sequence) {
    if (sequence < decimal_sequences) return iso8583::zero_padded(sequence, 8);
    std::uint64_t letter = 0;
    const std::string low = base36_text(sequence - decimal_sequences, 7, letter);
    ENSURE(letter < 26);
    return static_cast<char>('A' + letter) + low;
}

/// Six of base 36 behind the shard's code.
std::string shard_sequence_text(const std::string& shard, std::uint64_t sequence) {
    std::uint64_t over = 0;
    const std::string low = base36_text(sequence, shard_sequence_size, over);
    ENSURE(over == 0);
    return shard + low;
}

/// So many further in the plan's range, round its end; what lies outside of the range counts as before it.
std::uint32_t stan_after(const NumberPlan& plan, std::uint32_t stan, std::uint64_t steps) {
    const std::uint64_t count = plan.stan_to - plan.stan_from + 1;
    const bool inside = stan >= plan.stan_from && stan <= plan.stan_to;
    const std::uint64_t place = inside ? stan - plan.stan_from + steps : steps - 1;
    return plan.stan_from + static_cast<std::uint32_t>(place % count);
}

/// The day belongs to a clock that had leapt, and has come back.
bool leapt_ahead(std::int32_t day, std::int32_t today) { return today < day - days_ahead_max; }

}  // namespace

Ledger::Ledger(Overlay& overlay, NumberPlan numbers) : overlay_(overlay), numbers_(std::move(numbers)) {
    ENSURE(numbers_.shard.empty() || (numbers_.shard.size() == shard_code_size &&
                                      numbers_.shard.find_first_not_of(base36) == std::string::npos));
    ENSURE(numbers_.stan_from >= 1 && numbers_.stan_from <= numbers_.stan_to &&
           numbers_.stan_to <= iso8583::Stan::value_max);
}

std::optional<std::string> Ledger::get(Family family, const std::string& key) {
    auto value = overlay_.get(family, key);
    if (!value) {
        if (!error_) error_ = value.error();
        return std::nullopt;
    }
    return std::move(*value);
}

void Ledger::scan(Family family, KeyPrefix prefix, const ScanVisitor& visit) {
    const KeyRange range = all_keys(prefix);
    if (auto done = overlay_.scan(family, range.from, range.to, visit); !done && !error_)
        error_ = done.error();
}

bool Ledger::check_format() {
    auto format = stored_format(overlay_);
    if (!format) {
        error_ = format.error();
        return false;
    }
    marked_ = format->has_value();
    if (!marked_ || ((*format)->format == format_version && (*format)->migrating_to == 0)) return true;
    error_ = StoreError{StoreError::Kind::version,
                        "the ledger has format " + std::to_string((*format)->format) +
                            " and was not brought to format " + std::to_string(format_version)};
    return false;
}

void Ledger::recover() {
    if (!check_format()) return;
    if (auto stored = get(Family::journal, checkpoint_key())) {
        if (auto checkpoint = decoded(decode_checkpoint(*stored))) {
            turn_ = checkpointed_turn_ = checkpoint->turn;
            counters_ = std::move(checkpoint->counters);
            checkpoint_properties_ = std::move(checkpoint->unknown_properties);
            if (auto loaded = totals_.load_checkpoint(checkpoint->sums); !loaded && !error_)
                error_ = StoreError{StoreError::Kind::corruption, loaded.error().what};
        }
    }
    // The fold: turn records after the checkpoint, in order. Before them stand those that are still to be
    // erased.
    std::optional<std::uint64_t> first_there;
    scan(Family::journal, KeyPrefix::turn, [&](std::string_view key, std::string_view value) {
        std::uint64_t turn = 0;
        for (char c : key.substr(1)) turn = turn << 8 | static_cast<unsigned char>(c);
        if (!first_there) first_there = turn;
        if (turn <= checkpointed_turn_) return true;
        auto record = decoded(decode_turn_record(value));
        if (!record) return false;
        if (auto applied = totals_.apply_differences(record->differences); !applied) {
            error_ = StoreError{StoreError::Kind::corruption, applied.error().what};
            return false;
        }
        record->differences.clear();
        counters_ = std::move(*record);
        turn_ = turn;
        return true;
    });
    erased_turn_ = first_there ? std::min(*first_there - 1, checkpointed_turn_) : checkpointed_turn_;
    const std::string from = open_work_key(iso8583::Rrn{}) + counters_.low_water;
    if (auto done = overlay_.scan(Family::journal, from, all_keys(KeyPrefix::open_work).to,
                                  [&](std::string_view key, std::string_view) {
                                      if (auto rrn = iso8583::Rrn::parse(key.substr(1))) open_.insert(*rrn);
                                      return true;
                                  });
        !done && !error_)
        error_ = done.error();
    recover_exceptions();
    recover_proposals();
    recover_merchants();
    counters_.issuer_stan = stan_after(numbers_, counters_.issuer_stan, numbers_skipped_at_restart);
    counters_.rrn_sequence += numbers_skipped_at_restart;
}

void Ledger::recover_merchants() {
    if (!numbers_.has_others()) return;
    auto kept = merchants_of_shard(overlay_, numbers_);
    if (kept)
        merchants_ = std::move(*kept);
    else if (!error_)
        error_ = kept.error();
}

void Ledger::keep_merchant(const iso8583::MerchantId& merchant) {
    if (!numbers_.has_others() || !merchants_.insert(merchant).second) return;
    overlay_.put(Family::index, merchant_of_shard_key(merchant), merchant_row(numbers_));
}

TransactionRecord* Ledger::loaded(const iso8583::Rrn& rrn) {
    if (TransactionRecord* known = records_.find(rrn)) return known;
    auto stored = get(Family::journal, transaction_key(rrn));
    if (!stored) return nullptr;
    auto record = decoded(decode_transaction_record(*stored));
    return record ? &records_.put(std::move(*record)) : nullptr;
}

const TransactionRecord* Ledger::find(const iso8583::Rrn& rrn) { return loaded(rrn); }

std::optional<RefundFacts> Ledger::refund_facts(const iso8583::Rrn& rrn) {
    if (const RefundFacts* known = recent_refunds_.find(rrn)) return *known;
    const TransactionRecord* refund = loaded(rrn);
    return refund == nullptr ? std::nullopt : std::optional(recent_refunds_.put(*refund));
}

TransactionRecord* Ledger::edit(const iso8583::Rrn& rrn) {
    TransactionRecord* record = loaded(rrn);
    if (record != nullptr) records_.mark_changed(rrn);
    return record;
}

TransactionRecord& Ledger::add(TransactionRecord&& record) {
    TransactionRecord& added = records_.put(std::move(record));
    records_.mark_changed(added.rrn);
    return added;
}

void Ledger::write_changed_records() {
    records_.visit_changed([this](const TransactionRecord& record) {
        overlay_.put(Family::journal, transaction_key(record.rrn), encode(record));
        if (!is_open(record)) {
            if (open_.erase(record.rrn) != 0) overlay_.erase(Family::journal, open_work_key(record.rrn));
            return;
        }
        const std::size_t before = open_.size();
        open_.insert(open_.end(), record.rrn);  // a new one is nearly always the last
        if (open_.size() != before) overlay_.put(Family::journal, open_work_key(record.rrn), "");
    });
}

TraceSlot Ledger::trace_slot(const std::string& slot_key) {
    if (free_traces_.knows_free(slot_key)) return {};
    auto stored = get(Family::index, slot_key);
    if (!stored) {
        if (!error_ && free_traces_.missed(slot_key)) look_behind(slot_key);
        return {};
    }
    return decoded(decode_trace_slot(*stored)).value_or(TraceSlot{});
}

void Ledger::look_behind(const std::string& slot_key) {
    std::string next;
    const auto looked = overlay_.scan(Family::index, slot_key, FreeTraces::end_of_batch(slot_key),
                                      [&next](std::string_view key, std::string_view) {
                                          next = key;
                                          return false;
                                      });
    if (looked)
        free_traces_.learn(slot_key, next);
    else if (!error_)
        error_ = looked.error();
}

void Ledger::add_trace(const std::string& slot_key, TraceSlot slot, TraceEntry entry) {
    free_traces_.stored(slot_key);
    if (slot.entries.size() == TraceSlot::entries_max) {
        // A tombstone takes the place of an older one: reversals push no transaction out while there is any.
        auto oldest = slot.entries.begin();
        if (entry.tombstone)
            oldest = std::find_if(slot.entries.begin(), slot.entries.end(),
                                  [](const TraceEntry& e) { return e.tombstone; });
        slot.entries.erase(oldest == slot.entries.end() ? slot.entries.begin() : oldest);
    }
    slot.entries.push_back(std::move(entry));
    overlay_.put(Family::index, slot_key, encode(slot));
}

iso8583::Rrn Ledger::rrn_of(std::uint64_t sequence) const {
    if (rrn_prefix_.day != counters_.rrn_day)
        rrn_prefix_ = {counters_.rrn_day, rrn_day_prefix(iso8583::Date::from_days(counters_.rrn_day))};
    std::string text = rrn_prefix_.text;
    text += numbers_.shard.empty() ? sequence_text(sequence) : shard_sequence_text(numbers_.shard, sequence);
    auto rrn = iso8583::Rrn::parse(text);
    ENSURE(rrn.has_value());
    return *rrn;
}

iso8583::Rrn Ledger::first_rrn_at(const iso8583::CivilTime& local) const {
    const std::uint64_t ms =
        (std::uint64_t{local.hour} * 3'600 + local.minute * std::uint64_t{60} + local.second) * 1'000;
    const auto rrn = iso8583::Rrn::parse(
        rrn_day_prefix(local.date) + (numbers_.shard.empty()
                                          ? sequence_text(ms)
                                          : shard_sequence_text(numbers_.shard, ms * shard_sequences_a_ms)));
    ENSURE(rrn.has_value());
    return *rrn;
}

iso8583::Rrn Ledger::next_rrn(const iso8583::Now& now) {
    const std::int64_t local_ms = now.utc.ms + std::int64_t{now.local_offset_s} * 1000;
    const std::int64_t ms_of_day = ((local_ms % day_ms) + day_ms) % day_ms;
    const auto today = static_cast<std::int32_t>((local_ms - ms_of_day) / day_ms);
    // A clock that is set back by hours crosses midnight at most once, and its day's numbers go on. One that
    // comes back from far ahead must not leave the day there (docs/decisions/0044).
    if (today > counters_.rrn_day || leapt_ahead(counters_.rrn_day, today)) {
        counters_.rrn_day = today;
        counters_.rrn_sequence = 0;
        // What this process stored itself ten years ago lies in what it once found free.
        free_rrns_from_ = {};
    }
    // The time of day is a floor of the sequence: a ledger restored from a backup goes on above what it had
    // given.
    std::uint64_t floor = 0;
    if (today == counters_.rrn_day)
        floor = static_cast<std::uint64_t>(ms_of_day) * (numbers_.shard.empty() ? 1 : shard_sequences_a_ms);
    counters_.rrn_sequence = std::max(counters_.rrn_sequence + 1, floor);
    return step_over_stored_rrns();
}

void Ledger::skip_lost_numbers(const iso8583::Now& now) {
    const iso8583::CivilTime local = now.local();
    const std::int32_t today = local.date.days();
    std::uint64_t ms = static_cast<std::uint64_t>(day_ms);  // of a day that a clock before had reached
    if (today >= counters_.rrn_day || leapt_ahead(counters_.rrn_day, today)) {
        ms = (std::uint64_t{local.hour} * 3'600 + local.minute * std::uint64_t{60} + local.second + 1U) *
             1'000;
        if (today != counters_.rrn_day) counters_.rrn_sequence = 0;
        counters_.rrn_day = today;
    }
    const std::uint64_t above = ms * (numbers_.shard.empty() ? restored_rrns_a_ms : restored_shard_rrns_a_ms);
    counters_.rrn_sequence = std::max(counters_.rrn_sequence, above) + numbers_skipped_at_restart;
    counters_.issuer_stan =
        stan_after(numbers_, counters_.issuer_stan, (numbers_.stan_to - numbers_.stan_from + 1) / 2);
    counters_.issuer_time_ms = std::max(counters_.issuer_time_ms, now.utc.ms);
    counters_.exception_sequence =
        std::max(counters_.exception_sequence, static_cast<std::uint32_t>(seconds_of(now.utc)));
}

iso8583::Rrn Ledger::step_over_stored_rrns() {
    iso8583::Rrn rrn = rrn_of(counters_.rrn_sequence);
    if (!free_rrns_from_.empty() && rrn >= free_rrns_from_ && (!free_rrns_to_ || rrn < *free_rrns_to_))
        return rrn;
    // Only this ledger stores new ones, all below the next it gives: what is free now stays so.
    free_rrns_to_.reset();
    const auto stored =
        overlay_.scan(Family::journal, transaction_key(rrn), all_keys(KeyPrefix::transaction).to,
                      [&](std::string_view key, std::string_view) {
                          const auto taken = iso8583::Rrn::parse(key.substr(1));
                          if (!taken || *taken != rrn) {
                              free_rrns_to_ = taken ? *taken : rrn;
                              return false;
                          }
                          rrn = rrn_of(++counters_.rrn_sequence);
                          return true;
                      });
    if (!stored && !error_) error_ = stored.error();
    free_rrns_from_ = rrn;
    return rrn;
}

Ledger::IssuerNumbers Ledger::next_issuer_numbers(const iso8583::Now& now) {
    // As RRNs: a clock that had leapt does not keep DE7 where it was.
    const bool comes_back = counters_.issuer_time_ms - now.utc.ms > days_ahead_max * day_ms;
    counters_.issuer_time_ms = comes_back ? now.utc.ms : std::max(counters_.issuer_time_ms, now.utc.ms);
    counters_.issuer_stan = stan_after(numbers_, counters_.issuer_stan, 1);
    return {iso8583::Stan::of(counters_.issuer_stan),
            iso8583::TransmissionTime::from_utc(iso8583::UtcTime{counters_.issuer_time_ms})};
}

std::optional<TerminalRecord> Ledger::terminal(const iso8583::TerminalId& id) {
    auto stored = get(Family::index, terminal_key(id));
    if (!stored) return std::nullopt;
    return decoded(decode_terminal(*stored));
}
void Ledger::save(const TerminalRecord& t) {
    overlay_.put(Family::index, terminal_key(t.terminal), encode(t));
}

std::optional<OverrideRecord> Ledger::override_of(OverrideKind kind, std::string_view id) {
    auto stored = get(Family::index, override_key(kind, id));
    if (!stored) return std::nullopt;
    return decoded(decode_override(*stored));
}
void Ledger::save_override(OverrideKind kind, std::string_view id, const OverrideRecord& record) {
    overlay_.put(Family::index, override_key(kind, id), encode(record));
}

void Ledger::visit_terminals(const std::function<void(TerminalRecord&&)>& visit) {
    scan(Family::index, KeyPrefix::terminal, [&](std::string_view, std::string_view value) {
        auto record = decoded(decode_terminal(value));
        if (record) visit(std::move(*record));
        return record.has_value();
    });
}
void Ledger::visit_overrides(const std::function<void(const OverrideKey&, const OverrideRecord&)>& visit) {
    scan(Family::index, KeyPrefix::operators_override, [&](std::string_view key, std::string_view value) {
        const auto of = decoded(parse_override_key(key));
        const auto record = decoded(decode_override(value));
        if (of && record) visit(*of, *record);
        return of && record;
    });
}
void Ledger::visit_zone_keys(const std::function<void(ZoneKeyRecord&&)>& visit) {
    scan(Family::index, KeyPrefix::zone_key, [&](std::string_view, std::string_view value) {
        auto record = decoded(decode_zone_key(value));
        if (record) visit(std::move(*record));
        return record.has_value();
    });
}

void Ledger::save(const ZoneKeyRecord& key) {
    overlay_.put(Family::index, zone_key_key(key.kind, key.route), encode(key));
}

std::optional<iso8583::Rrn> Ledger::find_reference(const iso8583::MerchantId& merchant,
                                                   std::string_view reference) {
    auto stored = get(Family::index, reference_key(merchant, reference));
    if (!stored) return std::nullopt;
    return decoded(iso8583::Rrn::parse(*stored));
}
void Ledger::save_reference(const iso8583::MerchantId& merchant, std::string_view reference,
                            const iso8583::Rrn& rrn) {
    overlay_.put(Family::index, reference_key(merchant, reference), rrn.str());
}

std::optional<iso8583::Rrn> Ledger::find_order_number(const iso8583::MerchantId& merchant,
                                                      std::string_view order_number) {
    auto stored = get(Family::index, order_number_key(merchant, order_number));
    if (!stored) return std::nullopt;
    const auto sales = decoded(decode_order_sales(*stored));
    return sales && sales->size() == 1 ? std::optional(sales->front()) : std::nullopt;
}
void Ledger::save_order_number(const iso8583::MerchantId& merchant, std::string_view order_number,
                               const iso8583::Rrn& rrn) {
    const std::string key = order_number_key(merchant, order_number);
    std::vector<iso8583::Rrn> sales;
    if (auto stored = get(Family::index, key))
        if (auto known = decoded(decode_order_sales(*stored))) sales = std::move(*known);
    if (std::find(sales.begin(), sales.end(), rrn) != sales.end() || sales.size() >= order_sales_max) return;
    sales.push_back(rrn);
    overlay_.put(Family::index, key, encode_order_sales(sales));
}

std::optional<BusinessDayRecord> Ledger::newest_business_day() {
    std::optional<BusinessDayRecord> newest;
    const KeyRange range = all_keys(KeyPrefix::business_day);
    auto done = overlay_.scan_back(Family::journal, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       newest = decoded(decode_business_day(value));
                                       return false;
                                   });
    if (!done && !error_) error_ = done.error();
    return newest;
}
void Ledger::save(const BusinessDayRecord& day) {
    overlay_.put(Family::journal, business_day_key(day.day), encode(day));
}

void Ledger::put_away_days_before(iso8583::BusinessDate day) {
    std::optional<iso8583::BusinessDate> before;
    std::uint32_t number = 0;
    for (Totals::DayPart& part : totals_.accounts_before(day, DaySumsRecord::sums_max)) {
        number = before == part.day ? number + 1 : 0;
        before = part.day;
        // The parts of all shards are one day's.
        overlay_.put(Family::journal, day_sums_key(part.day, number * numbers_.of + numbers_.index),
                     encode(DaySumsRecord{part.day, std::move(part.sums), {}}));
        totals_.forget(accounts_prefix(part.day));
    }
}

void Ledger::close_turn() {
    if (error_) {
        free_traces_.clear();
        records_.drop();  // nothing of this turn or a later one becomes visible
        return;
    }
    write_changed_records();
    records_.changes_written();
    if (overlay_.current_empty() && !totals_.changed_in_turn()) return;
    if (!marked_) overlay_.put(Family::journal, format_key(), encode(FormatMarker{}));
    marked_ = true;
    ++turn_;
    counters_.low_water = open_.empty() ? "" : open_.begin()->str();
    counters_.exceptions_from = oldest_open_exception();
    counters_.exceptions_from_turn = turn_;
    counters_.differences = totals_.take_differences();
    overlay_.put(Family::journal, turn_record_key(turn_), encode(counters_));
    counters_.differences.clear();
    erase_old_turn_records();
    if (turn_ - checkpointed_turn_ >= turns_per_checkpoint) write_checkpoint();
}

void Ledger::write_checkpoint() {
    overlay_.put(Family::journal, checkpoint_key(),
                 encode(CheckpointRecord{turn_, counters_, totals_.checkpoint(), checkpoint_properties_}));
    checkpointed_turn_ = turn_;
}

void Ledger::erase_old_turn_records() {
    const std::uint64_t last = std::min(checkpointed_turn_, erased_turn_ + turn_records_erased_a_turn);
    while (erased_turn_ < last) overlay_.erase(Family::journal, turn_record_key(++erased_turn_));
}

}  // namespace ledger
