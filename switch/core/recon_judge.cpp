#include "switch/core/recon_judge.hpp"

#include <algorithm>
#include <array>

#include "iso8583/values/amount.hpp"

namespace acquirer {
namespace {

using ledger::Account;
using ledger::IssuerEffect;
using ledger::ReconEntry;
using ledger::ReconLine;
using ledger::ReconStatus;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

/// The outcome at the issuer is still to come, or not known.
bool is_under_way(State state) {
    switch (state) {
        case State::intent:
        case State::sent:
        case State::in_doubt:
        case State::reverse_on_answer:
        case State::reversing:
        case State::reversal_stuck:
        case State::voiding:
        case State::void_reversing:
        case State::cleared:
        case State::advice_pending:
        case State::processing:
        case State::parked:
        case State::not_collected:
            return true;
        case State::approved:
        case State::declined:
        case State::reversed:
        case State::voided:
        case State::tombstone:
        case State::refused:
        case State::held:
        case State::rejected:
        case State::expired:
        case State::cancelled:
        case State::abnormal:
        case State::alternative_account:
        case State::merchant_account:
        case State::authorized:
        case State::auth_voiding:
        case State::auth_voided:
        case State::completing:
        case State::completed:
        case State::lapsed:
            return false;
    }
    return false;
}

/// A void that its route takes as the 0420 of the sale has no booking of its own.
bool has_own_booking(const TransactionRecord& void_record) { return void_record.issuer_stan != 0; }

std::int64_t expected_minor(const TransactionRecord& r, const TransactionRecord* void_of) {
    const std::int64_t amount = r.amount.minor_units();
    switch (r.kind) {
        case TransactionKind::sale:
            if (r.state == State::approved) return amount;
            return r.state == State::voided && void_of != nullptr && has_own_booking(*void_of) ? amount : 0;
        case TransactionKind::void_sale:
            return r.state == State::voided && has_own_booking(r) && !r.of_authorization ? amount : 0;
        case TransactionKind::refund:
            return r.state == State::approved || r.decided.paid_twice ? amount : 0;
        case TransactionKind::authorization:
            return 0;  // a hold is no booking
    }
    return 0;
}

IssuerEffect effect_of(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::sale:
        case TransactionKind::authorization:
            return IssuerEffect::sale;
        case TransactionKind::void_sale:
            return IssuerEffect::void_of_sale;
        case TransactionKind::refund:
            return IssuerEffect::refund;
    }
    return IssuerEffect::sale;
}

/// The first day in which it was posted against the issuer, else that in which it was committed.
iso8583::BusinessDate booked_in(const TransactionRecord& r) {
    for (const ledger::Posting& p : r.postings)
        if (p.debit == Account::issuer_receivable || p.credit == Account::issuer_receivable) return p.day;
    return r.business_date;
}

std::string major(std::int64_t minor, std::uint16_t currency) {
    return iso8583::Amount(minor, iso8583::Currency::of(currency)).major();
}

constexpr std::size_t effects = 3;
std::size_t place(IssuerEffect effect) { return static_cast<std::size_t>(effect) - 1; }

/// What stands in the issuer's books: booked less taken back, by effect.
std::array<std::int64_t, effects> standing(const ReconEntry& entry) {
    std::array<std::int64_t, effects> booked{}, back{};
    for (const ReconLine& line : entry.lines)
        (line.is_reversal ? back : booked)[place(line.effect)] += line.amount_minor;
    for (std::size_t i = 0; i < effects; ++i) booked[i] = std::max<std::int64_t>(0, booked[i] - back[i]);
    return booked;
}

/// Days by which the issuer booked it later than we did; a reversal comes when it comes.
std::int32_t days_late(const ReconEntry& entry, const OurSide& ours) {
    std::int32_t late = 0;
    for (const ReconLine& line : entry.lines)
        if (!line.is_reversal) late = std::max(late, line.day.date.days() - ours.day.date.days());
    return late;
}

std::string place_of(const ReconEntry& entry) {
    if (entry.lines.empty()) return "";
    const ReconLine& line = entry.lines.back();
    return " (file " + std::to_string(line.file) + ", line " + std::to_string(line.line_number) + ")";
}

ReconVerdict judge_unknown(const ReconEntry& entry) {
    ReconVerdict v;
    const auto theirs = standing(entry);
    v.effect = entry.lines.empty() ? entry.effect : entry.lines.front().effect;
    v.theirs_minor = theirs[place(v.effect)];
    if (std::all_of(theirs.begin(), theirs.end(), [](std::int64_t minor) { return minor == 0; })) return v;
    v.status = ReconStatus::missing_here;
    v.why = "the issuer has a " + std::string(name(v.effect)) + " of " +
            major(v.theirs_minor, entry.lines.front().currency) + " that we do not have" + place_of(entry);
    return v;
}

/// What makes it another transaction than the one that its number names; nothing when it is that one.
std::optional<ReconStatus> other_party(const ReconEntry& entry, const OurSide& ours, std::string& why) {
    if (!ours.is_of_route) {
        why = "the issuer's file names a transaction that went over another route" + place_of(entry);
        return ReconStatus::wrong_route;
    }
    for (const ReconLine& line : entry.lines) {
        if (!line.card_last4.empty() && line.card_last4 != ours.card_last4) {
            why = ours.card_last4.empty()
                      ? "the issuer has a card ending in " + line.card_last4 + ", and we have none"
                      : "the issuer has a card ending in " + line.card_last4 + ", ours ends in " +
                            ours.card_last4;
            why += place_of(entry);
            return ReconStatus::wrong_card;
        }
        if (!line.merchant.empty() && line.merchant != ours.merchant) {
            why = "the issuer has it for merchant " + line.merchant + ", we for " + ours.merchant +
                  place_of(entry);
            return ReconStatus::wrong_merchant;
        }
    }
    return std::nullopt;
}

/// Both have it; the amounts, the kind or the currency do not agree.
std::optional<std::string> other_amount(const ReconEntry& entry, const OurSide& ours,
                                        const std::array<std::int64_t, effects>& theirs) {
    if (entry.lines_left_out)
        return "the issuer's files have more than " + std::to_string(ReconEntry::lines_max) +
               " lines about it";
    for (const ReconLine& line : entry.lines)
        if (line.currency != ours.currency)
            return "the issuer has currency " + iso8583::Currency::of(line.currency).str() + ", we " +
                   iso8583::Currency::of(ours.currency).str() + place_of(entry);
    for (const IssuerEffect e : {IssuerEffect::sale, IssuerEffect::refund, IssuerEffect::void_of_sale})
        if (e != ours.effect && theirs[place(e)] != 0)
            return "the issuer has a " + std::string(name(e)) + " of " +
                   major(theirs[place(e)], ours.currency) + ", ours is a " + std::string(name(ours.effect)) +
                   place_of(entry);
    return std::nullopt;
}

ReconVerdict compare(const ReconEntry& entry, const OurSide& ours, std::int32_t recon_days) {
    const auto theirs = standing(entry);
    ReconVerdict v{ReconStatus::matched, ours.effect, ours.minor, theirs[place(ours.effect)], ""};
    const std::string what(name(ours.effect));
    const std::string our_amount = major(ours.minor, ours.currency);
    const std::string their_amount = major(v.theirs_minor, ours.currency);
    if (const auto other = other_amount(entry, ours, theirs)) {
        v.status = ReconStatus::amount_differs;
        v.why = *other;
    } else if (v.theirs_minor == v.ours_minor) {
        const std::int32_t late = ours.minor == 0 ? 0 : days_late(entry, ours);
        if (late > 0) v.status = late <= recon_days ? ReconStatus::late : ReconStatus::too_late;
        if (late > recon_days)
            v.why = "the issuer booked the " + what + " of " + our_amount + " " + std::to_string(late) +
                    " days later than we did, " + std::to_string(recon_days) + " are usual" + place_of(entry);
    } else if (v.theirs_minor == 0) {
        v.status = ReconStatus::missing_there;
        v.why = "we have a " + what + " of " + our_amount +
                (entry.lines.empty() ? " that the issuer's files have not"
                                     : " that the issuer has taken back" + place_of(entry));
    } else if (v.ours_minor == 0) {
        v.status = ReconStatus::missing_here;
        v.why = "the issuer has a " + what + " of " + their_amount + " that is " + ours.state + " here" +
                place_of(entry);
    } else {
        v.status = ReconStatus::amount_differs;
        v.why =
            "the issuer has a " + what + " of " + their_amount + ", we of " + our_amount + place_of(entry);
    }
    return v;
}

}  // namespace

