// Totals as the ledger keeps them: a checkpoint and the fold of the turns after it, taken from the snapshot
// by the ledger's own recovery, so that there is one reader of those bytes.
#include <charconv>
#include <map>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/ledger.hpp"
#include "switch/views/movements.hpp"

namespace acquirer {

using iso8583::parse_error;

namespace {

/// A snapshot in the form an overlay wants; nothing is ever written through it.
class SnapshotStore final : public ledger::Store {
  public:
    explicit SnapshotStore(const ledger::StoreReader& reader) : reader_(reader) {}
    [[nodiscard]] iso8583::Result<std::optional<std::string>, ledger::StoreError> get(
        ledger::Family family, std::string_view key) const override {
        return reader_.get(family, key);
    }
    iso8583::Result<void, ledger::StoreError> scan(ledger::Family family, std::string_view from,
                                                   std::string_view to,
                                                   const ledger::ScanVisitor& visit) const override {
        return reader_.scan(family, from, to, visit);
    }
    iso8583::Result<void, ledger::StoreError> scan_back(ledger::Family family, std::string_view from,
                                                        std::string_view to,
                                                        const ledger::ScanVisitor& visit) const override {
        return reader_.scan_back(family, from, to, visit);
    }
    void begin_sync(ledger::Batch, std::function<void()>) override { ENSURE(false); }
    iso8583::Result<void, ledger::StoreError> finish_sync() override { ENSURE(false); }
    [[nodiscard]] std::shared_ptr<const ledger::StoreReader> snapshot() const override { ENSURE(false); }
    [[nodiscard]] std::uint64_t last_turn_number() const override { return 0; }
    [[nodiscard]] ledger::StoreHealth health() const override { return {}; }

