#include "ledger/party_books.hpp"

#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

std::string encode(const PartyRecord& p) {
    RecordWriter w(property_record_version);
    w.u8(static_cast<std::uint8_t>(p.kind));
    w.text(p.id);
    w.text(p.section);
    w.text(p.user);
    w.svarint(p.at.ms);
    w.kept_properties(p.unknown_properties);
    return w.finish();
}

Result<PartyRecord> decode_party(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "merchant or terminals");
    PartyRecord p;
    const std::uint8_t kind = r.u8("kind");
    p.kind = static_cast<PartyKind>(kind);
    if (p.kind != PartyKind::merchant && p.kind != PartyKind::terminals)
        r.fail("kind", "no value of its kind");
    p.id = r.text("id");
    p.section = r.text("section");
    p.user = r.text("user");
    p.at.ms = r.svarint("at");
    p.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return p;
}

std::string party_key(PartyKind kind, std::string_view id) {
    return std::string{static_cast<char>(KeyPrefix::party), static_cast<char>(kind)} + std::string(id);
}

Result<std::vector<PartyRecord>> stored_parties(const StoreReader& store) {
    std::vector<PartyRecord> parties;
    std::optional<iso8583::ParseError> fault;
    const KeyRange range = all_keys(KeyPrefix::party);
    const auto done =
        store.scan(Family::index, range.from, range.to, [&](std::string_view, std::string_view value) {
            auto party = decode_party(value);
            if (!party) {
                fault = party.error();
                return false;
            }
            parties.push_back(std::move(*party));
            return true;
        });
    if (!done) return parse_error("the ledger could not be read: " + done.error().what);
    if (fault) return tl::unexpected(*fault);
    return parties;
}

std::optional<PartyRecord> PartyBooks::find(PartyKind kind, std::string_view id) {
    const auto stored = ledger_.get(Family::index, party_key(kind, id));
    if (!stored) return std::nullopt;
    return ledger_.decoded(decode_party(*stored));
}

std::size_t PartyBooks::count() {
    std::size_t count = 0;
    ledger_.scan(Family::index, KeyPrefix::party, [&](std::string_view, std::string_view) {
        ++count;
        return true;
    });
    return count;
}

void PartyBooks::save(const PartyRecord& party) {
    ledger_.overlay().put(Family::index, party_key(party.kind, party.id), encode(party));
}

void PartyBooks::erase(PartyKind kind, std::string_view id) {
    ledger_.overlay().erase(Family::index, party_key(kind, id));
}

}  // namespace ledger
