// [[fee]]: what merchants pay for sales: its keys, and the schedules that they make.
#include <algorithm>

#include "switch/config/config_builder.hpp"
#include "switch/config/config_keys.hpp"
#include "switch/core/fees.hpp"

namespace acquirer::config {

const Keys<RawFee>& fee_keys() {
    static const Keys<RawFee> keys = {
        parsed<RawFee>("merchant", "id of a merchant", "all that have none of their own", "DE42.",
                       CONFIG_AT(merchant), plain_text(15)),
        required(text_list<RawFee>(
            "instruments", "", "card, unionpay_qr, alipay, wechat.",
            [](RawFee& fee, const std::vector<std::string>& texts) -> std::optional<std::string> {
                if (texts.empty()) return std::string("needs at least one");
                for (std::size_t i = 0; i < texts.size(); ++i) {
                    const auto instrument = fees::parse_instrument(texts[i]);
                    if (!instrument)
                        return "entry " + std::to_string(i + 1) +
                               " has to be one of card, unionpay_qr, alipay, wechat";
                    if (std::find(fee.instruments.begin(), fee.instruments.end(), *instrument) !=
                        fee.instruments.end())
                        return "entry " + std::to_string(i + 1) + " is there twice";
                    fee.instruments.push_back(*instrument);
                }
                return std::nullopt;
            })),
        amount<RawFee>("up_to", "For sales up to this amount, included; without it for all larger ones.",
                       CONFIG_AT(up_to)),
        required(integer<RawFee>("basis_points", 0, ledger::basis_points_max, "hundredths of a percent",
                                 "Of the whole sale, rounded to the nearest minor unit.",
                                 CONFIG_AT(basis_points))),
    };
    return keys;
}

namespace {

/// The tiers of one merchant and instrument, in their order; what cannot be is a problem.
std::vector<ledger::FeeTier> tiers_of(std::vector<const Placed<RawFee>*> rows, Reader& reader) {
    const auto end = [](const Placed<RawFee>* row) { return row->value.up_to.value_or(0); };
    std::sort(rows.begin(), rows.end(),
              [&](const auto* a, const auto* b) { return end(a) != 0 && (end(b) == 0 || end(a) < end(b)); });
    std::vector<ledger::FeeTier> tiers;
    for (const Placed<RawFee>* row : rows) {
        if (!tiers.empty() && tiers.back().up_to_minor == end(row))
            reader.problem(row->path, "is a second fee of this merchant, instrument and amount");
        tiers.push_back({end(row), row->value.basis_points});
    }
    if (!tiers.empty() && tiers.back().up_to_minor != 0)
        reader.problem(rows.back()->path + ".up_to",
                       "leaves larger sales without a fee: one [[fee]] without up_to is needed");
    if (tiers.size() > ledger::fee_tiers_max)
        reader.problem(rows.back()->path, "is one too many: at most " +
                                              std::to_string(ledger::fee_tiers_max) +
                                              " of a merchant and instrument");
    return tiers;
}

}  // namespace

void check_fees(RawConfig& raw, Reader& reader) {
    using Rows = std::map<ledger::Instrument, std::vector<const Placed<RawFee>*>>;
    std::map<std::string, Rows> own;  // by merchant; "" is of all
    for (const Placed<RawFee>& fee : raw.fees) {
        const auto is_it = [&](const auto& m) { return m.value.id.str() == fee.value.merchant; };
        if (!fee.value.merchant.empty() && std::none_of(raw.merchants.begin(), raw.merchants.end(), is_it))
            reader.problem(fee.path + ".merchant", "names no [[merchant]]");
        for (const ledger::Instrument instrument : fee.value.instruments)
            own[fee.value.merchant][instrument].push_back(&fee);
    }
    std::map<std::string, FeeSchedule> schedules;
    for (const auto& [merchant, rows] : own)
        for (const auto& [instrument, of_it] : rows)
            schedules[merchant][instrument] = tiers_of(of_it, reader);
    for (auto& [path, merchant] : raw.merchants) {
        merchant.fees = schedules[merchant.id.str()];
        merchant.fees.insert(schedules[""].begin(), schedules[""].end());  // what it has itself stays
    }
}

}  // namespace acquirer::config