  private:
    const ledger::StoreReader& reader_;
};

/// The parts of a sum's name: "l/20261121/2/898110157220001".
std::vector<std::string> parts_of(std::string_view sum) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t slash = sum.find('/');
        parts.emplace_back(sum.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        sum = sum.substr(slash + 1);
    }
}

template <typename Number>
Number number_of(const std::string& digits) {
    Number value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

struct Accounts {
    std::map<ledger::Account, ledger::Total> totals;
};

View accounts_view(const ViewContext& context, const std::map<std::string, Accounts>& by, bool routes) {
    const auto major = [&](std::int64_t minor) {
        return iso8583::Amount(minor, context.configuration.currency).major();
    };
    View rows = View::list();
    for (const auto& entry : by) {
        const std::string& who = entry.first;
        const Accounts& accounts = entry.second;
        const auto of = [&](ledger::Account account) {
            const auto at = accounts.totals.find(account);
            return at == accounts.totals.end() ? ledger::Total{} : at->second;
        };
        View row = View::object();
        if (routes) {
            row.put("route", route_name(context, number_of<std::uint16_t>(who)));
            row.put("issuer_owes", major(of(ledger::Account::issuer_receivable).amount_minor));
            row.put("refunds_in_transit", major(-of(ledger::Account::refund_in_transit).amount_minor));
            row.put("refunds_in_suspense", major(-of(ledger::Account::refund_suspense).amount_minor));
            row.put("paid_outside", major(-of(ledger::Account::paid_outside).amount_minor));
            row.put("charged_back", major(-of(ledger::Account::chargebacks).amount_minor));
        } else {
            row.put("merchant", who);
            // The merchant's account is credited by sales: what is payable is minus its balance.
            row.put("payable", major(-of(ledger::Account::merchant_payable).amount_minor));
            row.put("fees", major(-of(ledger::Account::fee_income).amount_minor));
            row.put("into_reserve", major(-of(ledger::Account::merchant_reserve).amount_minor));
            row.put("postings", of(ledger::Account::merchant_payable).count);
        }
        rows.add(std::move(row));
    }
    return rows;
}

View terminals_view(const ViewContext& context, const ledger::Totals& totals) {
    struct Row {
        ledger::Total debit, credit;
    };
    std::map<std::pair<std::string, std::string>, Row> rows;
    for (const auto& [name, total] : totals.all()) {
        const auto parts = parts_of(name);
        if (parts.size() != 4 || parts[0] != "b") continue;
        Row& row = rows[{parts[1], parts[2]}];
        // Both halves of DE48 are the terminal's.
        ledger::Total& sum = parts[3].back() == 'd' ? row.debit : row.credit;
        sum.count += total.count;
        sum.amount_minor += total.amount_minor;
    }
    const auto major = [&](std::int64_t minor) {
        return iso8583::Amount(minor, context.configuration.currency).major();
    };
    View list = View::list();
    for (const auto& [key, row] : rows) {
        View one = View::object();
        one.put("terminal", key.first).put("batch", key.second);
        one.put("sales", row.debit.count).put("sales_amount", major(row.debit.amount_minor));
        one.put("refunds_and_voids", row.credit.count)
            .put("refunds_and_voids_amount", major(row.credit.amount_minor));
        list.add(std::move(one));
    }
    return list;
}

/// "sale", "void" … in rows of their own: they add up to the same however they are grouped.
View movements_view(const ViewContext& context, const Movements& movements, std::string_view group) {
    View list = View::list();
    for (const auto& [key, total] : movements.rows) {
        View one = View::object();
        one.put(std::string(group), key.first).put("kind", key.second).put("count", total.count);
        one.put("amount", iso8583::Amount(total.amount_minor, context.configuration.currency).major());
        list.add(std::move(one));
    }
    return list;
}

/// The sums of accounts of the day: of the running ones, or as they were put away when the day was closed.
iso8583::Result<std::map<std::string, ledger::Total>> sums_of_day(const ViewContext& context,
                                                                  const ledger::Totals& running,
                                                                  iso8583::BusinessDate day) {
    ledger::Totals sums = running;
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::sums_of_day(day);
    auto done = context.store.scan(ledger::Family::journal, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       const auto part = ledger::decode_day_sums(value);
                                       if (!part)
                                           fault = part.error().what;
                                       else if (auto added = sums.add_stored(part->sums); !added)
                                           fault = added.error().what;
                                       return !fault;
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return parse_error("the sums of the day cannot be read: " + *fault);
    return sums.all();
}

bool is_of_a_merchant(ledger::Account account) {
    return account == ledger::Account::merchant_payable || account == ledger::Account::merchant_reserve ||
           account == ledger::Account::fee_income;
}

/// The accounts of the day by whom they are of, all merchants' or all routes'.
std::map<std::string, Accounts> accounts_of(const std::map<std::string, ledger::Total>& sums,
                                            iso8583::BusinessDate day, bool merchants) {
    std::map<std::string, Accounts> rows;
    for (const auto& [name, total] : sums) {
        const auto parts = parts_of(name);
        if (parts.size() != 4 || parts[0] != "l" || parts[1] != day.date.yyyymmdd()) continue;
        const auto account = static_cast<ledger::Account>(number_of<std::uint8_t>(parts[2]));
        if (is_of_a_merchant(account) == merchants) rows[parts[3]].totals[account] = total;
    }
    return rows;
}

/// A sentence when the records that were read do not explain what the accounts say; else empty.
std::string unexplained(const ViewContext& context, const Movements& movements,
                        const std::map<std::string, Accounts>& merchants) {
    std::int64_t payable_minor = 0;
    for (const auto& [who, accounts] : merchants)
        for (const auto& [account, total] : accounts.totals) payable_minor -= total.amount_minor;
    const std::int64_t rest = payable_minor - movements.payable_minor;
    if (rest == 0) return "";
    return "transactions numbered before " + movements.read_from.iso() +
           " were not read: by the accounts they moved " +
           iso8583::Amount(rest, context.configuration.currency).major() + " more";
}

std::string_view group_name(TotalsBy by) {
    switch (by) {
        case TotalsBy::route:
            return "route";
        case TotalsBy::merchant:
            return "merchant";
        case TotalsBy::terminal:
            return "terminal";
        case TotalsBy::instrument:
            return "instrument";
        case TotalsBy::reason:
            return "reason";
    }
    return "";
}

}  // namespace

namespace {

/// Of all shards: each has its own checkpoint and turns.
iso8583::Result<ledger::Totals> running_totals(const ViewContext& context) {
    ledger::Totals sum;
    for (const ledger::StoreReader* reader : context.readers()) {
        const SnapshotStore store(*reader);
        ledger::Overlay overlay(store);
        ledger::Ledger books(overlay);
        books.recover();
        if (books.error()) return store_fault(*books.error());
        if (auto added = sum.add_stored(books.totals().checkpoint()); !added)
            return parse_error("the sums cannot be read: " + added.error().what);
    }
    return sum;
}

}  // namespace

ViewResult view_totals(const ViewContext& context, TotalsBy by, std::optional<iso8583::BusinessDate> asked) {
    const iso8583::BusinessDate day = asked.value_or(context.status.business_date);
    if (auto known = check_day(context, "day", day); !known) return tl::unexpected(known.error());
    const auto movements = movements_of(context, by, day);
    if (!movements) return tl::unexpected(movements.error());
    const auto running = running_totals(context);
    if (!running) return tl::unexpected(running.error());
    const auto sums = sums_of_day(context, *running, day);
    if (!sums) return tl::unexpected(sums.error());
    const auto merchants = accounts_of(*sums, day, true);
    View view = View::object();
    view.put("currency", context.configuration.currency.str()).put("business_date", day.date.iso());
    view.put_if("unexplained", unexplained(context, *movements, merchants));
    View kinds = movements_view(context, *movements, group_name(by));
    switch (by) {
        case TotalsBy::instrument:
        case TotalsBy::reason:
            return view.put("totals", std::move(kinds));
        case TotalsBy::terminal:
            view.put("note", "of open batches").put("totals", terminals_view(context, *running));
            break;
        case TotalsBy::merchant:
            view.put("totals", accounts_view(context, merchants, false));
            break;
        case TotalsBy::route:
            view.put("totals", accounts_view(context, accounts_of(*sums, day, false), true));
            break;
    }
    return view.put("movements", std::move(kinds));
}

}  // namespace acquirer
