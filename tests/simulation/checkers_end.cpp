// What is checked once a run is over: the whole store, and the issuers' books against the ledger.
#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "ledger/audit_hash.hpp"
#include "ledger/ledger.hpp"
#include "ledger/merchant_books.hpp"
#include "ledger/number_plan.hpp"
#include "switch/core/merchant_money_check.hpp"
#include "switch/core/recon_check.hpp"
#include "tests/simulation/checkers.hpp"
#include "tests/simulation/record_facts.hpp"
#include "tests/simulation/switch_process.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// Packed digits as BCD, the other way in which a card number could stand somewhere.
std::string packed(const std::string& digits) {
    if (!iso8583::all_digits(digits)) return {};
    auto bytes = iso8583::parse_hex(digits.size() % 2 == 0 ? digits : digits + "0");
    return bytes ? std::string(iso8583::as_text(*bytes)).substr(0, digits.size() / 2) : std::string();
}

/// Magic amounts of issuer-sim to which it never gives an advice an answer that counts: repeated until a
/// person looks.
bool never_answered(const TransactionRecord& r) {
    const std::int64_t end = r.amount.minor_units() % 10'000;
    return r.advice.kind == ledger::QueuedAdvice::Kind::refund &&
           (end == 9968 || end == 9971 || end == 9972 || end == 9991);
}

}  // namespace

/// An advice that its issuer never answers, or that waits behind such a one of its sale.
bool Checkers::waits_forever(const TransactionRecord& r) const {
    if (r.state != State::advice_pending || !r.original) return false;
    const auto chain = children_.find(*r.original);
    return chain != children_.end() &&
           std::any_of(chain->second.begin(), chain->second.end(), [&](const Rrn& rrn) {
               const TransactionRecord& other = records_.at(rrn);
               return other.state == State::advice_pending && never_answered(other);
           });
}

bool Checkers::has_waiting_forever(routing::RouteId route) const {
    return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
        return routing::RouteId{entry.second.route} == route && waits_forever(entry.second);
    });
}

void Checkers::check_whole_store(iso8583::Instant at) {
    after_crash(at);
    for (const auto& [rrn, r] : records_) {
        check_record(r, at);
        if (r.kind == TransactionKind::sale) check_sale(r, at);
        if (r.kind == TransactionKind::refund) check_paid_or_told(r, at);
    }
    check_totals(at);
    check_clear_text(at);
    for (const ledger::MemoryStore* disk : disks_) {
        const auto chain =
            ledger::verify_audit_chain(*disk, ledger::audit_sha256, std::nullopt, {}, &simulated_audit_key());
        if (!chain) broken("I9", chain.error().what, at);
        const auto recon = acquirer::find_recon_faults(*disk);
        if (!recon) broken("I9", recon.error().what, at);
        for (const std::string& fault : recon ? recon->faults : std::vector<std::string>())
            broken("I6a", fault, at);
    }
}

/// R76: a case that a checker approved and that was not paid stands before somebody, or did.
void Checkers::check_paid_or_told(const TransactionRecord& refund, iso8583::Instant at) {
    const bool unpaid = refund.state == State::declined || refund.state == State::reversed;
    if (refund.checker.empty() || !unpaid || refund.reversal_digest != 0) return;
    const bool told = std::any_of(exceptions_.begin(), exceptions_.end(), [&](const auto& entry) {
        return entry.second.kind == "case_not_paid" && entry.first.starts_with(refund.rrn.str());
    });
    if (!told) broken("R76", "an approved case was not paid, and nobody is told: " + words(refund), at);
}

