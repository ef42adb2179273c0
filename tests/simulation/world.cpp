#include "tests/simulation/world.hpp"

#include <algorithm>

#include "hsm_sim/test_keys.hpp"
#include "iso8583/specs/resident_dialects.hpp"
#include "tests/simulation/effect_text.hpp"
#include "tests/simulation/record_facts.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Instant;

namespace {

constexpr std::size_t connections_per_issuer = 2;
constexpr std::int64_t reconnect_ms_min = 200;
constexpr std::int64_t reconnect_ms_max = 2'000;
// Of a downtime, what those see who try meanwhile.
constexpr std::int64_t downtime_seen_ms = 20'000;
// What a confused HSM may say to anything.
constexpr hsm::HsmFault wrong_faults[] = {hsm::HsmFault::storage, hsm::HsmFault::lmk,
                                          hsm::HsmFault::source_key_parity, hsm::HsmFault::input};
// So many steps without time passing are a loop of the switch's.
constexpr std::uint32_t steps_at_one_instant_max = 200'000;

ledger::PanVaultKey vault_key() {
    std::array<std::uint8_t, ledger::PanVaultKey::size> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return ledger::PanVaultKey(bytes);
}

hsm::MacProfile mac_of(const routing::Route& route) {
    const bool cmac = route.mac == routing::RouteMac::aes_cmac;
    return {cmac ? hsm::MacAlgorithm::aes_cmac : hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};
}

const iso8583::Dialect* dialect_of(const Configuration& configuration, const routing::Route& route) {
    const auto found = iso8583::specs::resident_dialect(route.dialect);
    ENSURE(found.has_value());
    const iso8583::Dialect* dialect = *found;
    const bool iso4 = configuration.issuer_keys.at(route.id).pin_block_format == hsm::PinBlockFormat::iso4;
    return iso4 ? &iso8583::with_aes_pin_block(*dialect) : dialect;
}

hsm::HsmOptions hsm_options() {
    hsm::HsmOptions options;
    options.zone_key_exchange = true;
    return options;
}

}  // namespace

namespace {

std::vector<std::unique_ptr<WatchedStore>> new_stores(std::size_t shards) {
    std::vector<std::unique_ptr<WatchedStore>> stores;
    while (stores.size() < shards) stores.push_back(std::make_unique<WatchedStore>());
    return stores;
}

std::vector<const ledger::MemoryStore*> disks_of(const std::vector<std::unique_ptr<WatchedStore>>& stores) {
    std::vector<const ledger::MemoryStore*> disks;
    for (const auto& store : stores) disks.push_back(&store->disk);
    return disks;
}

}  // namespace

