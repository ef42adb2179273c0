#include "switch/views/money_views.hpp"

#include "ledger/merchant_books.hpp"
#include "switch/core/discounts.hpp"
#include "switch/core/fees.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::MerchantBook;
using ledger::MerchantEntry;
using ledger::MerchantEntryKind;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

std::string major(std::int64_t minor, iso8583::Currency currency) {
    return iso8583::Amount(minor, currency).major();
}

/// A rate as people say it: 60 basis points are 0.60%.
std::string percent(std::uint32_t basis_points) {
    return iso8583::Amount(basis_points, iso8583::Currency::of(156)).major() + "%";
}

std::string position_of(const MerchantEntry& e) {
    return e.merchant.str() + "-" + e.day.date.yyyymmdd() + "-" + std::to_string(e.number);
}

/// The key behind which a cursor goes on; nothing when it is none of these lists.
std::optional<std::string> key_of_position(MerchantBook book, const std::string& position) {
    constexpr std::size_t merchant_size = iso8583::MerchantId::size_max, date_size = 8, digits_max = 10;
    constexpr std::size_t date_at = merchant_size + 1, number_at = date_at + date_size + 1;
    if (position.size() <= number_at || position.size() > number_at + digits_max) return std::nullopt;
    const auto merchant = iso8583::MerchantId::parse(std::string_view(position).substr(0, merchant_size));
    const auto day = iso8583::Date::parse_yyyymmdd(std::string_view(position).substr(date_at, date_size));
    const std::string digits = position.substr(number_at);
    if (!merchant || !day || digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    return ledger::merchant_entry_key(book, *merchant, {*day}, std::stoull(digits));
}

/// The entries that a query may be about; those of all merchants are not in the order of their days.
ledger::KeyRange range_of(MerchantBook book, const ListQuery& query) {
    if (!query.merchant) return ledger::all_keys(ledger::prefix_of(book));
    ledger::KeyRange range = ledger::entries_of(book, *query.merchant);
    if (query.from) range.from = ledger::entries_of(book, *query.merchant, *query.from).from;
    if (query.to) range.to = ledger::entries_of(book, *query.merchant, *query.to).to;
    return range;
}

bool fits_days(const ListQuery& query, const MerchantEntry& e) {
    return !(query.from && e.day < *query.from) && !(query.to && *query.to < e.day);
}

/// What people see of an entry. `amount` is what the merchant pays; below zero: what it gets.
View entry_view(const ViewContext& context, const MerchantEntry& e, MerchantBook book) {
    View one = View::object();
    one.put("day", e.day.date.iso()).put("merchant", e.merchant.view());
    one.put("number", static_cast<std::int64_t>(e.number));
    one.put("time", local_time(context, e.at)).put("kind", ledger::name(e.kind));
    one.put("sale", e.rrn.view()).put("refund", e.cause.view());
    // Of a reserve what goes in and out of it is of interest; it is the merchant's either way.
    one.put("amount", major(e.from_merchant_minor(), e.currency));
    one.put(book == MerchantBook::reserve ? "holds" : "stands", major(e.stands_minor, e.currency));
    one.put("rule", e.rule);
    if (book == MerchantBook::fees) one.put("reference", e.reference);
    one.put("text", e.text).put("by", e.by);
    return one;
}

struct Sums {
    std::int64_t fees = 0, discounts = 0, charges = 0;
    void add(const MerchantEntry& e) {
        switch (e.kind) {
            case MerchantEntryKind::fee:
                fees += e.from_merchant_minor();
                return;
            case MerchantEntryKind::discount:
                discounts += e.from_merchant_minor();
                return;
            case MerchantEntryKind::charge:
            case MerchantEntryKind::adjustment:
                charges += e.from_merchant_minor();
                return;
            case MerchantEntryKind::withheld:
            case MerchantEntryKind::drawn:
            case MerchantEntryKind::added:
                return;
        }
    }
};

/// Those of the query's merchant and days, from this key on when one is given.
iso8583::Result<void> each_entry(const ViewContext& context, MerchantBook book, const ListQuery& query,
                                 const std::string& behind,
                                 const std::function<bool(const MerchantEntry&)>& visit) {
    ledger::KeyRange range = range_of(book, query);
    if (!behind.empty()) range.from = behind + '\0';
    const auto done = ledger::visit_merchant_entries(
        context.store, range, [&](const MerchantEntry& e) { return !fits_days(query, e) || visit(e); });
    if (!done) return store_fault(done.error());
    return {};
}

/// The page of a book's entries that the query asks for.
iso8583::Result<void> fill_page(const ViewContext& context, MerchantBook book, const ListQuery& query,
                                ListPage& page) {
    const auto position = page.position();
    if (!position) return tl::unexpected(position.error());
    const auto behind = position->empty() ? std::optional<std::string>("") : key_of_position(book, *position);
    if (!behind) return ListPage::no_cursor();
    return each_entry(context, book, query, *behind, [&](const MerchantEntry& e) {
        return page.add(entry_view(context, e, book), position_of(e));
    });
}

}  // namespace

