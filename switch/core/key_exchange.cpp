#include "switch/core/key_exchange.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;
using ledger::ZoneKeyRecord;

namespace {

constexpr hsm::KeyKind kinds[] = {hsm::KeyKind::zak, hsm::KeyKind::zpk};
constexpr std::size_t kind_letters = 3;
constexpr std::int64_t ms_per_second = 1000;

// DE39 of an 0810 that answers a key change.
constexpr std::string_view code_changed = "00";
constexpr std::string_view code_under_way = "09";
constexpr std::string_view code_key_refused = "12";
constexpr std::string_view code_format = "30";
constexpr std::string_view code_not_supported = "40";
constexpr std::string_view code_mac = "63";
constexpr std::string_view code_system = "96";

/// The ledger names kinds by letters of its own, which are bytes on disk.
ledger::ZoneKeyKind stored_kind(hsm::KeyKind kind) {
    return kind == hsm::KeyKind::zak ? ledger::ZoneKeyKind::zak : ledger::ZoneKeyKind::zpk;
}
hsm::KeyKind kind_of(const ZoneKeyRecord& record) {
    return record.kind == ledger::ZoneKeyKind::zak ? hsm::KeyKind::zak : hsm::KeyKind::zpk;
}
std::string word(hsm::KeyKind kind) { return std::string(hsm::name(kind)); }

const hsm::KeyBlock& of_files(const IssuerKeys& keys, hsm::KeyKind kind) {
    return kind == hsm::KeyKind::zak ? keys.zak : keys.zpk;
}

hsm::KeyBlock block_of(const std::string& text) {
    const auto block = hsm::KeyBlock::parse(text);
    ENSURE(block.has_value());  // it was one when it was stored, and the record's checksum holds
    return *block;
}

/// May `fresh` stand in for `before`? Never another algorithm, never fewer bits.
bool fits(const hsm::KeyBlock& fresh, const hsm::KeyBlock& before) {
    if (fresh.is_aes() != before.is_aes()) return false;
    return fresh.is_aes() || fresh.text().size() >= before.text().size();
}

}  // namespace

// ---- What stands

const IssuerKeys* KeyExchange::configured(routing::RouteId route) const {
    const auto at = c_.config->issuer_keys.find(route);
    return at == c_.config->issuer_keys.end() ? nullptr : &at->second;
}

ZoneKeyRecord KeyExchange::record(const routing::Route& route, hsm::KeyKind kind) const {
    const auto at = records_.find({route.id, kind});
    if (at != records_.end()) return at->second;
    ZoneKeyRecord fresh;
    fresh.kind = stored_kind(kind);
    fresh.route = route.name;
    if (const IssuerKeys* keys = configured(route.id)) fresh.configured = of_files(*keys, kind).text();
    return fresh;
}

void KeyExchange::save(const routing::Route& route, const ZoneKeyRecord& record) {
    records_[{route.id, kind_of(record)}] = record;
    c_.ledger.save(record);
}

std::vector<KeyExchange::Standing> KeyExchange::keys(routing::RouteId route) const {
    std::vector<Standing> out;
    const IssuerKeys* files = configured(route);
    if (files == nullptr) return out;
    for (const hsm::KeyKind kind : kinds) {
        const auto at = records_.find({route, kind});
        const ZoneKeyRecord* r = at == records_.end() ? nullptr : &at->second;
        if (r != nullptr && !r->current.block.empty())
            out.push_back({kind, block_of(r->current.block), "current", r->since, r->by});
        else if (!of_files(*files, kind).empty())
            out.push_back({kind, of_files(*files, kind), "current", {}, {}});
        if (r == nullptr) continue;
        if (!r->offered.block.empty())
            out.push_back({kind, block_of(r->offered.block), "offered", {}, r->offered_by});
        if (!r->previous.block.empty())
            out.push_back({kind, block_of(r->previous.block), "previous", {}, {}});
    }
    return out;
}

