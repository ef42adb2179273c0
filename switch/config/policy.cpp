#include "switch/config/policy.hpp"

#include <algorithm>

namespace acquirer {

namespace config {

namespace {

template <typename T>
Keys<T> some_of(const Keys<T>& all, const std::vector<std::string_view>& names) {
    Keys<T> some;
    for (const std::string_view name : names)
        some.push_back(
            *std::find_if(all.begin(), all.end(), [name](const auto& k) { return k.name == name; }));
    return some;
}

const Keys<Limits>& policy_limits() {
    static const Keys<Limits> keys = some_of(limits_keys(), {"not_found_quarantine_ms", "tombstone_hours",
                                                             "case_expires_days", "proposal_expires_hours"});
    return keys;
}
const Keys<RawIssuer>& policy_issuer() {
    static const Keys<RawIssuer> keys =
        some_of(issuer_keys(), {"window_days", "not_found_quarantine_ms", "advice_attempts_max",
                                "stale_after_minutes", "partial_approval", "blind_reversal",
                                "completion_percent_max", "authorization_days", "reverse_lapsed"});
    return keys;
}

const Node& nothing() {
    static const Node empty;
    return empty;
}

/// The value of a node as its file says it.
std::string text_of(const Node& node) {
    switch (node.kind) {
        case Node::Kind::text:
            return node.text;
        case Node::Kind::integer:
            return std::to_string(node.integer);
        case Node::Kind::boolean:
            return node.boolean ? "true" : "false";
        case Node::Kind::list:
        case Node::Kind::table:
        case Node::Kind::other:
            return std::string(name(node.kind));
    }
    return {};
}

/// The table of a section, or an empty one.
const Node& section(const Node& document, std::string_view key) {
    const Node* found = document.find(key);
    return found != nullptr ? *found : nothing();
}

/// The table of the list whose `key` has this text.
const Node* party(const Node& document, std::string_view list, std::string_view key, std::string_view text) {
    for (const Node& item : section(document, list).items)
        if (const Node* id = item.find(key); id != nullptr && id->text == text) return &item;
    return nullptr;
}

Node& table_in(Node& parent, std::string_view key) {
    for (Member& member : parent.members)
        if (member.first == key) return member.second;
    Node table;
    table.kind = Node::Kind::table;
    parent.members.push_back({std::string(key), std::move(table)});
    return parent.members.back().second;
}

/// The line of a laid value is another file's.
void put_all(Node& into, const Node& from) {
    for (const Member& member : from.members) {
        Node& place = table_in(into, member.first);
        place = member.second;
        place.line = 0;
    }
}

template <typename T>
void list_values(const Keys<T>& keys, std::string_view prefix, const Node& file, const Node& stored,
                 bool with_defaults, std::vector<PolicyValue>& into) {
    for (const Key<T>& key : keys) {
        const std::string path = std::string(prefix) + key.name;
        if (const Node* node = stored.find(key.name))
            into.push_back({path, text_of(*node), PolicyOrigin::stored});
        else if (const Node* own = file.find(key.name))
            into.push_back({path, text_of(*own), PolicyOrigin::file});
        else if (with_defaults)
            into.push_back({path, key.default_value, PolicyOrigin::default_value});
    }
}

std::string lines_of(const PolicyInForce& policy) {
    std::string all;
    const auto add = [&all](std::string_view whose, const std::vector<PolicyValue>& values) {
        for (const PolicyValue& v : values)
            all.append(whose).append(" ").append(v.key).append("=").append(v.value).append("\n");
    };
    add("", policy.general);
    for (const auto& [id, values] : policy.merchants) add(id.view(), values);
    for (const auto& [name, values] : policy.issuers) add(name, values);
    return all;
}

void check_section(const Node& policy, Reader& reader, const Context& context) {
    RefundPolicy refund;
    if (const Node* table = reader.table(policy, "", "refund"))
        reader.read(*table, "refund", refund_keys(), {}, context, refund);
    Limits limits;
    if (const Node* table = reader.table(policy, "", "limits"))
        reader.read(*table, "limits", policy_limits(), {}, context, limits);
}

void check_parties(const Node& policy, Reader& reader, const Context& context) {
    const auto path = [](const char* list, std::size_t i) {
        return std::string(list) + "[" + std::to_string(i + 1) + "]";
    };
    const auto merchants = reader.tables(policy, "merchant", merchants_max);
    for (std::size_t i = 0; i < merchants.size(); ++i) {
        MerchantConfig merchant;
        reader.read(*merchants[i], path("merchant", i), some_of(merchant_keys(), {"id"}), {"refund"}, context,
                    merchant);
        if (const Node* table = reader.table(*merchants[i], path("merchant", i), "refund"))
            reader.read(*table, path("merchant", i) + ".refund", refund_keys(), {}, context, merchant.refund);
    }
    Keys<RawIssuer> of_issuers = some_of(issuer_keys(), {"name"});
    of_issuers.insert(of_issuers.end(), policy_issuer().begin(), policy_issuer().end());
    const auto issuers = reader.tables(policy, "issuer", routing::RouteTable::routes_max);
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        RawIssuer issuer;
        reader.read(*issuers[i], path("issuer", i), of_issuers, {}, context, issuer);
    }
}

}  // namespace

iso8583::Result<Node, ConfigProblems> read_policy(std::string_view name, std::string_view toml,
                                                  const Node& configuration) {
    auto document = parse_document(toml);
    if (!document)
        return tl::unexpected(
            ConfigProblems{{std::string(name), document.error().line, "", document.error().what}});
    Context context;
    context.currency = iso8583::Currency::of(156);
    Reader of_the_file("");
    RawSwitch general;
    of_the_file.read(section(configuration, "switch"), "switch", switch_keys(), {}, context, general);
    if (general.currency.numeric() != 0) context.currency = general.currency;
    Reader reader(name);
    RawTop top;
    reader.read(*document, "", Keys<RawTop>{}, {"refund", "limits", "merchant", "issuer"}, context, top);
    check_section(*document, reader, context);
    check_parties(*document, reader, context);
    if (!reader.ok()) return tl::unexpected(reader.take_problems());
    return std::move(*document);
}

Node lay_over(Node configuration, const Node& policy, std::vector<std::string>& absent) {
    for (const char* key : {"refund", "limits"})
        if (const Node* table = policy.find(key)) put_all(table_in(configuration, key), *table);
    const auto each = [&](const char* list, const char* key, const auto& lay) {
        for (const Node& item : section(policy, list).items) {
            const std::string& id = item.find(key)->text;
            const Node* known = party(configuration, list, key, id);
            if (known == nullptr) {
                absent.push_back(std::string(list) + " " + id +
                                 " is in the policy and not in the configuration");
                continue;
            }
            for (Node& own : table_in(configuration, list).items)
                if (&own == known) lay(own, item);
        }
    };
    each("merchant", "id", [](Node& own, const Node& item) {
        if (const Node* refund = item.find("refund")) put_all(table_in(own, "refund"), *refund);
    });
    each("issuer", "name", [](Node& own, const Node& item) { put_all(own, item); });
    return configuration;
}

PolicyInForce describe_policy(const Node& configuration, const Node& policy, std::string stored) {
    PolicyInForce out;
    out.stored = std::move(stored);
    list_values(refund_keys(), "refund.", section(configuration, "refund"), section(policy, "refund"), true,
                out.general);
    list_values(policy_limits(), "limits.", section(configuration, "limits"), section(policy, "limits"), true,
                out.general);
    for (const Node& item : section(configuration, "merchant").items) {
        const Node* id = item.find("id");
        const auto merchant = iso8583::MerchantId::parse(id == nullptr ? "" : id->text);
        if (!merchant) continue;
        const Node* over = party(policy, "merchant", "id", id->text);
        std::vector<PolicyValue> values;
        list_values(refund_keys(), "refund.", section(item, "refund"),
                    over != nullptr ? section(*over, "refund") : nothing(), false, values);
        if (!values.empty()) out.merchants.emplace(*merchant, std::move(values));
    }
    for (const Node& item : section(configuration, "issuer").items) {
        const Node* name = item.find("name");
        if (name == nullptr) continue;
        const Node* over = party(policy, "issuer", "name", name->text);
        list_values(policy_issuer(), "", item, over != nullptr ? *over : nothing(), true,
                    out.issuers[name->text]);
    }
    out.version = content_hash(lines_of(out));
    return out;
}

}  // namespace config