ViewResult view_fees(const ViewContext& context, const ListQuery& query) {
    if (const auto scope = scope_of(context, query); !scope) return tl::unexpected(scope.error());
    ListPage page("entries", query);
    if (auto filled = fill_page(context, MerchantBook::fees, query, page); !filled)
        return tl::unexpected(filled.error());
    // Sums are of all its days, whatever page of them is shown.
    Sums sums;
    auto done = each_entry(context, MerchantBook::fees, query, "", [&](const MerchantEntry& e) {
        sums.add(e);
        return true;
    });
    if (!done) return tl::unexpected(done.error());
    const iso8583::Currency currency = context.configuration.currency;
    View facts = View::object();
    facts.put_if("merchant", query.merchant ? query.merchant->str() : "").put("currency", currency.str());
    facts.put_if("from", query.from ? query.from->date.iso() : "");
    facts.put_if("to", query.to ? query.to->date.iso() : "");
    facts.put("fees", major(sums.fees, currency)).put("charges", major(sums.charges, currency));
    facts.put("discounts", major(sums.discounts, currency));
    facts.put("together", major(sums.fees + sums.charges + sums.discounts, currency));
    return std::move(page).answer(facts);
}

ViewResult view_fee_schedule(const ViewContext& context, const ListQuery& query) {
    if (const auto scope = scope_of(context, query); !scope) return tl::unexpected(scope.error());
    const iso8583::Currency currency = context.configuration.currency;
    View rows = View::list();
    for (const auto& [id, merchant] : context.configuration.merchants) {
        if (query.merchant && id != *query.merchant) continue;
        for (const auto& [instrument, tiers] : merchant.fees) {
            std::int64_t above = 0;
            for (const ledger::FeeTier& tier : tiers) {
                View row = View::object();
                row.put("merchant", id.view()).put("instrument", fees::instrument_word(instrument));
                row.put("above", above == 0 ? "" : major(above, currency));
                row.put("up_to", tier.up_to_minor == 0 ? "" : major(tier.up_to_minor, currency));
                row.put("basis_points", tier.basis_points).put("rate", percent(tier.basis_points));
                row.put("on_refund", ledger::name(merchant.refund.fee_on_refund));
                rows.add(std::move(row));
                above = tier.up_to_minor;
            }
        }
    }
    return page_of(View::object().put("currency", currency.str()).put("schedule", std::move(rows)),
                   "schedule", query);
}