hsm::KeyBlock KeyExchange::zpk(routing::RouteId route) const {
    if (!c_.ledger.numbers().is_first()) {
        // The files' key may be one that the issuer has had changed: the first shard knows.
        const auto told = told_zpks_.find(route);
        return told == told_zpks_.end() ? hsm::KeyBlock{} : told->second;
    }
    const auto at = records_.find({route, hsm::KeyKind::zpk});
    if (at != records_.end() && !at->second.current.block.empty()) return block_of(at->second.current.block);
    const IssuerKeys* files = configured(route);
    return files == nullptr ? hsm::KeyBlock{} : files->zpk;
}

void KeyExchange::install(routing::RouteId route) {
    // Sessions have one set of keys for all shards.
    if (!c_.ledger.numbers().is_first()) return;
    InstallIssuerKeys effect;
    effect.route = route;
    effect.zpk = zpk(route);
    for (Standing& standing : keys(route))
        if (standing.kind == hsm::KeyKind::zak) effect.zaks.push_back(std::move(standing.key));
    if (!effect.zaks.empty()) c_.emit(std::move(effect));
}

void KeyExchange::arm_grace(routing::RouteId route) {
    std::optional<std::int64_t> soonest_ms;
    for (const hsm::KeyKind kind : kinds) {
        const auto at = records_.find({route, kind});
        if (at == records_.end() || at->second.previous.block.empty()) continue;
        const std::int64_t left = std::max<std::int64_t>(0, at->second.previous_until.ms - c_.now.utc.ms);
        soonest_ms = std::min(soonest_ms.value_or(left), left);
    }
    const DeadlineId id{DeadlineId::Kind::key_grace, {}, route.value};
    c_.deadlines.cancel(id);
    // A clock that was set back makes no grace longer than it is.
    if (soonest_ms)
        c_.set_deadline(id,
                        std::min(*soonest_ms, ms_per_second * c_.config->limits.key_change_grace_seconds));
}

void KeyExchange::on_grace_deadline(routing::RouteId id) {
    const routing::Route* route = c_.route(id.value);
    if (route == nullptr) return;
    for (const hsm::KeyKind kind : kinds) {
        const auto at = records_.find({id, kind});
        if (at == records_.end() || at->second.previous.block.empty()) continue;
        ZoneKeyRecord r = at->second;
        if (r.previous_until.ms > c_.now.utc.ms) continue;
        r.previous = {};
        save(*route, r);
        note(Severity::info, id, "the grace of the " + word(kind) + " before is over");
    }
    install(id);
    arm_grace(id);
}

void KeyExchange::recover() { configuration_replaced(); }

/// A key of the files that is not the one the exchanges began from is the operators' word: it ends them.
void KeyExchange::begin_from_files(const routing::Route& route) {
    const IssuerKeys* files = configured(route.id);
    for (const hsm::KeyKind kind : kinds) {
        const auto at = records_.find({route.id, kind});
        if (at == records_.end() || files == nullptr) continue;
        if (at->second.configured == of_files(*files, kind).text()) continue;
        ZoneKeyRecord fresh;
        fresh.kind = stored_kind(kind);
        fresh.route = route.name;
        fresh.configured = of_files(*files, kind).text();
        save(route, fresh);
        note(Severity::warning, route.id,
             "the files hold another " + word(kind) + ": it ends what was exchanged before");
    }
}

void KeyExchange::configuration_replaced() {
    // A route that was not configured when the switch began may be now, and what was exchanged with its
    // issuer still stands there.
    records_.clear();
    c_.ledger.visit_zone_keys([&](ZoneKeyRecord&& stored) {
        const routing::Route* route = c_.config->routes.find(stored.route);
        if (route != nullptr) records_[{route->id, kind_of(stored)}] = std::move(stored);
    });
    for (const routing::Route& route : c_.config->routes.routes()) {
        begin_from_files(route);
        install(route.id);
        arm_grace(route.id);
    }
}