std::map<std::string, ledger::Total> Checkers::fold_of_postings(iso8583::Instant at) {
    std::map<std::string, ledger::Total> fold;
    for (const auto& [rrn, record] : records_) {
        const ledger::TransactionRecord& r = record;  // clang 14 captures no structured binding
        for (std::size_t n = 0; n < r.postings.size(); ++n) {
            const ledger::Posting& p = r.postings[n];
            const auto add = [&](ledger::Account account, std::uint16_t of_route, std::int64_t amount) {
                const std::string who = account == ledger::Account::merchant_payable
                                            ? r.merchant.str()
                                            : std::to_string(of_route);
                ledger::Total& t = fold[ledger::account_name(p.day, account, who)];
                ++t.count;
                t.amount_minor += amount;
            };
            add(p.debit, r.debit_route(n), p.amount_minor);
            add(p.credit, r.credit_route(n), -p.amount_minor);
        }
    }
    const auto fold_entry = [&fold](const ledger::MerchantEntry& e) {
        const auto add = [&](ledger::Account account, std::int64_t amount) {
            const std::string who =
                account == ledger::Account::issuer_receivable ? std::to_string(e.route) : e.merchant.str();
            ledger::Total& t = fold[ledger::account_name(e.day, account, who)];
            ++t.count;
            t.amount_minor += amount;
        };
        add(e.debit, e.amount_minor);
        add(e.credit, -e.amount_minor);
        return true;
    };
    for (const ledger::MemoryStore* disk : disks_)
        for (const auto book : {ledger::MerchantBook::fees, ledger::MerchantBook::reserve})
            if (!ledger::visit_merchant_entries(*disk, ledger::all_keys(ledger::prefix_of(book)), fold_entry))
                broken("I9", "the entries of merchants' books do not read", at);
    return fold;
}

bool Checkers::add_books(std::size_t shard, ledger::Totals& books, iso8583::Instant at) {
    const ledger::MemoryStore& disk = *disks_[shard];
    const auto copy = disk.copy_durable();
    ledger::Overlay overlay(*copy);
    ledger::Ledger recovered(overlay, ledger::plan_of_shard(shard, disks_.size()));
    recovered.recover();
    if (recovered.error()) {
        broken("I9", "the store does not recover: " + recovered.error()->what, at);
        return false;
    }
    const auto merchants = acquirer::find_merchant_money_faults(disk, recovered.totals());
    if (!merchants) {
        broken("I9", merchants.error().what, at);
        return false;
    }
    for (const std::string& fault : merchants->faults)
        broken(fault.find("I13") != std::string::npos ? "I13" : "I12", fault, at);
    // Those of closed days are stored by day.
    const ledger::KeyRange closed = ledger::all_keys(ledger::KeyPrefix::day_sums);
    const auto scanned = disk.scan(ledger::Family::journal, closed.from, closed.to,
                                   [&](std::string_view, std::string_view value) {
                                       const auto part = ledger::decode_day_sums(value);
                                       return part.has_value() && books.add_stored(part->sums).has_value();
                                   });
    if (scanned && books.add_stored(recovered.totals().checkpoint())) return true;
    broken("I9", "the sums of closed days do not read", at);
    return false;
}

/// I8: postings debit and credit by their shape; per business day they sum to zero, and the running totals
/// are their fold.
void Checkers::check_totals(iso8583::Instant at) {
    const std::map<std::string, ledger::Total> fold = fold_of_postings(at);
    ledger::Totals books;
    for (std::size_t shard = 0; shard < disks_.size(); ++shard)
        if (!add_books(shard, books, at)) return;
    std::map<std::string, std::int64_t> by_day;
    for (const auto& [name, total] : books.all()) {
        if (name.rfind("l/", 0) != 0) continue;
        by_day[name.substr(2, 8)] += total.amount_minor;
        const auto ours = fold.find(name);
        if (ours == fold.end() || !(ours->second == total))
            broken("I8", "total " + name + " is not the fold of the postings", at);
    }
    for (const auto& [name, total] : fold)
        if (!books.all().contains(name)) broken("I8", "postings of " + name + " are in no total", at);
    for (const auto& [day, sum] : by_day)
        if (sum != 0) broken("I8", "business day " + day + " does not sum to zero", at);
}