World::World(const WorldOptions& options)
    : network(agenda_, clock_, Chance(options.seed).split()),
      stores_(new_stores(options.shards)),
      starts_(options.starts),
      chance_(options.seed),
      turns_chance_(~options.seed),
      hsm_random_(options.seed),
      engine_(hsm::Lmk::test(), hsm_random_, hsm_options()),
      vault_file_(ledger::VaultKeys::of(vault_key())),
      vault_(vault_file_),
      configuration_(world_configuration()),
      checkers_(disks_of(stores_)),
      notices_(checkers_, options.shards),
      honest_(vault_, [this](const std::string& what) { checkers_.broken("honest", what, clock_); }),
      days_(options.shards),
      comes_from_(options.shards),
      trace_(options.trace) {
    if (options.adjust) options.adjust(*configuration_);
    leave_a_part_for_each(*configuration_, shards());
    if (shards() > 1) {
        shard_checks_.emplace(checkers_, shards());
        shard_checks_->configured(*configuration_);
    }
    checkers_.on_written = [this](ledger::TransactionRecord record) { branches_.written(std::move(record)); };
    for (const auto* cards : {&cards_a, &cards_b})
        for (const char* card : *cards) checkers_.forbid(card);
    for (const char* key : {"0123456789ABCDEFFEDCBA9876543210", "10101010101010102323232323232323",
                            "54545454545454546767676767676767", "000102030405060708090A0B0C0D0E0F"})
        checkers_.forbid(key);
    for (const routing::Route& route : configuration_->routes.routes()) {
        routing::IssuerConfig config;
        config.name = route.name;
        if (route.kind == routing::RouteKind::wallet) config.kind = routing::IssuerKind::wallet;
        config.dialect = dialect_of(*configuration_, route);
        config.zak = configuration_->issuer_keys.at(route.id).zak;
        config.zpk = configuration_->issuer_keys.at(route.id).zpk;
        config.zmk = configuration_->issuer_keys.at(route.id).zmk;
        config.pin_block_format = configuration_->issuer_keys.at(route.id).pin_block_format;
        config.mac = mac_of(route);
        config.switch_time_out_ms = route.reply_timeout_ms;
        config.not_found = route.codes.reversal_not_found.codes().front();
        // The wallet came later: what chance gives the others stays as it was.
        config.seed = config.kind == routing::IssuerKind::wallet ? route.id.value : chance_.next();
        issuers_[route.id] = std::make_unique<IssuerNode>(std::move(config), engine_, network, agenda_,
                                                          [this] { return now(); });
        for (std::size_t i = 0; i < connections_per_issuer; ++i) issuer_slots_.push_back({route.id, 0});
    }
    naive_books_.was_told_otherwise = [this](const std::string& rrn) {
        const auto parsed = iso8583::Rrn::parse(rrn);
        const ledger::TransactionRecord* r = parsed ? checkers_.record(*parsed) : nullptr;
        if (r == nullptr) return false;
        const auto& parts = r->lowering.reversals;
        return people_decided(*r) ||
               std::any_of(parts.begin(), parts.end(), [](const ledger::PartialReversal& p) {
                   return p.status == ledger::PartialReversal::Status::refused;
               });
    };
    std::fill(days_.begin() + 1, days_.end(), DayWatch(true));
    watches_ = make_watches(*this);
    checkers_.is_refundable = [this](const ledger::TransactionRecord& sale) {
        using ledger::State;
        const acquirer::MerchantConfig* merchant = configuration_->find_merchant(sale.merchant);
        if (!up() || merchant == nullptr || sale.kind != ledger::TransactionKind::sale ||
            sale.state != State::approved || sale.remaining_minor() == 0)
            return false;
        // By the day of the shard that it is of: another may have begun it, or not yet.
        const auto shard = ledger::shard_of_rrn(sale.rrn.view(), shards());
        const auto status = process_->shard(shard.value_or(0)).core().status();
        const std::int32_t age = status.business_date.date.days() - sale.business_date.date.days();
        return age <= merchant->refund.window_days;
    };
    checkers_.on_record = [this](const auto* before, const auto& now) {
        for (const auto& watch : watches_) watch->changed(before, now);
    };
    checkers_.on_exception = [this](const auto* before, const auto& now) {
        for (const auto& watch : watches_) watch->changed(before, now);
    };
    write_down(options.merchants);
    start();
}

World::~World() = default;

iso8583::Now World::now() const {
    const iso8583::UtcTime utc = starts_.plus_ms(clock_.ms - 1'000'000 + utc_offset_ms_);
    return {clock_, utc, configuration_->time_zone.offset_s(utc)};
}