bool is_recon_exception(std::string_view kind) {
    return kind.substr(0, recon_exception_prefix.size()) == recon_exception_prefix;
}

OurSide our_side(const TransactionRecord& r, const TransactionRecord* void_of, std::uint16_t route) {
    OurSide ours;
    ours.is_of_route =
        r.route == route || std::any_of(r.reroutes.begin(), r.reroutes.end(),
                                        [&](const ledger::Rerouted& before) { return before.from == route; });
    ours.effect = effect_of(r.kind);
    ours.is_pending = is_under_way(r.state) || r.open_partial() != nullptr || r.is_uncollected();
    // The 0420 of a void goes on under the sale's RRN.
    if (r.state == State::voided && r.kind == TransactionKind::sale && void_of != nullptr &&
        !has_own_booking(*void_of) && is_under_way(void_of->state))
        ours.is_pending = true;
    ours.minor = r.route == route ? expected_minor(r, void_of) : 0;
    ours.currency = r.amount.currency().numeric();
    ours.day = booked_in(r);
    constexpr std::size_t last = 4;
    if (r.pan_masked.size() >= last) ours.card_last4 = r.pan_masked.substr(r.pan_masked.size() - last);
    ours.merchant = r.merchant.str();
    ours.state = ledger::name(r.state);
    return ours;
}

ReconVerdict judge(const ReconEntry& entry, const std::optional<OurSide>& ours, std::int32_t recon_days) {
    if (!ours) return judge_unknown(entry);
    ReconVerdict v = compare(entry, *ours, recon_days);
    std::string why;
    if (const auto other = other_party(entry, *ours, why)) {
        v.status = *other;
        v.why = std::move(why);
    } else if (ours->is_pending) {
        v.status = ReconStatus::pending;
        v.why = "it is " + ours->state + " here: what the issuer has to have is not known yet";
    }
    return v;
}

LineApplied apply_line(ReconEntry& entry, ReconLine line) {
    for (ReconLine& known : entry.lines) {
        if (known.identity != line.identity || known.file == line.file) continue;
        ReconLine as_before = line;
        as_before.file = known.file;
        as_before.line_number = known.line_number;
        const bool same = as_before == known;
        // It counts as this file's from now on: a second one like it in the same file is a second booking.
        known = std::move(line);
        return same ? LineApplied::repeated : LineApplied::replaced;
    }
    if (entry.lines.size() == ReconEntry::lines_max)
        entry.lines_left_out = true;
    else
        entry.lines.push_back(std::move(line));
    return LineApplied::added;
}

}  // namespace acquirer