void KeyExchange::note(Severity severity, routing::RouteId route, std::string detail) {
    Note n;
    n.severity = severity;
    n.kind = NoteKind::key_change;
    if (const auto* r = c_.route(route.value)) n.route = r->name;
    n.detail = std::move(detail);
    c_.note(std::move(n));
}

void KeyExchange::promote(const routing::Route& route, ZoneKeyRecord& r, ZoneKeyRecord::Key key,
                          const std::string& by) {
    const std::string kcv = key.kcv;
    r.previous = r.current.block.empty() ? ZoneKeyRecord::Key{r.configured, {}} : r.current;
    r.previous_until = {c_.now.utc.ms + ms_per_second * c_.config->limits.key_change_grace_seconds};
    r.current = std::move(key);
    r.since = c_.now.utc;
    r.by = by;
    // A key of ours that was offered before is overtaken.
    r.offered = {};
    r.offered_under_zmk.clear();
    r.offered_by.clear();
    r.offers = 0;
    save(route, r);
    arm_grace(route.id);
    c_.count("key_changes");
    note(Severity::info, route.id, "a new " + word(kind_of(r)) + " with KCV " + kcv + ", by " + by);
}

// ---- Ours

void KeyExchange::finish(routing::RouteId route, bool done, std::string text, const std::string& kcv) {
    const auto at = underway_.find(route);
    ENSURE(at != underway_.end());
    if (at->second.awaited) c_.in_flight.forget(*at->second.awaited);
    c_.deadlines.cancel({DeadlineId::Kind::key_change_reply, {}, route.value});
    const std::uint64_t ticket = at->second.operator_ticket;
    const hsm::KeyKind kind = at->second.kind;
    underway_.erase(at);
    if (!done) note(Severity::warning, route, text);
    if (ticket == 0) return;
    OperatorAnswer answer{done, std::move(text)};
    if (const auto* r = c_.route(route.value))
        answer.values = {{"issuer", r->name}, {"kind", word(kind)}, {"kcv", kcv}};
    c_.emit(AnswerOperator{ticket, std::move(answer)});
}

void KeyExchange::rotate(const OperatorCommanded& event, const RotateIssuerKey& command) {
    const auto no = [&](std::string text) {
        c_.emit(AnswerOperator{event.ticket, {false, std::move(text)}});
    };
    const routing::Route* route = c_.config->routes.find(command.issuer);
    if (route == nullptr) return no("no issuer is named " + command.issuer);
    const hsm::KeyKind kind = command.kind == hsm::KeyKind::zak ? hsm::KeyKind::zak : hsm::KeyKind::zpk;
    const IssuerKeys* files = configured(route->id);
    if (files == nullptr || files->zmk.empty())
        return no("issuer " + route->name + " has no zmk in the configuration: no key can travel to it");
    if (of_files(*files, kind).empty()) return no("issuer " + route->name + " has no " + word(kind));
    if (files->zmk.is_aes() != of_files(*files, kind).is_aes())
        return no("the ZMK of " + route->name + " is of another algorithm than its " + word(kind));
    if (underway_.contains(route->id))
        return no("a key change with " + route->name + " is under way; try again");
    if (!c_.link_for(route->id)) return no("no connection to " + route->name + " is up");

    Underway& underway = underway_[route->id];
    underway.kind = kind;
    underway.operator_ticket = event.ticket;
    underway.user = event.user;
    ZoneKeyRecord r = record(*route, kind);
    if (!r.offered.block.empty() && !command.give_up_offered) return offer(*route, underway);
    if (!r.offered.block.empty()) {
        on_change(event.user, name(event.role), "key.give_up",
                  route->name + " " + word(kind) + " offered, KCV " + r.offered.kcv);
        r.offered = {};
        r.offered_under_zmk.clear();
        r.offers = 0;
        save(*route, r);
        install(route->id);
    }
    const hsm::Ticket ticket = ++c_.last_ticket;
    generating_[ticket] = route->id;
    ask_hsm(ticket, hsm::GenerateZoneKey{kind, files->zmk});
}