void World::trace(const std::string& line) const {
    if (!trace_) return;
    const std::int64_t ms = clock_.ms - 1'000'000;
    std::string stamp = std::to_string(ms / 1'000) + "." + std::to_string(1'000 + ms % 1'000).substr(1);
    trace_(std::string(stamp.size() < 9 ? 9 - stamp.size() : 0, ' ') + stamp + "  " + line);
}

// ---- Time

bool World::step(Instant until) {
    const auto deed = agenda_.next();
    const auto deadline = process_ ? process_->next_deadline() : std::nullopt;
    const bool deed_first = deed && (!deadline || *deed <= *deadline);
    const auto first = deed_first ? deed : deadline;
    if (!first || *first > until) return false;
    clock_ = std::max(clock_, *first);
    if (deed_first) {
        const Agenda::Deed carry_out = agenda_.take();
        carry_out();
    } else {
        process_->pass_deadlines();
    }
    after_step();
    return true;
}

void World::after_step() {
    if (!process_ || releasing_) return;
    process_->drive();
    look_after_sync();
    if (shard_checks_ && std::exchange(asked_an_issuer_, false)) check_bounds();
    for (; broken_told_ < checkers_.all_broken().size(); ++broken_told_)
        trace("BROKEN: " + checkers_.all_broken()[broken_told_].what);
    if (process_->dead()) {
        checkers_.reached("crash while effects leave");
        crash(some_unsynced(chance_), chance_.between(faults.downtime_ms_min, faults.downtime_ms_max));
    } else if (process_->failed()) {
        checkers_.reached("R62 failed sync");
        trace("the store failed: " + process_->failed()->what + ": the process ends");
        crash(some_unsynced(chance_), chance_.between(faults.downtime_ms_min, faults.downtime_ms_max));
    } else if (chance_.permille(faults.crash_permille)) {
        checkers_.reached(syncs_pending() ? "crash mid-sync" : "crash between turns");
        crash(some_unsynced(chance_), chance_.between(faults.downtime_ms_min, faults.downtime_ms_max));
    }
}

void World::pass(std::int64_t ms) {
    const Instant until = clock_.plus_ms(ms);
    std::uint32_t steps = 0;
    Instant last = clock_;
    while (step(until)) {
        steps = clock_ == last ? steps + 1 : 0;
        last = clock_;
        if (steps < steps_at_one_instant_max) continue;
        checkers_.broken("liveness", "the switch goes in circles without time passing", clock_);
        break;
    }
    clock_ = std::max(clock_, until);
}

bool World::run_until(const std::function<bool()>& done, std::int64_t ms) {
    const Instant until = clock_.plus_ms(ms);
    while (!done())
        if (!step(until)) {
            clock_ = std::max(clock_, until);
            return done();
        }
    return true;
}

void World::at_work(std::int64_t after_ms, Agenda::Deed deed) {
    const std::int64_t down_ms = process_ ? 0 : starts_again_.ms - clock_.ms;
    at(after_ms + std::max<std::int64_t>(0, down_ms - downtime_seen_ms), std::move(deed));
}

// ---- The switch

void World::replace_configuration(const std::function<void(Configuration&)>& change) {
    auto fresh = std::make_shared<Configuration>(*configuration_);
    ++fresh->version;
    change(*fresh);
    leave_a_part_for_each(*fresh, shards());
    configuration_ = fresh;
    for (const routing::Route& route : fresh->routes.routes())
        if (route.successor) checkers_.succeeded(route.id, *route.successor);
    if (shard_checks_) shard_checks_->configured(*configuration_);
    if (!process_) return;
    process_->event_arrived(ConfigReplaced{configuration_});
    after_step();
}

void World::set_accepts_new_work(bool accepts) {
    if (accepts == accepts_new_work_ || !process_) return;
    accepts_new_work_ = accepts;
    store_was_full_ = store_was_full_ || !accepts;
    checkers_.reached("R62 disk nearly full");
    process_->event_arrived(StoreHealthChanged{accepts ? "" : "disk nearly full"});
    after_step();
}

void World::operate(OperatorCommand command, const std::string& user, Role role,
                    std::function<void(const OperatorAnswer&)> answered) {
    if (!process_) return;
    if (const auto* change = std::get_if<ChangeTerminal>(&command);
        change != nullptr && change->to == ChangeTerminal::To::close_batch)
        if (const auto terminal = iso8583::TerminalId::parse(change->terminal))
            honest_.operator_closes_batch(*terminal);
    const std::uint64_t ticket = next_operator_ticket_++;
    operators_[ticket] = std::move(answered);
    process_->event_arrived(OperatorCommanded{ticket, user, role, std::move(command)});
    after_step();
}

// ---- Links

std::optional<std::uint64_t> World::connect_terminal(Profile profile, Network::End peer_end,
                                                     const PeerAddress& address) {
    if (!process_) return std::nullopt;
    Network::End switch_end;
    const std::uint64_t generation = generation_;
    switch_end.bytes = [this, generation](std::uint64_t connection, iso8583::ByteView bytes) {
        if (generation == generation_ && process_) process_->bytes_arrived(LinkId{connection}, bytes);
    };
    switch_end.closed = [this, generation](std::uint64_t connection) {
        if (generation == generation_ && process_) process_->peer_closed(LinkId{connection});
    };
    const std::uint64_t connection = network.open(std::move(switch_end), std::move(peer_end));
    connections_.insert(connection);
    process_->terminal_connected(LinkId{connection}, profile, address);
    return connection;
}

void World::connect_issuer(std::size_t index) {
    IssuerSlot& slot = issuer_slots_[index];
    if (!process_ || slot.connection != 0) return;
    IssuerNode& node = *issuers_.at(slot.route);
    const auto* route = configuration_->routes.find(slot.route);
    if (!node.up || route == nullptr) return retry_issuer(index);
    const std::uint64_t generation = generation_;
    Network::End switch_end, peer_end;
    switch_end.bytes = [this, generation](std::uint64_t connection, iso8583::ByteView bytes) {
        if (generation == generation_ && process_) process_->bytes_arrived(LinkId{connection}, bytes);
    };
    switch_end.closed = [this, generation](std::uint64_t connection) {
        if (generation == generation_ && process_) process_->peer_closed(LinkId{connection});
    };
    peer_end.bytes = [&node](std::uint64_t connection, iso8583::ByteView bytes) {
        node.bytes_arrived(connection, bytes);
    };
    peer_end.closed = [&node](std::uint64_t connection) { node.closed(connection); };
    slot.connection = network.open(std::move(switch_end), std::move(peer_end));
    slot_of_[slot.connection] = index;
    connections_.insert(slot.connection);
    node.connected(slot.connection);
    IssuerSessionSetup setup;
    setup.link = LinkId{slot.connection};
    setup.route = slot.route;
    setup.dialect = dialect_of(*configuration_, *route);
    setup.framing = setup.dialect->framing();
    setup.mac = mac_of(*route);
    setup.zaks = {configuration_->issuer_keys.at(slot.route).zak};
    process_->issuer_connected(std::move(setup));
}

void World::retry_issuer(std::size_t index) {
    const std::uint64_t generation = generation_;
    at(chance_.between(reconnect_ms_min, reconnect_ms_max), [this, generation, index] {
        if (generation == generation_) connect_issuer(index);
    });
}

void World::set_issuer_up(routing::RouteId route, bool up) {
    IssuerNode& node = *issuers_.at(route);
    node.up = up;
    trace(node.model().config().name + (up ? " is up" : " is down"));
    if (!up) node.drop_all();
}

void World::to_peer(LinkId link, iso8583::Bytes bytes) {
    network.write(link.value, Side::switch_side, std::move(bytes));
}

void World::link_dropped(LinkId link, const std::string& why) {
    logged(why);
    trace("link " + std::to_string(link.value) + " closed: " + why);
    network.close(link.value, Side::switch_side);
    connections_.erase(link.value);
    const auto slot = slot_of_.find(link.value);
    if (slot == slot_of_.end()) return;
    const std::size_t index = slot->second;
    slot_of_.erase(slot);
    issuer_slots_[index].connection = 0;
    retry_issuer(index);
}

Till& World::add_till(std::unique_ptr<Till> till) {
    tills_.push_back(std::move(till));
    return *tills_.back();
}

// ---- HSM

std::optional<hsm::Reply> World::ask_hsm(const HsmAsker& asker, hsm::Ticket ticket,
                                         const hsm::Request& request) {
    const bool wrong = chance_.permille(faults.hsm_wrong_permille);
    const bool fails = !hsm_up || wrong || chance_.permille(faults.hsm_fails_permille);
    hsm_has_failed_ = hsm_has_failed_ || fails;
    const hsm::HsmFault fault =
        wrong && hsm_up ? wrong_faults[chance_.below(std::size(wrong_faults))] : hsm::HsmFault::unavailable;
    hsm::Reply reply = fails ? hsm::Reply(tl::unexpected(fault)) : engine_.perform(request);
    if (fails) checkers_.reached("R64 HSM unavailable");
    if (!chance_.permille(faults.hsm_slow_permille)) return reply;
    const std::uint64_t generation = generation_;
    at(chance_.between(0, faults.hsm_slow_ms_max),
       [this, generation, asker, ticket, reply = std::move(reply)] {
           if (generation == generation_ && process_) process_->hsm_answered(asker, ticket, reply);
       });
    return std::nullopt;
}

// ---- What leaves

void World::released(std::size_t shard, const Effect& effect) {
    // Of several, what one has let out before may wait for the shell while another's store fails.
    if (shards() == 1 && process_->failed() != nullptr)
        checkers_.broken("I5", "an effect left after the store had failed", clock_);
    checkers_.released(effect, clock_);
    branches_.released(effect);
    honest_.released(effect);
    for (const auto& watch : watches_) watch->released(effect);
    if (shard_checks_) shard_checks_->released(shard, effect, clock_);
    asked_an_issuer_ = asked_an_issuer_ || std::holds_alternative<SendToIssuer>(effect);
    note_effect(effect);
    if (on_released) on_released(effect);
}

void World::answered(std::uint64_t ticket, const OperatorAnswer& answer) {
    if (shard_checks_) shard_checks_->answered(ticket, answer, clock_);
    const auto waiting = operators_.find(ticket);
    if (waiting == operators_.end()) return;
    const auto tell = std::move(waiting->second);
    operators_.erase(waiting);
    const bool was_releasing = std::exchange(releasing_, true);
    if (tell) tell(answer);
    releasing_ = was_releasing;
}

std::int64_t World::pause_ms() {
    if (!turns_chance_.permille(faults.shard_pauses_permille)) return 0;
    checkers_.reached("a shard waits while others go on");
    return turns_chance_.between(1, faults.shard_pause_ms_max);
}

void World::notices_written(const std::vector<ledger::Notice>& notices) { notices_.written(notices, clock_); }

void World::note_effect(const Effect& effect) {
    const auto mix = [this](std::string_view text) {
        for (const char c : text)
            effects_hash_ = (effects_hash_ ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
    };
    mix(std::to_string(clock_.ms));
    mix(whole_text(effect));
    if (const auto* note = std::get_if<Note>(&effect); note != nullptr && note->kind == NoteKind::vault_key) {
        if (note->detail.find("seals from here on") != std::string::npos)
            checkers_.reached("vault key changed");
        if (note->detail.ends_with(" is wiped")) checkers_.reached("vault key wiped");
    }
    if (const auto* note = std::get_if<Note>(&effect);
        note != nullptr && note->kind == NoteKind::key_change && note->detail.starts_with("a new Z"))
        checkers_.reached(note->detail.find("by issuer") != std::string::npos ? "key changed by the issuer"
                                                                              : "key changed by us");
    if (tracing()) trace(masked_text(effect));
}

void World::logged(const std::string& text) { checkers_.logged(text, clock_); }

}  // namespace simulation