namespace {

using Flat = std::vector<std::pair<std::string, std::string>>;

Flat flat(const PolicyInForce& policy) {
    Flat all;
    const auto add = [&all](const std::string& whose, const std::vector<PolicyValue>& values) {
        for (const PolicyValue& v : values) all.emplace_back(whose + v.key, v.value);
    };
    add("", policy.general);
    for (const auto& [id, values] : policy.merchants) add("merchant " + id.str() + " ", values);
    for (const auto& [name, values] : policy.issuers) add("issuer " + name + " ", values);
    return all;
}

}  // namespace

std::vector<std::string> differences(const PolicyInForce& was, const PolicyInForce& is) {
    const Flat flat_before = flat(was), flat_now = flat(is);
    const std::map<std::string, std::string> before(flat_before.begin(), flat_before.end());
    const std::map<std::string, std::string> now(flat_now.begin(), flat_now.end());
    constexpr const char* of_all = "as for all";  // a merchant without a value of its own
    std::vector<std::string> lines;
    for (const auto& [key, value] : flat_now) {
        const auto at = before.find(key);
        if (at == before.end() || at->second != value)
            lines.push_back(key + ": " + (at == before.end() ? of_all : at->second) + " -> " + value);
    }
    for (const auto& [key, value] : flat_before)
        if (now.find(key) == now.end()) lines.push_back(key + ": " + value + " -> " + of_all);
    return lines;
}

std::vector<std::string> policy_key_names() {
    std::vector<std::string> names;
    for (const auto& key : config::refund_keys()) names.push_back("[refund] " + key.name);
    for (const auto& key : config::refund_keys()) names.push_back("[merchant.refund] " + key.name);
    for (const auto& key : config::policy_limits()) names.push_back("[limits] " + key.name);
    for (const auto& key : config::policy_issuer()) names.push_back("[[issuer]] " + key.name);
    return names;
}

}  // namespace acquirer
