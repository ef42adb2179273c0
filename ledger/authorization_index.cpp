#include "ledger/authorization_index.hpp"

#include <algorithm>

#include "ledger/record_codec.hpp"

namespace ledger {
namespace {

std::string encode(const std::vector<iso8583::Rrn>& rrns) {
    RecordWriter w(property_record_version);
    w.varint(rrns.size());
    for (const iso8583::Rrn& rrn : rrns) w.text(rrn.view());
    return w.finish();
}

iso8583::Result<std::vector<iso8583::Rrn>> decode(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "authorizations of a card");
    std::vector<iso8583::Rrn> rrns;
    const auto count = r.varint_max("count", authorizations_of_card_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        auto rrn = iso8583::Rrn::parse(r.text("rrn"));
        if (rrn)
            rrns.push_back(*rrn);
        else
            r.fail("rrn", rrn.error().what);
    }
    if (auto done = r.done(); !done) return iso8583::parse_error(done.error().what());
    return rrns;
}

}  // namespace

std::string authorizations_key(const iso8583::MerchantId& merchant, const iso8583::PanToken& token,
                               const iso8583::AuthorizationCode& code) {
    std::string key{static_cast<char>(KeyPrefix::authorization_of_card)};
    key += merchant.view();
    key.append(token.bytes.begin(), token.bytes.end());
    key += code.view();
    return key;
}

std::vector<iso8583::Rrn> authorizations_of(Ledger& ledger, const std::string& key) {
    const auto stored = ledger.overlay().get(Family::index, key);
    if (!stored) {
        ledger.fail(stored.error().what);
        return {};
    }
    if (!*stored) return {};
    auto rrns = decode(**stored);
    if (!rrns) {
        ledger.fail(rrns.error().what);
        return {};
    }
    return std::move(*rrns);
}

void remember_authorization(Ledger& ledger, const std::string& key, const iso8583::Rrn& rrn) {
    std::vector<iso8583::Rrn> rrns = authorizations_of(ledger, key);
    if (std::find(rrns.begin(), rrns.end(), rrn) != rrns.end()) return;
    if (rrns.size() == authorizations_of_card_max) rrns.erase(rrns.begin());
    rrns.push_back(rrn);
    ledger.overlay().put(Family::index, key, encode(rrns));
}

void forget_authorization(Ledger& ledger, const std::string& key, const iso8583::Rrn& rrn) {
    std::vector<iso8583::Rrn> rrns = authorizations_of(ledger, key);
    if (std::erase(rrns, rrn) == 0) return;
    if (rrns.empty())
        ledger.overlay().erase(Family::index, key);
    else
        ledger.overlay().put(Family::index, key, encode(rrns));
}

}  // namespace ledger
