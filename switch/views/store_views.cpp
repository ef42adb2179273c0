#include "switch/views/store_views.hpp"

#include <algorithm>

#include "ledger/restore_records.hpp"

namespace acquirer {

namespace {

View row(const PolicyValue& value, std::string_view whose) {
    return View::object()
        .put("key", value.key)
        .put("value", value.value)
        .put("from", name(value.origin))
        .put("of", whose);
}

View rows(const std::vector<PolicyValue>& values, std::string_view whose) {
    View list = View::list();
    for (const PolicyValue& value : values) list.add(row(value, whose));
    return list;
}

/// What holds for one: its own value where it has one.
View rows_of_merchant(const PolicyInForce& policy, const iso8583::MerchantId& merchant) {
    const auto own = policy.merchants.find(merchant);
    View list = View::list();
    for (const PolicyValue& of_all : policy.general) {
        const PolicyValue* its = nullptr;
        if (own != policy.merchants.end())
            for (const PolicyValue& value : own->second)
                if (value.key == of_all.key) its = &value;
        list.add(its != nullptr ? row(*its, "merchant") : row(of_all, "all"));
    }
    return list;
}

}  // namespace

ViewResult view_last_backup(const ViewContext& context) {
    const auto& last = context.status.backup;
    if (!last) return iso8583::parse_error("no backup was made since this switch started");
    const bool ended = last->state != BackupStatus::State::running;
    View view = View::object();
    view.put("directory", last->directory)
        .put("state", !ended                                     ? "running"
                      : last->state == BackupStatus::State::done ? "done"
                                                                 : "failed");
    view.put("ended", ended).put("by", last->by).put("began", local_time(context, last->began));
    if (!ended) return view;
    view.put("finished", local_time(context, last->ended)).put("text", last->text);
    if (last->state != BackupStatus::State::done) return view;
    return view.put("backup", last->id)
        .put("turn", last->turn)
        .put("files", last->files)
        .put("bytes", last->bytes);
}

namespace {

constexpr std::int64_t day_ms = std::int64_t{24} * 3'600'000;

std::string_view word(VaultStatus::Key::State state) {
    using State = VaultStatus::Key::State;
    switch (state) {
        case State::active:
            return "active";
        case State::old:
            return "old";
        case State::empty:
            return "old, nothing is sealed under it: vault retire";
        case State::retiring:
            return "being wiped";
        case State::unused:
            return "unused";
    }
    return {};
}

std::int64_t days_left(const ViewContext& context) {
    return (context.status.vault.due.ms - context.now.utc.ms) / day_ms;
}

}  // namespace

ViewResult view_vault(const ViewContext& context) {
    const VaultStatus& vault = context.status.vault;
    View view = View::object();
    view.put("active", vault.active).put("state", vault.making != 0 ? "making a key" : vault.phase);
    view.put("percent", vault.percent).put("looked_at", vault.looked).put("resealed", vault.resealed);
    view.put("unreadable", vault.unreadable).put_if("first_unreadable", vault.first_unreadable);
    if (vault.began.ms != 0) view.put("began", local_time(context, vault.began));
    if (vault.ended.ms != 0) view.put("ended", local_time(context, vault.ended));
    if (vault.due.ms != 0)
        view.put("due", local_time(context, vault.due)).put("days_left", days_left(context));
    view.put_if("warning", vault_warning(context));
    View keys = View::list();
    for (const VaultStatus::Key& key : vault.keys)
        keys.add(View::object()
                     .put("key", key.number)
                     .put("made", key.made.ms == 0 ? std::string("not known") : local_time(context, key.made))
                     .put("state", word(key.state)));
    return view.put("keys", std::move(keys));
}

std::string vault_warning(const ViewContext& context) {
    const VaultStatus& vault = context.status.vault;
    const std::string name = "vault key " + std::to_string(vault.active);
    if (vault.unreadable != 0)
        return std::to_string(vault.unreadable) + " sealed cards cannot be opened (vault status)";
    if (vault.due.ms == 0) return {};
    const std::int64_t left_ms = vault.due.ms - context.now.utc.ms;
    if (left_ms <= 0)
        return name + " is over its cryptoperiod of " +
               std::to_string(context.configuration.limits.vault_key_days) + " days: vault rotate";
    if (left_ms <= std::int64_t{context.configuration.limits.vault_key_warn_days} * day_ms)
        return name + " is to be changed within " + std::to_string((left_ms + day_ms - 1) / day_ms) +
               " days: vault rotate";
    return {};
}

ViewResult view_policy(const ViewContext& context, const std::optional<iso8583::MerchantId>& merchant) {
    const PolicyInForce& policy = context.configuration.policy;
    const MerchantConfig* known = merchant ? context.configuration.find_merchant(*merchant) : nullptr;
    if (merchant && known == nullptr)
        return iso8583::parse_error("no merchant " + merchant->str() + " is configured");
    const auto newest = ledger::newest_policy(context.store);
    if (!newest) return tl::unexpected(newest.error());
    View view = View::object();
    view.put("version", policy.version).put("stored", !policy.stored.empty());
    if (*newest && (*newest)->version == policy.version)
        view.put("since", local_time(context, (*newest)->since))
            .put("by", (*newest)->by)
            .put("number", (*newest)->sequence);
    if (merchant) {
        view.put("merchant", merchant->str()).put("name", known->name);
        return view.put("policy", rows_of_merchant(policy, *merchant));
    }
    view.put("policy", rows(policy.general, "all"));
    View merchants = View::list();
    for (const auto& [id, values] : policy.merchants)
        merchants.add(View::object().put("merchant", id.str()).put("own_values", values.size()));
    view.put("merchants", std::move(merchants));
    View issuers = View::list();
    for (const auto& [name, values] : policy.issuers)
        for (const PolicyValue& value : values)
            issuers.add(View::object()
                            .put("issuer", name)
                            .put("key", value.key)
                            .put("value", value.value)
                            .put("from", acquirer::name(value.origin)));
    return view.put("issuers", std::move(issuers));
}

}  // namespace acquirer
