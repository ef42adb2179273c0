// merchants show, terminals show: everything that holds for one, and where it comes from.
#include "iso8583/values/amount.hpp"
#include "ledger/party_books.hpp"
#include "switch/views/operator_views.hpp"
#include "switch/views/overrides.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::OverrideKind;
using ledger::PartyKind;

namespace {

std::string_view word(RefundBeforeSettlement before) {
    switch (before) {
        case RefundBeforeSettlement::allow:
            return "allow";
        case RefundBeforeSettlement::suggest_void:
            return "suggest_void";
        case RefundBeforeSettlement::turn_into_void:
            return "turn_into_void";
    }
    return "?";
}
std::string_view word(RefundFunding funding) {
    return funding == RefundFunding::net_sales ? "net_sales" : "none";
}
std::string_view word(OnCaution caution) { return caution == OnCaution::refuse ? "refuse" : "hold"; }
std::string_view word(hsm::MacAlgorithm algorithm) {
    switch (algorithm) {
        case hsm::MacAlgorithm::unionpay_ecb:
            return "ecb";
        case hsm::MacAlgorithm::cbc:  // no profile offers it
            return "cbc";
        case hsm::MacAlgorithm::retail:
            return "retail";
        case hsm::MacAlgorithm::aes_cmac:
            return "cmac";
    }
    return "?";
}

View policy_view(const RefundPolicy& p, iso8583::Currency currency) {
    const auto amount = [&](std::int64_t minor) { return iso8583::Amount(minor, currency).major(); };
    View view = View::object();
    const auto number = [&view](const char* name, const std::optional<std::int32_t>& value) {
        if (value) view.put(name, *value);
    };
    view.put("window_days", p.window_days);
    if (p.refund_amount_max) view.put("refund_amount_max", amount(*p.refund_amount_max));
    number("refunds_per_terminal_day_max", p.refunds_per_terminal_day_max);
    view.put("approval_amount_above", amount(p.approval_amount_above));
    view.put("approval_keyed_amount_above", amount(p.approval_keyed_amount_above));
    number("approval_age_days", p.approval_age_days);
    view.put("repeat_refund_seconds", p.repeat_refund_seconds);
    view.put("before_settlement", word(p.before_settlement));
    view.put("funding", word(p.funding)).put("on_short", word(p.on_short));
    number("refund_ratio_percent_max", p.refund_ratio_percent_max);
    number("refunds_per_card_day_max", p.refunds_per_card_day_max);
    number("refunds_per_operator_day_max", p.refunds_per_operator_day_max);
    number("refunds_per_merchant_day_max", p.refunds_per_merchant_day_max);
    view.put("on_fraud", word(p.on_fraud));
    return view;
}

iso8583::Result<View> range_view(const ViewContext& context, const TerminalRange& range) {
    auto from = party_source(context, PartyKind::terminals, eight_digits(range.first));
    if (!from) return tl::unexpected(from.error());
    View one = View::object();
    one.put("first", eight_digits(range.first)).put("last", eight_digits(range.last));
    one.put("merchant", range.merchant.view()).put("profile", name(range.profile));
    one.put("mac", word(range.mac.algorithm)).put("protected_channel", range.protected_channel);
    return one.put("single_length_keys", range.single_length_keys).put("source", *from);
}

}  // namespace

ViewResult view_merchant(const ViewContext& context, const iso8583::MerchantId& id) {
    const MerchantConfig* merchant = context.configuration.find_merchant(id);
    if (merchant == nullptr) return parse_error("no merchant " + id.str() + " is configured or was added");
    const auto suspension = override_of(context, OverrideKind::merchant, id.view());
    if (!suspension) return tl::unexpected(suspension.error());
    const auto right = override_of(context, OverrideKind::refunds_of_merchant, id.view());
    if (!right) return tl::unexpected(right.error());
    const auto from = party_source(context, PartyKind::merchant, id.view());
    if (!from) return tl::unexpected(from.error());
    View view = View::object();
    view.put("merchant", id.view()).put("name", merchant->name);
    view.put("suspended", *suspension ? (*suspension)->state == "suspended" : merchant->suspended);
    view.put("refund_enabled", *right ? (*right)->state == "refund_enabled" : merchant->refund_enabled);
    view.put("source", *from).put("suspension_source", source(context, *suspension));
    view.put("refund_source", source(context, *right));
    view.put("refund", policy_view(merchant->refund, context.configuration.currency));
    View ranges = View::list();
    for (const TerminalRange& range : context.configuration.terminals) {
        if (range.merchant != id) continue;
        auto one = range_view(context, range);
        if (!one) return tl::unexpected(one.error());
        ranges.add(std::move(*one));
    }
    return view.put("terminals", std::move(ranges));
}

ViewResult view_terminal(const ViewContext& context, const iso8583::TerminalId& id) {
    const TerminalRange* range = context.configuration.find_terminal(id);
    const auto stored = context.store.get(ledger::Family::index, ledger::terminal_key(id));
    if (!stored) return store_fault(stored.error());
    if (range == nullptr && !*stored)
        return parse_error("no terminal " + id.str() + " is configured or was added");
    const auto change = override_of(context, OverrideKind::terminal, id.view());
    if (!change) return tl::unexpected(change.error());
    ledger::TerminalRecord terminal;
    if (*stored) {
        auto decoded = ledger::decode_terminal(**stored);
        if (!decoded) return parse_error("the ledger's terminal cannot be read: " + decoded.error().what);
        terminal = std::move(*decoded);
    }
    View view = View::object();
    view.put("terminal", id.view()).put("merchant", range != nullptr ? range->merchant.view() : "");
    view.put("batch", terminal.batch.str()).put("signed_on", !terminal.keys.empty());
    view.put("key_version", terminal.proven_key_version).put("uploading", terminal.uploading);
    view.put("suspended", *change && (*change)->state == "suspended");
    view.put("suspension_source", source(context, *change));
    if (range == nullptr) return view;  // it has left the configuration; its history stays
    auto one = range_view(context, *range);
    if (!one) return tl::unexpected(one.error());
    return view.put("range", std::move(*one));
}

}  // namespace acquirer
