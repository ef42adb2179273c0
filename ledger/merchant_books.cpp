#include "ledger/merchant_books.hpp"

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::size_t number_digits = 10;
constexpr std::uint64_t number_max = 9'999'999'999;
constexpr std::uint64_t currency_max = 999;
constexpr std::uint64_t route_max = 0xFFFF;

std::string digits_of(std::uint64_t number) {
    std::string digits = iso8583::zero_padded(number, number_digits);
    ENSURE(digits.size() == number_digits);
    return digits;
}

std::string letter(KeyPrefix prefix) { return {static_cast<char>(prefix)}; }
std::string letter(MerchantBook book) { return letter(prefix_of(book)); }

/// Everything that begins so: no key has a byte above 0x7F here.
KeyRange beginning(const std::string& prefix) { return {prefix, prefix + '\x7F'}; }

std::string numbers_name(MerchantBook book, const MerchantEntry& entry) {
    return entry_numbers_prefix(entry.day) + letter(book) + "/" + entry.merchant.str();
}

iso8583::Currency currency_of(RecordReader& r) {
    return iso8583::Currency::of(static_cast<std::uint16_t>(r.varint_max("currency", currency_max)));
}

}  // namespace

std::string_view name(MerchantEntryKind kind) {
    switch (kind) {
        case MerchantEntryKind::fee:
            return "fee";
        case MerchantEntryKind::charge:
            return "charge";
        case MerchantEntryKind::adjustment:
            return "adjustment";
        case MerchantEntryKind::discount:
            return "discount";
        case MerchantEntryKind::withheld:
            return "withheld";
        case MerchantEntryKind::drawn:
            return "drawn";
        case MerchantEntryKind::added:
            return "added";
    }
    ENSURE(false);
}

MerchantBook book_of(MerchantEntryKind kind) {
    switch (kind) {
        case MerchantEntryKind::fee:
        case MerchantEntryKind::charge:
        case MerchantEntryKind::adjustment:
        case MerchantEntryKind::discount:
            return MerchantBook::fees;
        case MerchantEntryKind::withheld:
        case MerchantEntryKind::drawn:
        case MerchantEntryKind::added:
            return MerchantBook::reserve;
    }
    ENSURE(false);
}

KeyPrefix prefix_of(MerchantBook book) {
    return book == MerchantBook::fees ? KeyPrefix::fee_entry : KeyPrefix::reserve_entry;
}

std::string encode(const MerchantEntry& e) {
    RecordWriter w(property_record_version);
    w.text(e.merchant.view());
    w.svarint(e.day.date.days());
    w.varint(e.number);
    w.svarint(e.at.ms);
    w.u8(static_cast<std::uint8_t>(e.kind));
    w.text(e.rrn.view());
    w.text(e.cause.view());
    w.text(e.rule);
    w.u8(static_cast<std::uint8_t>(e.debit));
    w.u8(static_cast<std::uint8_t>(e.credit));
    w.varint(e.route);
    w.svarint(e.amount_minor);
    w.varint(e.currency.numeric());
    w.svarint(e.stands_minor);
    w.text(e.reference);
    w.text(e.text);
    w.text(e.by);
    w.kept_properties(e.unknown_properties);
    return w.finish();
}

Result<MerchantEntry> decode_merchant_entry(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "entry of a merchant's money");
    MerchantEntry e;
    e.merchant = id_or_empty<iso8583::MerchantId>(r, "merchant");
    e.day = day_of(r, "day");
    e.number = r.varint_max("number", number_max);
    e.at.ms = r.svarint("at");
    e.kind = enum_of(r, "kind", r.u8("kind"), MerchantEntryKind::added);
    e.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
    e.cause = id_or_empty<iso8583::Rrn>(r, "cause");
    e.rule = r.text("rule");
    e.debit = enum_of(r, "debit", r.u8("debit"), Account::fee_income);
    e.credit = enum_of(r, "credit", r.u8("credit"), Account::fee_income);
    e.route = static_cast<std::uint16_t>(r.varint_max("route", route_max));
    e.amount_minor = r.svarint("amount");
    e.currency = currency_of(r);
    e.stands_minor = r.svarint("stands");
    e.reference = r.text("reference");
    e.text = r.text("text");
    e.by = r.text("by");
    e.unknown_properties = r.unknown_properties();
    return finished(r, std::move(e));
}

std::string encode(const Adjustment& a) {
    RecordWriter w(property_record_version);
    w.u8(static_cast<std::uint8_t>(a.kind));
    w.text(a.merchant.view());
    w.text(a.reference);
    w.svarint(a.amount.minor_units());
    w.varint(a.amount.currency().numeric());
    w.svarint(a.given_back_minor);
    w.text(a.charge);
    w.text(a.reason);
    w.text(a.text);
    w.text(a.by);
    w.svarint(a.at.ms);
    w.svarint(a.day.date.days());
    w.kept_properties(a.unknown_properties);
    return w.finish();
}

