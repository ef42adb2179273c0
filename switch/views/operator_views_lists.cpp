// Lists of what is configured: routes, merchants, terminals, day, audit.
#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/party_books.hpp"
#include "ledger/stored_records.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/operator_views.hpp"
#include "switch/views/overrides.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::OverrideKind;

namespace {

std::string policy_text(const RefundPolicy& policy, iso8583::Currency currency) {
    std::string text = std::to_string(policy.window_days) + " days";
    if (policy.refund_amount_max)
        text += ", at most " + iso8583::Amount(*policy.refund_amount_max, currency).major();
    if (policy.refunds_per_terminal_day_max)
        text += ", " + std::to_string(*policy.refunds_per_terminal_day_max) + " a terminal and day";
    return text;
}

}  // namespace

iso8583::Result<std::optional<ledger::OverrideRecord>> override_of(const ViewContext& context,
                                                                   OverrideKind kind, std::string_view id) {
    auto stored = context.store.get(Family::index, ledger::override_key(kind, id));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<ledger::OverrideRecord>();
    auto record = ledger::decode_override(**stored);
    if (!record) return parse_error("the ledger's override cannot be read: " + record.error().what);
    if (record->state.empty()) return std::optional<ledger::OverrideRecord>();
    return std::optional<ledger::OverrideRecord>(std::move(*record));
}

std::string source(const ViewContext& context, const std::optional<ledger::OverrideRecord>& change) {
    return change ? change->user + " at " + local_time(context, change->at) : "file";
}

iso8583::Result<std::string> party_source(const ViewContext& context, ledger::PartyKind kind,
                                          std::string_view id) {
    const auto stored = context.store.get(Family::index, ledger::party_key(kind, id));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::string("file");
    const auto party = ledger::decode_party(**stored);
    if (!party) return parse_error("the ledger's " + party.error().what);
    return party->user + " at " + local_time(context, party->at);
}

std::string eight_digits(std::uint32_t number) {
    const std::string digits = std::to_string(number);
    return std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits;
}

