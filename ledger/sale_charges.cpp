// The bytes of docs/ledger_format.md, "Transaction record", properties 60 to 64. Do not change.
#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"
#include "ledger/sale_charges_codec.hpp"

namespace ledger {
namespace {

/// Numbers of properties. Bytes on disk: do not change.
enum ChargesProperty : std::uint32_t {
    fee_property = 60,
    reserve_property = 61,
    discount_property = 62,
    drawn_property = 63,
    caution_property = 64
};
static_assert(caution_property == last_charges_property);

void write_fee(RecordWriter& w, const SaleCharges& c) {
    if (c.fee_tiers.empty()) return;
    ENSURE(c.fee_tiers.size() <= fee_tiers_max);
    w.begin_property(fee_property);
    w.u8(static_cast<std::uint8_t>(c.fee_return));
    w.svarint(c.fee_minor);
    w.varint(c.fee_tiers.size());
    for (const FeeTier& tier : c.fee_tiers) {
        w.svarint(tier.up_to_minor);
        w.varint(tier.basis_points);
    }
    w.end_property();
}

void read_fee(RecordReader& r, SaleCharges& c) {
    c.fee_return = enum_of(r, "fee.return", r.u8("fee.return"), FeeReturn::return_on_full);
    c.fee_minor = r.svarint("fee.stands");
    const auto count = r.varint_max("fee.tiers", fee_tiers_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        FeeTier& tier = c.fee_tiers.emplace_back();
        tier.up_to_minor = r.svarint("fee.tier.up_to");
        tier.basis_points =
            static_cast<std::uint32_t>(r.varint_max("fee.tier.basis_points", basis_points_max));
    }
}

}  // namespace

std::string_view name(FeeReturn fee_return) {
    switch (fee_return) {
        case FeeReturn::keep:
            return "keep";
        case FeeReturn::return_proportional:
            return "return_proportional";
        case FeeReturn::return_on_full:
            return "return_on_full";
    }
    ENSURE(false);
}

std::string_view name(CautionBound bound) {
    switch (bound) {
        case CautionBound::card:
            return "card";
        case CautionBound::terminal:
            return "terminal";
        case CautionBound::operator_number:
            return "operator";
        case CautionBound::merchant:
            return "merchant";
        case CautionBound::ratio:
            return "ratio";
        case CautionBound::counters:
            return "counters";
    }
    ENSURE(false);
}

void write_charges_properties(RecordWriter& w, const TransactionRecord& t) {
    const SaleCharges& c = t.charges;
    write_fee(w, c);
    if (c.reserve_percent != 0) {
        w.begin_property(reserve_property);
        w.varint(c.reserve_percent);
        w.svarint(c.withheld_minor);
        w.end_property();
    }
    if (c.wallet_funded_minor != 0 || c.merchant_funded_minor != 0) {
        w.begin_property(discount_property);
        w.svarint(c.wallet_funded_minor);
        w.svarint(c.merchant_funded_minor);
        w.svarint(c.discount_minor);
        w.end_property();
    }
    if (t.drawn_minor != 0) {
        w.begin_property(drawn_property);
        w.svarint(t.drawn_minor);
        w.end_property();
    }
    if (!t.caution.empty()) {
        ENSURE(t.caution.size() <= caution_bounds_count);
        w.begin_property(caution_property);
        w.varint(t.caution.size());
        for (const CautionHit& hit : t.caution) {
            w.u8(static_cast<std::uint8_t>(hit.bound));
            w.svarint(hit.counted);
            w.svarint(hit.allowed);
        }
        w.end_property();
    }
}

bool read_charges_property(RecordReader& r, TransactionRecord& t) {
    switch (r.property()) {
        case fee_property:
            read_fee(r, t.charges);
            return true;
        case reserve_property:
            t.charges.reserve_percent =
                static_cast<std::uint32_t>(r.varint_max("reserve.percent", reserve_percent_max));
            t.charges.withheld_minor = r.svarint("reserve.withheld");
            return true;
        case discount_property:
            t.charges.wallet_funded_minor = r.svarint("discount.wallet");
            t.charges.merchant_funded_minor = r.svarint("discount.merchant");
            t.charges.discount_minor = r.svarint("discount.stands");
            return true;
        case drawn_property:
            t.drawn_minor = r.svarint("drawn");
            return true;
        case caution_property: {
            const auto count = r.varint_max("caution", caution_bounds_count);
            for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
                CautionHit& hit = t.caution.emplace_back();
                hit.bound = enum_of(r, "caution.bound", r.u8("caution.bound"), CautionBound::counters);
                hit.counted = r.svarint("caution.counted");
                hit.allowed = r.svarint("caution.allowed");
            }
            return true;
        }
        default:
            return false;
    }
}

}  // namespace ledger