void KeyExchange::ask_hsm(hsm::Ticket ticket, hsm::Request request) {
    c_.set_deadline({DeadlineId::Kind::hsm_reply, {}, ticket}, c_.config->limits.hsm_reply_timeout_ms);
    c_.emit(AskHsm{ticket, std::move(request)});
}

void KeyExchange::on_hsm(hsm::Ticket ticket, const hsm::Reply& reply) {
    c_.deadlines.cancel({DeadlineId::Kind::hsm_reply, {}, ticket});
    if (const auto at = generating_.find(ticket); at != generating_.end()) {
        const routing::RouteId route = at->second;
        generating_.erase(at);
        return generated(route, reply);
    }
    const auto at = importing_.find(ticket);
    if (at == importing_.end()) return;
    const Import import = std::move(at->second);
    importing_.erase(at);
    imported(import, reply);
}

void KeyExchange::generated(routing::RouteId id, const hsm::Reply& reply) {
    const auto* made = reply ? std::get_if<hsm::ZoneKey>(&*reply) : nullptr;
    if (made == nullptr)
        return finish(id, false,
                      "the HSM makes no key to hand over: " +
                          std::string(reply ? "an answer to another question" : hsm::name(reply.error())));
    const routing::Route* route = c_.route(id.value);
    const IssuerKeys* files = configured(id);
    Underway& underway = underway_.at(id);
    // The files may have been replaced while the HSM was asked.
    if (route == nullptr || files == nullptr || !fits(made->under_lmk, of_files(*files, underway.kind)))
        return finish(id, false, "the key that the HSM made is of another algorithm or shorter");
    ZoneKeyRecord r = record(*route, underway.kind);
    r.offered = {made->under_lmk.text(), iso8583::to_hex(made->kcv)};
    r.offered_under_zmk = made->under_zmk;
    r.offered_by = underway.user;
    r.offers = 0;
    save(*route, r);
    install(id);  // the issuer may answer under it from the moment it has it
    offer(*route, underway);
}

void KeyExchange::offer(const routing::Route& route, Underway& underway) {
    ZoneKeyRecord r = record(route, underway.kind);
    const auto link = c_.link_for(route.id);
    if (!link)
        return finish(route.id, false,
                      "the connection to " + route.name + " was lost; the new " + word(underway.kind) +
                          " is offered when it is back",
                      r.offered.kcv);
    ++r.offers;
    save(route, r);
    const auto numbers = c_.next_issuer_numbers(route.id);
    FieldValues fields(Mti::of(800));
    fields.set(Field::transmission_time, numbers.transmission_time.str());
    fields.set(Field::stan, numbers.stan.str());
    fields.set(Field::additional_data, word(underway.kind) + r.offered_under_zmk);
    fields.set(Field::network_management_code, key_change_code);
    underway.link = *link;
    underway.awaited = IssuerKey{route.id, 8, numbers.stan.value(), numbers.transmission_time.value()};
    c_.in_flight.await(*underway.awaited, {Awaited::What::key_change, {}, *link});
    c_.in_flight.await_until({DeadlineId::Kind::key_change_reply, {}, route.id.value},
                             route.reply_timeout_ms);
    c_.emit(SendToIssuer{route.id, *link, std::move(fields)});
}