Result<Adjustment> decode_adjustment(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "charge or adjustment");
    Adjustment a;
    a.kind = static_cast<Adjustment::Kind>(r.u8("kind"));
    if (a.kind != Adjustment::Kind::charge && a.kind != Adjustment::Kind::adjustment)
        r.fail("kind", "no value of its kind");
    a.merchant = id_or_empty<iso8583::MerchantId>(r, "merchant");
    a.reference = r.text("reference");
    const std::int64_t minor = r.svarint("amount");
    a.amount = iso8583::Amount(minor, currency_of(r));
    a.given_back_minor = r.svarint("given_back");
    a.charge = r.text("charge");
    a.reason = r.text("reason");
    a.text = r.text("text");
    a.by = r.text("by");
    a.at.ms = r.svarint("at");
    a.day = day_of(r, "day");
    a.unknown_properties = r.unknown_properties();
    return finished(r, std::move(a));
}

std::string merchant_entry_key(MerchantBook book, const iso8583::MerchantId& merchant,
                               iso8583::BusinessDate day, std::uint64_t number) {
    return letter(book) + merchant.str() + day.date.yyyymmdd() + digits_of(number);
}
KeyRange entries_of(MerchantBook book, const iso8583::MerchantId& merchant) {
    return beginning(letter(book) + merchant.str());
}
KeyRange entries_of(MerchantBook book, const iso8583::MerchantId& merchant, iso8583::BusinessDate day) {
    return beginning(letter(book) + merchant.str() + day.date.yyyymmdd());
}
std::string adjustment_key(const iso8583::MerchantId& merchant, Adjustment::Kind kind,
                           std::string_view reference) {
    return letter(KeyPrefix::adjustment) + merchant.str() + static_cast<char>(kind) + std::string(reference);
}
KeyRange adjustments_of(const iso8583::MerchantId& merchant) {
    return beginning(letter(KeyPrefix::adjustment) + merchant.str());
}
std::string reserve_name(const iso8583::MerchantId& merchant) { return "r/" + merchant.str(); }
std::string entry_numbers_prefix(iso8583::BusinessDate day) { return "m/" + day.date.yyyymmdd() + "/"; }

std::int64_t MerchantBooks::reserve_minor(const iso8583::MerchantId& merchant) const {
    return ledger_.totals().get(reserve_name(merchant)).amount_minor;
}

void MerchantBooks::post(MerchantEntry entry) {
    ENSURE(entry.amount_minor > 0);
    Totals& totals = ledger_.totals();
    const MerchantBook book = book_of(entry.kind);
    const auto who = [&](Account account) {
        return account == Account::issuer_receivable ? std::to_string(entry.route) : entry.merchant.str();
    };
    totals.add(account_name(entry.day, entry.debit, who(entry.debit)), 1, entry.amount_minor);
    totals.add(account_name(entry.day, entry.credit, who(entry.credit)), 1, -entry.amount_minor);
    if (book == MerchantBook::reserve) {
        totals.add(reserve_name(entry.merchant), 1, entry.from_merchant_minor());
        entry.stands_minor = reserve_minor(entry.merchant);
        ENSURE(entry.stands_minor >= 0);  // I13
    }
    const std::string numbers = numbers_name(book, entry);
    totals.add(numbers, 1, 0);
    entry.number = static_cast<std::uint64_t>(totals.get(numbers).count);
    ledger_.overlay().put(Family::journal, merchant_entry_key(book, entry.merchant, entry.day, entry.number),
                          encode(entry));
}

std::optional<Adjustment> MerchantBooks::adjustment(const iso8583::MerchantId& merchant,
                                                    Adjustment::Kind kind, std::string_view reference) {
    const auto stored = ledger_.get(Family::index, adjustment_key(merchant, kind, reference));
    if (!stored) return std::nullopt;
    return ledger_.decoded(decode_adjustment(*stored));
}

void MerchantBooks::save(const Adjustment& adjustment) {
    ledger_.overlay().put(Family::index,
                          adjustment_key(adjustment.merchant, adjustment.kind, adjustment.reference),
                          encode(adjustment));
}

void MerchantBooks::day_closed(iso8583::BusinessDate day) {
    ledger_.totals().forget(entry_numbers_prefix(day));
}

Result<void, StoreError> visit_merchant_entries(const StoreReader& store, const KeyRange& range,
                                                const std::function<bool(const MerchantEntry&)>& visit) {
    std::optional<StoreError> fault;
    const auto done =
        store.scan(Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
            const auto entry = decode_merchant_entry(value);
            if (!entry) fault = StoreError{StoreError::Kind::corruption, entry.error().what};
            return entry && visit(*entry);
        });
    if (!done) return tl::unexpected(done.error());
    if (fault) return tl::unexpected(*fault);
    return {};
}

}  // namespace ledger