void Checkers::check_clear_text(iso8583::Instant at) {
    std::vector<std::string> all = forbidden_;
    for (const std::string& clear : forbidden_)
        if (std::string bcd = packed(clear); bcd.size() >= 6) all.push_back(std::move(bcd));
    const auto look = [&](std::string_view key, std::string_view value) {
        for (const std::string& clear : all)
            if (key.find(clear) != std::string_view::npos || value.find(clear) != std::string_view::npos) {
                broken("I10",
                       "a card number or key stands in clear under a key beginning with '" +
                           std::string(key.substr(0, 1)) + "'",
                       at);
                return false;
            }
        return true;
    };
    for (const ledger::MemoryStore* disk : disks_)
        for (const ledger::Family family : {ledger::Family::journal, ledger::Family::index})
            if (!disk->scan(family, "", "", look)) broken("I9", "the store does not read", at);
}

void Checkers::check_drained(iso8583::Instant at) {
    for (const auto& [rrn, r] : records_) {
        switch (r.state) {
            case State::intent:
            case State::sent:
            case State::in_doubt:
            case State::reverse_on_answer:
                broken("liveness", "still under way though nothing hinders it: " + words(r), at);
                break;
            case State::cleared:  // behind a reversal of its chain that is before a person, or a hold (R78)
                if (const TransactionRecord* sale = r.original ? record(*r.original) : nullptr;
                    !chain_is_excused(r) && (sale == nullptr || !sale->hold))
                    broken("liveness", "a cleared refund has not gone though nothing hinders it: " + words(r),
                           at);
                break;
            case State::advice_pending:
                if (waits_forever(r)) break;
                broken("liveness", "an advice is not through though nothing hinders it: " + words(r), at);
                break;
            case State::voiding:
            case State::auth_voiding:
            case State::completing:
            case State::reversing:
            case State::void_reversing:
                if (!chain_is_excused(r))
                    broken("I6", "a reversal that is not through, without an exception: " + words(r), at);
                break;
            case State::reversal_stuck:
            case State::parked:
            case State::abnormal:
            case State::not_collected:
                if (!has_open_exception(r))
                    broken("I6", "waits for a person without an open exception: " + words(r), at);
                break;
            case State::approved:
                if (r.cut_in_doubt && !people_decided(r))
                    broken("I6", "was in doubt and ended approved: " + words(r), at);
                [[fallthrough]];
            case State::declined:
            case State::tombstone:
            case State::lapsed:
            case State::reversed:  // R35, R39, R51a: a 0420 of what is as it stays
                if (ledger::is_open(r) && !has_open_exception(r))
                    broken("liveness", "a reversal is not through though nothing hinders it: " + words(r),
                           at);
                break;
            case State::processing:  // as long as the wallet says so, and not for ever (R80)
            case State::voided:
            case State::refused:
            case State::held:
            case State::rejected:
            case State::expired:
            case State::cancelled:
            case State::alternative_account:
            case State::merchant_account:
            case State::authorized:
            case State::auth_voided:
            case State::completed:
                break;
        }
    }
}