void KeyExchange::on_reply(const IssuerReplyArrived& event) {
    const auto at = underway_.find(event.route);
    const routing::Route* route = c_.route(event.route.value);
    if (at == underway_.end() || route == nullptr) return;
    const hsm::KeyKind kind = at->second.kind;
    ZoneKeyRecord r = record(*route, kind);
    const std::string kcv = r.offered.kcv;
    const std::string the_key = "the new " + word(kind) + " with KCV " + kcv;
    if (event.mac != MacState::verified)
        return finish(event.route, false,
                      "the 0810 has no right MAC, so it decides nothing; " + the_key + " stays offered", kcv);
    const std::string code = event.reply.code ? event.reply.code->str() : "none";
    if (code == code_changed) {
        const std::string& theirs = event.reply.additional_data;
        if (!theirs.empty() && theirs != kcv) {
            c_.open_exception_of_route(
                event.route, "key_change_unclear", "R63",
                route->name + " took the new " + word(kind) +
                    " with another check value than ours: both sides must compare their keys",
                ledger::Urgency::alarm);
            return finish(event.route, false, "the issuer's check value is not that of " + the_key, kcv);
        }
        promote(*route, r, r.offered, at->second.user.empty() ? r.offered_by : at->second.user);
        install(event.route);
        on_change(r.by, name(Role::security_officer), "key.rotate",
                  route->name + " " + word(kind) + " KCV " + kcv);
        return finish(event.route, true,
                      "the " + word(kind) + " of " + route->name + " is changed, KCV " + kcv, kcv);
    }
    if (event.reply.code && route->codes.retry.contains(*event.reply.code))
        return finish(event.route, false,
                      "the issuer cannot take a key now (" + code + "); " + the_key + " stays offered", kcv);
    if (r.offers > 1) {
        // The first 0810 was lost: it may have been a yes, and this one says no to a repetition.
        c_.open_exception_of_route(event.route, "key_change_unclear", "R63",
                                   route->name + " refused with " + code + " the " + word(kind) +
                                       " that it may have taken before: both sides must compare their keys",
                                   ledger::Urgency::alarm);
        return finish(event.route, false,
                      "the issuer refused with " + code + " what it may have taken before; " + the_key +
                          " stays offered",
                      kcv);
    }
    r.offered = {};
    r.offered_under_zmk.clear();
    r.offers = 0;
    save(*route, r);
    install(event.route);
    finish(event.route, false, "the issuer refused " + the_key + " with " + code + "; the key before stays",
           kcv);
}

void KeyExchange::on_reply_deadline(routing::RouteId route) {
    const auto at = underway_.find(route);
    if (at == underway_.end()) return;
    finish(route, false,
           "the issuer did not answer; the new " + word(at->second.kind) +
               " is offered again at the next sign-on or by the same command");
}

void KeyExchange::link_up(routing::RouteId id) {
    const routing::Route* route = c_.route(id.value);
    if (route == nullptr || underway_.contains(id)) return;
    for (const hsm::KeyKind kind : kinds) {
        const auto at = records_.find({id, kind});
        if (at == records_.end() || at->second.offered.block.empty()) continue;
        Underway& underway = underway_[id];
        underway.kind = kind;
        return offer(*route, underway);  // the other kind, if any, at the next sign-on
    }
}

void KeyExchange::link_down(routing::RouteId route, LinkId link) {
    const auto at = underway_.find(route);
    if (at == underway_.end() || !at->second.awaited || at->second.link != link) return;
    finish(route, false,
           "the connection was lost before the issuer answered; the new " + word(at->second.kind) +
               " is offered when it is back");
}

// ---- Theirs

void KeyExchange::answer_issuer(const IssuerKeyOffered& event, std::string_view code,
                                const std::string& kcv) {
    const auto response = event.request.mti().response();
    ENSURE(response.has_value());  // the session hands on requests alone
    FieldValues answer(*response);
    for (const Field echoed : {Field::transmission_time, Field::stan, Field::acquirer_institution,
                               Field::forwarding_institution, Field::network_management_code})
        if (event.request.has(echoed)) answer.set(echoed, event.request.get(echoed));
    answer.set(Field::response_code, code);
    if (!kcv.empty()) answer.set(Field::additional_data, kcv);
    const bool verified = event.mac == MacState::verified;
    c_.emit(SendToIssuer{event.route, event.link, std::move(answer),
                         verified ? IssuerMac::with : IssuerMac::without});
}

