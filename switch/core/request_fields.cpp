#include "switch/core/request_fields.hpp"

#include <initializer_list>

namespace acquirer {
namespace {

using iso8583::Field;
using iso8583::FieldSet;

constexpr FieldSet set_of(std::initializer_list<int> numbers) {
    FieldSet set;
    for (const int n : numbers) set.add(n);
    return set;
}
constexpr FieldSet both(FieldSet a, const FieldSet& b) {
    for (std::size_t w = 0; w < FieldSet::words; ++w) a[w] |= b[w];
    return a;
}

/// DE2 stands in `must` for whatever the means of payment was read from (DE35, say); DE64 is judged with the
/// MAC.
struct Row {
    FieldSet must;
    FieldSet may;
};

// What every transaction may carry besides its own.
constexpr FieldSet transaction_may = set_of({26, 35, 36, 48, 52, 53, 59, 62, 63, 64});
constexpr FieldSet network_may = set_of({49, 62, 63, 64});

constexpr Row unionpay_sale = {set_of({2, 3, 4, 11, 22, 25, 41, 42, 49, 60}),
                               both(transaction_may, set_of({14, 23, 55}))};
constexpr Row unionpay_void = {both(unionpay_sale.must, set_of({37, 61})),
                               both(unionpay_sale.may, set_of({38}))};
constexpr Row unionpay_refund = {both(unionpay_sale.must, set_of({37, 61})),
                                 both(unionpay_sale.may, set_of({38}))};
constexpr std::string_view void_of_completion = "21";  // 60.1
/// The void of an authorization, its completion and that one's void (ruling 1).
constexpr Row unionpay_of_authorization = {both(unionpay_sale.must, set_of({38, 61})),
                                           both(unionpay_sale.may, set_of({37}))};
constexpr Row unionpay_reversal = {both(unionpay_sale.must, set_of({39})),
                                   both(unionpay_sale.may, set_of({38, 61}))};
constexpr Row unionpay_settlement = {set_of({11, 41, 42, 48, 49, 60}), set_of({63, 64})};
constexpr Row unionpay_upload = {set_of({11, 41, 42, 48, 60}), set_of({49, 63, 64})};
constexpr Row unionpay_network = {set_of({11, 41, 42, 60}), network_may};

const Row* unionpay_row(const TerminalRequest& r) {
    switch (r.kind) {
        case RequestKind::sale:
        case RequestKind::authorization:
            return &unionpay_sale;
        case RequestKind::void_sale:
            return r.message_type == void_of_completion ? &unionpay_of_authorization : &unionpay_void;
        case RequestKind::refund:
            return &unionpay_refund;
        case RequestKind::void_authorization:
        case RequestKind::completion:
        case RequestKind::completion_advice:
            return &unionpay_of_authorization;
        case RequestKind::reversal:
            return &unionpay_reversal;
        case RequestKind::settlement:
            return &unionpay_settlement;
        case RequestKind::batch_upload:
        case RequestKind::batch_upload_end:
            return &unionpay_upload;
        case RequestKind::sign_on:
        case RequestKind::sign_off:
        case RequestKind::echo:
            return &unionpay_network;
        case RequestKind::unsupported:
            return nullptr;
    }
    return nullptr;
}

constexpr FieldSet iso_financial = set_of({3, 4, 7, 11, 41, 42});
constexpr FieldSet iso_settlement = set_of({7, 11, 41, 42, 74, 75, 76, 77, 86, 87, 88, 89, 97});

std::string missing(int n) { return "DE" + std::to_string(n) + " is missing"; }

/// The first field of `wanted` that is not there; DE2 is there when a means of payment was named.
std::string first_missing(const TerminalRequest& r, const FieldSet& wanted) {
    std::string fault;
    wanted.for_each([&](int n) {
        const bool there =
            n == iso8583::number(Field::pan) ? !r.means.empty() : r.fields.has(iso8583::field(n));
        if (!there && fault.empty()) fault = missing(n);
    });
    return fault;
}

std::string first_foreign(const TerminalRequest& r, const Row& row) {
    std::string fault;
    r.fields.present().for_each([&](int n) {
        const bool bitmap = n == iso8583::number(Field::secondary_bitmap);
        if (!bitmap && !row.must.has(n) && !row.may.has(n) && fault.empty())
            fault = "DE" + std::to_string(n) + " does not belong in a " + std::string(name(r.kind));
    });
    return fault;
}

/// A message of which a missing field would have told what it is.
std::string untold(const TerminalRequest& r) {
    const int message_class = r.fields.mti().message_class();
    const bool moves_money = message_class == 1 || message_class == 2 || message_class == 4;
    if (moves_money && !r.fields.has(Field::processing_code))
        return missing(iso8583::number(Field::processing_code));
    const bool unionpay = r.profile == Profile::unionpay_pos;
    if (unionpay && !r.fields.has(Field::reserved_private_60))
        return missing(iso8583::number(Field::reserved_private_60));
    if (!unionpay && message_class == 8 && !r.fields.has(Field::network_management_code))
        return missing(iso8583::number(Field::network_management_code));
    return {};
}

/// A sale has to name something that can pay.
std::string unpaid(const TerminalRequest& r) {
    return r.kind == RequestKind::sale && !r.means.can_pay() ? "a wallet's sale without a payment code"
                                                             : std::string();
}

/// R83: an order number stands for DE37 and DE61.
FieldSet needed(const TerminalRequest& r, FieldSet must) {
    if (r.means.order_number().empty()) return must;
    for (const Field f : {Field::rrn, Field::reserved_private_61}) must.remove(iso8583::number(f));
    return must;
}

std::string unionpay_fault(const TerminalRequest& r, const Row& row) {
    if (std::string fault = first_missing(r, needed(r, row.must)); !fault.empty()) return fault;
    if (std::string fault = unpaid(r); !fault.empty()) return fault;
    if (std::string fault = first_foreign(r, row); !fault.empty()) return fault;
    constexpr std::size_t void_original_digits = 16;
    const std::string_view original = r.fields.get(Field::reserved_private_61);
    const bool may_be_absent = original.empty() && !r.means.order_number().empty();
    if ((r.kind == RequestKind::void_sale || is_of_authorization(r.kind)) &&
        original.size() < void_original_digits && !may_be_absent)
        return "DE61: 16 digits are needed (batch, trace and date of the original)";
    return {};
}

std::string iso_fault(const TerminalRequest& r) {
    const bool financial = is_transaction(r.kind) || r.kind == RequestKind::reversal;
    if (financial) {
        if (std::string fault = first_missing(r, iso_financial); !fault.empty()) return fault;
    } else if (r.kind == RequestKind::settlement) {
        return first_missing(r, iso_settlement);
    }
    const bool is_paid = financial && r.kind != RequestKind::reversal;
    if (is_paid && r.means.empty()) return missing(iso8583::number(Field::pan));
    if (std::string fault = unpaid(r); !fault.empty()) return fault;
    if ((r.kind == RequestKind::void_sale || r.kind == RequestKind::refund) && !r.original_rrn &&
        !r.original_data && r.means.order_number().empty())
        return "DE37 or DE90 is missing: the original cannot be found";
    return {};
}

}  // namespace

std::string field_fault(const TerminalRequest& r) {
    if (r.kind == RequestKind::unsupported) return untold(r);
    if (r.profile == Profile::iso87) return iso_fault(r);
    const Row* row = unionpay_row(r);
    return row == nullptr ? std::string() : unionpay_fault(r, *row);
}

}  // namespace acquirer