namespace {

/// What one merchant's reserve holds, and its terms.
iso8583::Result<void> put_reserve(const ViewContext& context, const iso8583::MerchantId& merchant,
                                  View& facts) {
    const MerchantConfig* configured = context.configuration.find_merchant(merchant);
    if (configured == nullptr) return parse_error("merchant: is not configured");
    std::int64_t holds = 0;
    const ledger::KeyRange whole = ledger::entries_of(MerchantBook::reserve, merchant);
    const auto last = context.store.scan_back(ledger::Family::journal, whole.from, whole.to,
                                              [&](std::string_view, std::string_view value) {
                                                  const auto e = ledger::decode_merchant_entry(value);
                                                  if (e) holds = e->stands_minor;
                                                  return false;
                                              });
    if (!last) return store_fault(last.error());
    const iso8583::Currency currency = context.configuration.currency;
    const RefundPolicy& policy = configured->refund;
    facts.put("merchant", merchant.view()).put("holds", major(holds, currency));
    facts.put("funding", policy.funding == RefundFunding::reserve     ? "reserve"
                         : policy.funding == RefundFunding::net_sales ? "net_sales"
                                                                      : "none");
    facts.put("on_short", policy.on_short == OnCaution::hold ? "hold" : "refuse");
    facts.put("percent", policy.reserve_percent);
    facts.put_if("max", policy.reserve_max ? major(*policy.reserve_max, currency) : "");
    return {};
}

}  // namespace

ViewResult view_reserve(const ViewContext& context, const ListQuery& query) {
    if (const auto scope = scope_of(context, query); !scope) return tl::unexpected(scope.error());
    ListPage page("entries", query);
    if (auto filled = fill_page(context, MerchantBook::reserve, query, page); !filled)
        return tl::unexpected(filled.error());
    View facts = View::object();
    facts.put("currency", context.configuration.currency.str());
    if (query.merchant)
        if (auto put = put_reserve(context, *query.merchant, facts); !put) return tl::unexpected(put.error());
    return std::move(page).answer(facts);
}