ViewResult view_routes(const ViewContext& context, const ListQuery& query) {
    ListPage page("routes", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    bool begun = behind->empty();
    for (const routing::Route& route : context.configuration.routes.routes()) {
        if (!begun) {
            begun = route.name == *behind;
            continue;
        }
        auto change = override_of(context, OverrideKind::route, route.name);
        if (!change) return tl::unexpected(change.error());
        RouteStatus status;
        for (const RouteStatus& s : context.status.routes)
            if (s.name == route.name) status = s;
        const std::string state = status.operator_state.empty() ? "up" : status.operator_state;
        if (!query.state.empty() && state != query.state) continue;
        View one = View::object();
        one.put("route", route.name).put("id", std::uint32_t{route.id.value});
        one.put("state", state);
        one.put("links_up", status.links_up)
            .put("in_flight", status.in_flight)
            .put("queued_advices", status.queued_advices);
        one.put("dialect", route.dialect).put("refunds", routing::name(route.refund_mode));
        one.put("voids", routing::name(route.void_mode)).put("retired", route.retired);
        one.put("source", source(context, *change));
        if (!page.add(std::move(one), route.name)) break;
    }
    if (!begun) return ListPage::no_cursor();
    return std::move(page).answer();
}

ViewResult view_merchants(const ViewContext& context, const ListQuery& query) {
    ListPage page("merchants", query);
    const auto behind = page.parsed_position<iso8583::MerchantId>();
    if (!behind) return tl::unexpected(behind.error());
    const auto& merchants = context.configuration.merchants;
    for (auto at = *behind ? merchants.upper_bound(**behind) : merchants.begin(); at != merchants.end();
         ++at) {
        const auto& [id, merchant] = *at;
        // Suspension and the right to refund are changed apart; each newest change wins over the file.
        auto suspension = override_of(context, OverrideKind::merchant, id.view());
        if (!suspension) return tl::unexpected(suspension.error());
        auto right = override_of(context, OverrideKind::refunds_of_merchant, id.view());
        if (!right) return tl::unexpected(right.error());
        auto from = party_source(context, ledger::PartyKind::merchant, id.view());
        if (!from) return tl::unexpected(from.error());
        const bool suspended = *suspension ? (*suspension)->state == "suspended" : merchant.suspended;
        if (!query.state.empty() && suspended != (query.state == "suspended")) continue;
        const bool refund_enabled = *right ? (*right)->state == "refund_enabled" : merchant.refund_enabled;
        View one = View::object();
        one.put("merchant", id.view()).put("name", merchant.name).put("suspended", suspended);
        one.put("refund_enabled", refund_enabled)
            .put("policy", policy_text(merchant.refund, context.configuration.currency));
        one.put("source", *from);
        one.put("suspension_source", source(context, *suspension))
            .put("refund_source", source(context, *right));
        if (!page.add(std::move(one), id.view())) break;
    }
    return std::move(page).answer(View::object().put("count", static_cast<std::int64_t>(merchants.size())));
}

namespace {

iso8583::Result<View> ranges_view(const ViewContext& context, const ListScope& scope) {
    View ranges = View::list();
    for (const TerminalRange& range : context.configuration.terminals) {
        if (scope.merchant && range.merchant != *scope.merchant) continue;
        auto from = party_source(context, ledger::PartyKind::terminals, eight_digits(range.first));
        if (!from) return tl::unexpected(from.error());
        View one = View::object();
        one.put("first", eight_digits(range.first))
            .put("last", eight_digits(range.last))
            .put("merchant", range.merchant.view());
        one.put("profile", name(range.profile)).put("source", *from);
        ranges.add(std::move(one));
    }
    return ranges;
}

View terminal_row(const ViewContext& context, const ledger::TerminalRecord& terminal, std::string_view owner,
                  const std::optional<ledger::OverrideRecord>& change) {
    View one = View::object();
    one.put("terminal", terminal.terminal.view()).put("merchant", owner).put("batch", terminal.batch.str());
    one.put("signed_on", !terminal.keys.empty()).put("key_version", terminal.proven_key_version);
    one.put("uploading", terminal.uploading).put("suspended", change && change->state == "suspended");
    one.put("source", source(context, change));
    return one;
}

}  // namespace

ViewResult view_terminals(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("terminals", query);
    const auto behind = page.parsed_position<iso8583::TerminalId>();
    if (!behind) return tl::unexpected(behind.error());
    ledger::KeyRange keys = ledger::all_keys(ledger::KeyPrefix::terminal);
    if (*behind) keys.from = ledger::terminal_key(**behind) + '\0';
    std::optional<iso8583::ParseError> fault;
    std::size_t read = 0;
    auto done =
        context.store.scan(Family::index, keys.from, keys.to, [&](std::string_view, std::string_view value) {
            const auto terminal = ledger::decode_terminal(value);
            if (!terminal) {
                fault = iso8583::ParseError{"the ledger's terminal cannot be read: " + terminal.error().what};
                return false;
            }
            const TerminalRange* range = context.configuration.find_terminal(terminal->terminal);
            const std::string_view owner = range != nullptr ? range->merchant.view() : "";
            auto change = override_of(context, OverrideKind::terminal, terminal->terminal.view());
            if (!change) {
                fault = change.error();
                return false;
            }
            const bool suspended = *change && (*change)->state == "suspended";
            const bool wanted = (!scope->merchant || owner == scope->merchant->view()) &&
                                (!scope->terminal || terminal->terminal == *scope->terminal) &&
                                (query.state.empty() || suspended == (query.state == "suspended"));
            if (wanted &&
                !page.add(terminal_row(context, *terminal, owner, *change), terminal->terminal.view()))
                return false;
            if (++read < page_records_read_max) return true;
            page.cut_at(terminal->terminal.view());
            return false;
        });
    if (!done) return store_fault(done.error());
    if (fault) return tl::unexpected(*fault);
    View facts = View::object();
    if (!*behind) {
        auto ranges = ranges_view(context, *scope);
        if (!ranges) return tl::unexpected(ranges.error());
        facts.put("ranges", std::move(*ranges));
    }
    return std::move(page).answer(facts);
}

std::string day_warning(const ViewContext& context) {
    const Configuration& config = context.configuration;
    const iso8583::Date today =
        iso8583::civil_from_utc(context.now.utc, config.time_zone.offset_s(context.now.utc)).date;
    // With a schedule the day is behind from midnight until that time, every day.
    const bool waits_for_schedule =
        config.cutover_at_minute &&
        context.now.utc < config.time_zone.first_at(today, *config.cutover_at_minute);
    const iso8583::Date expected = waits_for_schedule ? today.plus_days(-1) : today;
    const iso8583::Date day = context.status.business_date.date;
    if (day >= expected) return "";
    return "the business day " + day.iso() + " is behind the local date " + today.iso() +
           ": refundctl day cutover closes it";
}

ViewResult view_day(const ViewContext& context) {
    View days = View::list();
    std::optional<std::string> fault;
    std::size_t count = 0;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::business_day);
    auto done = context.store.scan_back(
        Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
            const auto day = ledger::decode_business_day(value);
            if (!day) {
                fault = "the ledger's business day cannot be read: " + day.error().what;
                return false;
            }
            View one = View::object();
            one.put("day", day->day.date.iso()).put("began", local_time(context, day->at)).put("by", day->by);
            days.add(std::move(one));
            constexpr std::size_t days_shown = 7;
            return ++count < days_shown;
        });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error(*fault);
    View view = View::object();
    view.put("business_date", context.status.business_date.date.iso());
    if (const auto& at = context.configuration.cutover_at_minute) {
        const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
        view.put("cutover_at", two(*at / 60) + ":" + two(*at % 60));
    } else {
        view.put("cutover_at", "by an admin");
    }
    view.put_if("day_warning", day_warning(context));
    view.put("zone", context.configuration.zone).put("days", std::move(days));
    return view;
}