/// I11. What the ledger expects to stand in an issuer's books under the record's RRN.
void Checkers::check_books(routing::RouteId route, const routing::IssuerBooks& books, iso8583::Instant at) {
    using Standing = routing::IssuerBooks::Standing;
    std::map<std::string, Standing> theirs = books.standing_by_rrn();
    const auto compare = [&](const TransactionRecord& r, const Standing& ours) {
        const auto found = theirs.find(r.rrn.str());
        const Standing stands = found == theirs.end() ? Standing{} : found->second;
        if (found != theirs.end()) theirs.erase(found);
        if (stands == ours || chain_is_excused(r) || waits_forever(r) || people_decided(r)) return;
        // … of its void, which may not be named any more; or which went to the successor of its route, who
        // does not know what that one booked.
        if (any_of_chain(r, [&r](const TransactionRecord& other) {
                return people_decided(other) || other.route != r.route;
            }))
            return;
        broken("I11",
               "issuer and ledger differ on " + words(r) + ": the issuer has sale " +
                   std::to_string(stands.sale) + ", refund " + std::to_string(stands.refund) + ", void " +
                   std::to_string(stands.voided) + ", discount " + std::to_string(stands.discount) +
                   " (the ledger " + std::to_string(ours.discount) + ")",
               at);
    };
    for (const auto& [rrn, r] : records_) {
        if (routing::RouteId{r.route} != route) continue;
        Standing ours;
        const std::int64_t amount = r.amount.minor_units();
        switch (r.kind) {
            case TransactionKind::sale: {
                // A sale that was voided online stands beside its void; one whose void went as 0420 is
                // reversed.
                const TransactionRecord* v = r.voided_by ? record(*r.voided_by) : nullptr;
                const bool by_reversal = v != nullptr &&
                                         v->advice.kind == ledger::QueuedAdvice::Kind::reversal &&
                                         v->state == State::voided && v->issuer_stan == 0;
                if (r.state == State::approved || (r.state == State::voided && !by_reversal))
                    ours.sale = amount;
                // What both have of the refunds has to be the same before the discount can be (R102).
                if (const auto stands = theirs.find(rrn.str()); stands != theirs.end()) {
                    const bool same = stands->second.refunded == r.refunds_minor;
                    ours.discount = same ? r.charges.discount_minor : stands->second.discount;
                    ours.refunded = stands->second.refunded;
                }
                break;
            }
            case TransactionKind::void_sale:
                if (r.state == State::voided && r.issuer_stan != 0 && !r.of_authorization)
                    ours.voided = amount;
                break;
            case TransactionKind::refund:
                if (r.state == State::approved) ours.refund = amount;
                break;
            case TransactionKind::authorization:
                if (r.state == State::authorized) ours.hold = amount;
                // What lapsed is the issuer's to drop: this one forgets nothing by itself.
                if (const auto held = theirs.find(rrn.str());
                    r.state == State::lapsed && held != theirs.end())
                    ours.hold = held->second.hold;
                break;
        }
        compare(r, ours);
    }
    for (const auto& [rrn, standing] : theirs) {
        const auto parsed = Rrn::parse(rrn);
        const TransactionRecord* r = parsed ? record(*parsed) : nullptr;
        // One that two people said was refused here, and sent again, may have gone to the successor (R74).
        if (r == nullptr || !(chain_is_excused(*r) || people_decided(*r)))
            broken("I11", "an issuer has booked what the ledger does not know, RRN " + rrn, at);
    }
    check_anomalies(books, at);
}

/// What no issuer should ever have been told. What excuses it stands in the chain of the transaction that
/// made no sense to the issuer: it said what is not so, two people decided against the facts, or it approved
/// late what was used meanwhile (R51a, which raised its alarm).
void Checkers::check_anomalies(const routing::IssuerBooks& books, iso8583::Instant at) {
    if (!successors_.empty()) return;  // the successor of a route does not know what that one booked
    const auto excuses = [this](const TransactionRecord& r) {
        const auto used = exceptions_.lower_bound(r.rrn.str());
        const bool was_used = std::any_of(used, exceptions_.end(), [&r](const auto& entry) {
            return entry.first.starts_with(r.rrn.view()) && entry.second.kind == "late_approval_amount_used";
        });
        return was_used || people_decided(r) || lied_about_.contains(r.rrn);
    };
    for (const routing::IssuerBooks::Sighting& seen : books.sightings()) {
        const auto rrn = Rrn::parse(seen.rrn);
        const TransactionRecord* r = rrn ? record(*rrn) : nullptr;
        if (r == nullptr || !any_of_chain(*r, excuses))
            broken("I11",
                   "an issuer was asked what it never should be: " +
                       std::string(routing::name(seen.anomaly)) + ", RRN " + seen.rrn,
                   at);
    }
}

}  // namespace simulation