void KeyExchange::refuse_issuer(const IssuerKeyOffered& event, std::string_view code,
                                const std::string& why) {
    c_.count("key_changes_refused");
    note(Severity::warning, event.route,
         "the issuer's new key is refused with " + std::string(code) + ": " + why);
    answer_issuer(event, code);
}

void KeyExchange::on_offer(const IssuerKeyOffered& event) {
    const routing::Route* route = c_.route(event.route.value);
    const IssuerKeys* files = configured(event.route);
    if (route == nullptr || files == nullptr || files->zmk.empty())
        return refuse_issuer(event, code_not_supported, "no zmk is configured for it");
    if (event.mac == MacState::hsm_down) return refuse_issuer(event, code_system, "the HSM does not answer");
    // Who could not make a MAC before may not give us a key.
    if (event.mac != MacState::verified) return refuse_issuer(event, code_mac, "its MAC is wrong or missing");
    const std::string_view content = event.request.get(Field::additional_data);
    const std::string_view letters = content.substr(0, kind_letters);
    if ((letters != "ZAK" && letters != "ZPK") || content.size() <= kind_letters)
        return refuse_issuer(event, code_format, "DE48 has to be ZAK or ZPK and a key under the ZMK");
    const hsm::KeyKind kind = letters == "ZAK" ? hsm::KeyKind::zak : hsm::KeyKind::zpk;
    if (of_files(*files, kind).empty())
        return refuse_issuer(event, code_not_supported, "no " + word(kind) + " is configured for it");
    bool busy = false;
    for (const auto& [ticket, import] : importing_) {
        if (import.event.route != event.route) continue;
        busy = true;
        const auto same = [&, other = &import.event.request](Field f) {
            return other->get(f) == event.request.get(f);
        };
        // Arrived twice: it gets one answer. A 09 before the 00 would say that it was not taken.
        if (same(Field::stan) && same(Field::transmission_time) && same(Field::additional_data)) return;
    }
    const auto ours = underway_.find(event.route);
    if (busy || (ours != underway_.end() && ours->second.kind == kind))
        return refuse_issuer(event, code_under_way, "another change of this key is under way");
    const hsm::Ticket ticket = ++c_.last_ticket;
    importing_[ticket] = {event, kind};
    ask_hsm(ticket, hsm::ImportZoneKey{kind, files->zmk, std::string(content.substr(kind_letters))});
}

void KeyExchange::imported(const Import& import, const hsm::Reply& reply) {
    const IssuerKeyOffered& event = import.event;
    const routing::Route* route = c_.route(event.route.value);
    const IssuerKeys* files = configured(event.route);
    if (!reply)
        return refuse_issuer(event,
                             reply.error() == hsm::HsmFault::unavailable ? code_system : code_key_refused,
                             "the HSM does not take it: " + std::string(hsm::name(reply.error())));
    const auto* key = std::get_if<hsm::ZoneKey>(&*reply);
    if (key == nullptr || route == nullptr || files == nullptr)
        return refuse_issuer(event, code_system, "an answer to another question");
    if (!fits(key->under_lmk, of_files(*files, import.kind)))
        return refuse_issuer(event, code_key_refused, "it is of another algorithm or shorter");
    const std::string kcv = iso8583::to_hex(key->kcv);
    ZoneKeyRecord r = record(*route, import.kind);
    // The answer goes first: its MAC is made with the key that the request was under, or that stood then.
    answer_issuer(event, code_changed, kcv);
    if (r.current.kcv == kcv) return;  // the same key again: the 0810 was lost
    promote(*route, r, {key->under_lmk.text(), kcv}, "issuer " + route->name);
    install(event.route);
    on_change(r.by, "issuer", "key.rotate", route->name + " " + word(import.kind) + " KCV " + kcv);
}

}  // namespace acquirer