namespace {

/// Of one shard.
ViewResult verified_chain(const ViewContext& context, const AuditCheck& check,
                          const ledger::StoreReader& chain, std::size_t shard) {
    auto head = ledger::verify_audit_chain(chain, check.hash, std::nullopt, {}, check.key);
    if (!head) return parse_error("the audit chain is broken: " + head.error().what);
    View view = View::object();
    view.put("intact", true).put("entries", head->sequence).put("head", iso8583::to_hex(head->hash));
    if (head->keyed_from != 0) view.put("keyed_from", head->keyed_from);
    if (check.key != nullptr) view.put("key_check_value", check.key->check_value());
    if (!check.noted) return view;
    const auto noted = check.noted(shard);
    if (!noted) return parse_error("the noted head of the audit chain cannot be used: " + noted.error().what);
    if (!*noted) return view;
    // Noted while this was read: it may name what the snapshot does not have yet.
    if ((*noted)->time >= ledger::audit_head_time(context.now.utc)) return view;
    const std::string fault = ledger::audit_chain_fault(chain, (*noted)->turn, check.hash, check.key, *noted);
    if (!fault.empty()) return parse_error("the audit chain is not what was noted: " + fault);
    view.put("noted_entry", (*noted)->head.sequence).put("noted_at", (*noted)->time);
    return view;
}

}  // namespace

ViewResult view_audit_verify(const ViewContext& context, const AuditCheck& check) {
    const auto readers = context.readers();
    if (readers.size() == 1) return verified_chain(context, check, context.store, 0);
    View chains = View::list();
    for (std::size_t shard = 0; shard < readers.size(); ++shard) {
        auto chain = verified_chain(context, check, *readers[shard], shard);
        if (!chain) return parse_error("shard " + std::to_string(shard) + ": " + chain.error().what);
        chains.add(std::move(*chain));
    }
    return View::object().put("intact", true).put("chains", std::move(chains));
}

}  // namespace acquirer