ViewResult view_adjustments(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("adjustments", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    ledger::KeyRange range = query.merchant ? ledger::adjustments_of(*query.merchant)
                                            : ledger::all_keys(ledger::KeyPrefix::adjustment);
    // A cursor is the key without its first letter.
    if (!behind->empty())
        range.from = std::string(1, static_cast<char>(ledger::KeyPrefix::adjustment)) + *behind + '\0';
    auto done = each_value_of<ledger::Adjustment>(
        context, ledger::Family::index, range, ledger::decode_adjustment, [&](ledger::Adjustment&& a) {
            const bool is_charge = a.kind == ledger::Adjustment::Kind::charge;
            const std::string_view kind = is_charge ? "charge" : "adjustment";
            if ((!query.kind.empty() && query.kind != kind) || !scope->fits_time(a.at)) return true;
            const iso8583::Currency currency = a.amount.currency();
            View one = View::object();
            one.put("merchant", a.merchant.view()).put("kind", kind).put("ref", a.reference);
            one.put("amount", a.amount.major());
            one.put("left", is_charge ? major(a.amount.minor_units() - a.given_back_minor, currency) : "");
            one.put("charge", a.charge).put("reason", a.reason).put("day", a.day.date.iso());
            one.put("time", local_time(context, a.at)).put("by", a.by).put("text", a.text);
            return page.add(std::move(one),
                            ledger::adjustment_key(a.merchant, a.kind, a.reference).substr(1));
        });
    if (!done) return tl::unexpected(done.error());
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

// ---- Of one transaction

std::string caution_words(const ledger::CautionHit& hit) {
    const std::string counted = std::to_string(hit.counted);
    const std::string allowed = std::to_string(hit.allowed);
    switch (hit.bound) {
        case ledger::CautionBound::card:
            return "refund " + counted + " of its card today, " + allowed + " allowed";
        case ledger::CautionBound::terminal:
            return "refund " + counted + " of its terminal today, " + allowed + " allowed";
        case ledger::CautionBound::operator_number:
            return "refund " + counted + " of its operator number today, " + allowed + " allowed";
        case ledger::CautionBound::merchant:
            return "refund " + counted + " of its merchant today, " + allowed + " allowed";
        case ledger::CautionBound::ratio:
            return "refunds would be " + counted + "% of the merchant's sales of 30 days, " + allowed +
                   "% allowed";
        case ledger::CautionBound::counters:
            return "no more than " + allowed + " cards and operator numbers are counted a day";
    }
    return "";
}

namespace {

/// The refunds that counted before this one when it was taken are not stored one by one; what its parts are
/// is said for all refunds of the sale together.
discounts::Parts refunded_parts(const TransactionRecord& sale) {
    return discounts::parts_of(sale, sale.refunds_minor);
}

bool has_discount(const TransactionRecord& sale) {
    return sale.charges.wallet_funded_minor != 0 || sale.charges.merchant_funded_minor != 0;
}

}  // namespace

void put_charges(View& view, const TransactionRecord& r) {
    const iso8583::Currency currency = r.amount.currency();
    const ledger::SaleCharges& c = r.charges;
    if (!c.fee_tiers.empty()) {
        view.put("fee", major(c.fee_minor, currency));
        view.put("fee_basis_points", fees::basis_points_of(c.fee_tiers, r.amount.minor_units()));
        view.put("fee_on_refund", ledger::name(c.fee_return));
    }
    if (c.reserve_percent != 0) view.put("withheld", major(c.withheld_minor, currency));
    if (has_discount(r)) {
        const std::int64_t first = r.first_amount().minor_units();
        view.put("paid_by_customer",
                 major(first - c.wallet_funded_minor - c.merchant_funded_minor, currency));
        view.put("wallet_funded", major(c.wallet_funded_minor, currency));
        view.put("merchant_funded", major(c.merchant_funded_minor, currency));
    }
    if (r.drawn_minor != 0) view.put("drawn_from_reserve", major(r.drawn_minor, currency));
    if (r.caution.empty()) return;
    View hits = View::list();
    for (const ledger::CautionHit& hit : r.caution)
        hits.add(View::object()
                     .put("bound", ledger::name(hit.bound))
                     .put("counted", hit.counted)
                     .put("allowed", hit.allowed));
    view.put("over_bounds", std::move(hits));
}

std::vector<std::string> charges_sentences(const TransactionRecord& r, const TransactionRecord* sale) {
    std::vector<std::string> words;
    for (const ledger::CautionHit& hit : r.caution)
        words.push_back("It went over a bound of caution (R28): " + caution_words(hit) + ".");
    const iso8583::Currency currency = r.amount.currency();
    if (r.drawn_minor != 0)
        words.push_back("The merchant's reserve pays " + major(r.drawn_minor, currency) + " of it (R104).");
    const TransactionRecord& of = sale != nullptr ? *sale : r;
    const ledger::SaleCharges& c = of.charges;
    if (!c.fee_tiers.empty()) {
        const std::int64_t amount = of.amount.minor_units();
        const std::int64_t fee = fees::fee_of(c.fee_tiers, amount);
        words.push_back("The sale's fee is " + major(fee, currency) + ", " +
                        std::to_string(fees::basis_points_of(c.fee_tiers, amount)) + " basis points of " +
                        of.amount.major() + "; " + major(c.fee_minor, currency) + " of it stands (" +
                        std::string(ledger::name(c.fee_return)) + ").");
    }
    if (c.reserve_percent != 0)
        words.push_back("Of the sale the merchant's reserve keeps back " + major(c.withheld_minor, currency) +
                        " (R104).");
    if (has_discount(of)) {
        const discounts::Parts back = refunded_parts(of);
        words.push_back("Of the sale's first amount the wallet paid " +
                        major(c.wallet_funded_minor, currency) + " and the merchant gave " +
                        major(c.merchant_funded_minor, currency) + " (R102); of its refunds " +
                        major(back.paid_minor, currency) + " is the customer's, " +
                        major(back.wallet_funded_minor, currency) + " the wallet's, and " +
                        major(back.merchant_funded_minor, currency) + " is asked of nobody.");
    }
    return words;
}

}  // namespace acquirer
