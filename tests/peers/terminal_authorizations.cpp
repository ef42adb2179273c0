// The requests of a pre-authorization: it, its void, its completion (docs/wire.md, the table of both
// profiles).
#include "tests/peers/terminal_model.hpp"

namespace peers {

using iso8583::Field;
using iso8583::FieldValues;
using iso8583::Mti;

/// A sale's request in all but MTI, DE3, DE25 and DE60.1.
Outgoing Terminal::authorization(const iso8583::Pan& pan, std::int64_t amount, iso8583::UtcTime now,
                                 const SaleOptions& options) {
    FieldValues fields = sale(pan, amount, now, options).fields;
    fields.set_mti(Mti::of(100));
    fields.set(Field::processing_code, "030000");
    fields.set(Field::pos_condition_code, "06");
    set_private_60(fields, "10", "000");
    Outgoing out = finish(Transaction::authorization, std::move(fields), true);
    out.pan = pan;
    return out;
}

void Terminal::name_authorization(FieldValues& fields, const Receipt& authorization) const {
    fields.set(Field::pos_condition_code, "06");
    fields.set(Field::rrn, authorization.rrn.view());
    fields.set(Field::authorization_code, authorization.authorization);
    if (is_unionpay())
        fields.set(Field::reserved_private_61,
                   authorization.batch.str() + authorization.stan.str() + authorization.date);
}

Outgoing Terminal::void_authorization(const Receipt& authorization, iso8583::UtcTime now) {
    FieldValues fields = void_sale(authorization, now).fields;
    fields.set_mti(Mti::of(100));
    name_authorization(fields, authorization);
    set_private_60(fields, "11", "000");
    Outgoing out = finish(Transaction::void_authorization, std::move(fields), true);
    out.pan = authorization.pan;
    return out;
}

Outgoing Terminal::completion(const Receipt& authorization, std::int64_t amount, CompletionBy by,
                              iso8583::UtcTime now) {
    const bool advice = by == CompletionBy::advice || !is_unionpay();
    FieldValues fields = sale(authorization.pan, amount, now).fields;
    fields.set_mti(Mti::of(advice ? 220 : 200));
    name_authorization(fields, authorization);
    set_private_60(fields, advice ? "24" : "20", "000");
    Outgoing out = finish(Transaction::completion, std::move(fields), true);
    out.pan = authorization.pan;
    return out;
}

}  // namespace peers
