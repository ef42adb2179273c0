// The bytes of a shared case: docs/ledger_format.md, "Transaction record", property 30. Do not change.
#include "ledger/shared_case_codec.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {

void write_shared_case(RecordWriter& w, const SharedCase& shared) {
    ENSURE(shared.joined.size() <= joined_keys_max);
    w.u64(shared.own_reversal_digest);
    w.varint(shared.joined.size());
    for (const AskingKey& k : shared.joined) {
        w.text(k.terminal.view());
        w.varint(k.batch.value());
        w.varint(k.stan.value());
        w.varint(k.transmission_time);
        w.text(k.processing_code);
        w.u64(k.reversal_digest);
        w.text(k.operator_number);
    }
}

SharedCase read_shared_case(RecordReader& r) {
    SharedCase shared;
    shared.own_reversal_digest = r.u64("shared_case.own_reversal_digest");
    const auto count = r.varint_max("shared_case.joined", joined_keys_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        AskingKey& k = shared.joined.emplace_back();
        k.terminal = id_or_empty<iso8583::TerminalId>(r, "joined_key.terminal");
        k.batch = batch_of(r, "joined_key.batch");
        k.stan = iso8583::Stan::of(
            at_most(r, "joined_key.stan", u32_of(r, "joined_key.stan"), iso8583::Stan::value_max));
        k.transmission_time = u32_of(r, "joined_key.transmission_time");
        k.processing_code = r.text("joined_key.processing_code");
        k.reversal_digest = r.u64("joined_key.reversal_digest");
        k.operator_number = r.text("joined_key.operator_number");
    }
    return shared;
}

}  // namespace ledger
