#include "ledger/restore_records.hpp"

#include "ledger/record_codec.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::Result;

namespace {

std::string encode_text(const std::string& text) {
    RecordWriter w(property_record_version);
    w.text(text);
    return w.finish();
}

}  // namespace

std::string encode(const RestoreRecord& r) {
    RecordWriter w(property_record_version);
    w.text(r.mark.id);
    w.svarint(r.mark.made.ms);
    w.svarint(r.mark.business_day.date.days());
    w.u64(r.mark.turn);
    w.svarint(r.began.ms);
    w.text(r.accepted_by);
    w.svarint(r.accepted.ms);
    w.text(r.note);
    w.kept_properties(r.unknown_properties);
    return w.finish();
}

Result<RestoreRecord> decode_restore(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "restore");
    RestoreRecord out;
    out.mark.id = r.text("id");
    out.mark.made.ms = r.svarint("made");
    out.mark.business_day = day_of(r, "business day");
    out.mark.turn = r.u64("turn");
    out.began.ms = r.svarint("began");
    out.accepted_by = r.text("accepted by");
    out.accepted.ms = r.svarint("accepted");
    out.note = r.text("note");
    out.unknown_properties = r.unknown_properties();
    return finished(r, std::move(out));
}

std::string encode(const PolicyRecord& p) {
    RecordWriter w(property_record_version);
    w.u64(p.sequence);
    w.text(p.version);
    w.svarint(p.since.ms);
    w.text(p.by);
    w.text(p.text);
    w.kept_properties(p.unknown_properties);
    return w.finish();
}

Result<PolicyRecord> decode_policy(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "policy");
    PolicyRecord out;
    out.sequence = r.u64("sequence");
    out.version = r.text("version");
    out.since.ms = r.svarint("since");
    out.by = r.text("by");
    out.text = r.text("text");
    out.unknown_properties = r.unknown_properties();
    return finished(r, std::move(out));
}

Result<std::vector<RestoreRecord>> read_restores(const StoreReader& store) {
    std::vector<RestoreRecord> all;
    Result<void> verdict;
    const KeyRange range = all_keys(KeyPrefix::restore);
    const auto read =
        store.scan(Family::index, range.from, range.to, [&](std::string_view, std::string_view value) {
            auto record = decode_restore(value);
            if (record)
                all.push_back(std::move(*record));
            else
                verdict = tl::unexpected(record.error());
            return verdict.has_value();
        });
    if (!read) return iso8583::parse_error(read.error().what);
    if (!verdict) return tl::unexpected(verdict.error());
    return all;
}

Result<std::optional<PolicyRecord>> newest_policy(const StoreReader& store) {
    std::optional<std::string> newest;
    const KeyRange range = policy_versions();
    const auto read =
        store.scan_back(Family::index, range.from, range.to, [&](std::string_view, std::string_view value) {
            newest = std::string(value);
            return false;
        });
    if (!read) return iso8583::parse_error(read.error().what);
    if (!newest) return std::optional<PolicyRecord>();
    auto record = decode_policy(*newest);
    if (!record) return tl::unexpected(record.error());
    return std::optional(std::move(*record));
}

void save(Overlay& overlay, const RestoreRecord& restore) {
    overlay.put(Family::index, restore_key(restore.mark.id), encode(restore));
}

void save(Overlay& overlay, const PolicyRecord& policy) {
    overlay.put(Family::index, policy_key(policy.sequence), encode(policy));
}

Result<std::string> proposed_policy(const StoreReader& store, std::string_view proposal) {
    auto value = store.get(Family::index, proposed_policy_key(proposal));
    if (!value) return iso8583::parse_error(value.error().what);
    if (!*value) return iso8583::parse_error("proposal " + std::string(proposal) + " has no policy");
    RecordReader r(**value, property_record_version, "proposed policy");
    std::string text(r.text("text"));
    (void)r.unknown_properties();
    return finished(r, std::move(text));
}

void save_proposed_policy(Overlay& overlay, std::string_view proposal, const std::string& text) {
    overlay.put(Family::index, proposed_policy_key(proposal), encode_text(text));
}

}  // namespace ledger
