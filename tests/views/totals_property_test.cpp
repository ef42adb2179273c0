// Whatever a day brings, totals by route, merchant, terminal, instrument and reason add up to the same, and
// to the accounts: days of random work, with all that takes money off a merchant's account and puts it back.
#include <random>
#include <vector>

#include "tests/views/totals_of_desk.hpp"

using namespace desk;
using namespace totals_of_desk;
using acquirer::Role;

namespace {

constexpr int seeds = 30;
constexpr int steps_of_a_day = 40;

struct Sold {
    std::string card;
    Answer answer;
    Ask asked;
};

class Day {
  public:
    Day(Desk& d, unsigned seed) : d_(d), random_(seed) {}

    void work() {
        for (int i = 0; i < steps_of_a_day; ++i) step();
        d_.issuer = [](const Sent&) { return Does{}; };
        d_.pass(600'000);  // what waits arrives
    }

  private:
    unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
    Sold& any_sale() { return sales_[below(static_cast<unsigned>(sales_.size()))]; }
    std::string amount() {
        const std::string minor = std::to_string(1 + below(3'000));
        return std::string(12 - minor.size(), '0') + minor;
    }

    void sell() {
        Ask ask;
        ask.card = below(2) == 0 ? card_a : card_b;
        ask.trace = d_.next_trace();
        ask.iso = below(4) == 0;
        if (ask.iso) ask.time = "1121" + std::to_string(100'000 + below(99'999));
        const auto answer = d_.ask(ask);
        if (answer && answer->code == "00") sales_.push_back({ask.card, *answer, ask});
    }

    void refund() {
        Sold& sold = any_sale();
        if (below(3) == 0) {
            const bool refuses = below(2) == 0;
            d_.issuer = [refuses](const Sent& m) {
                const bool is_refund = m.fields.get(iso8583::Field::processing_code) == "200000";
                return refuses && is_refund ? Does{Does::Kind::decline, "14", MacState::verified, {}}
                                            : Does{};
            };
        }
        const auto answer = d_.ask(d_.refund_of(sold.answer, amount(), sold.card));
        d_.issuer = [](const Sent&) { return Does{}; };
        if (answer && answer->code == "00" && d_.state(answer->rrn) == "abnormal")
            abnormal_.push_back(answer->rrn);
    }

    void refund_by_people() {
        acquirer::OpenRefund open{any_sale().answer.rrn, "1121", "1.00", "quality", ""};
        if (below(2) == 0) open.reason = "service";
        open.reference = "ref " + std::to_string(++references_);
        const auto opened = d_.operate(open, "maker1", Role::operator_);
        if (!opened.done) return;
        const std::string number = opened.values[1].second;
        if (below(2) == 0)
            d_.operate(acquirer::ApproveRefund{number}, "checker1", Role::supervisor);
        else
            d_.operate(acquirer::RejectRefund{number, "no proof"}, "checker1", Role::supervisor);
    }

    void undo() {
        Sold& sold = any_sale();
        if (below(2) == 0) {
            const Ask undoing = d_.void_of(sold.answer, sold.card);
            d_.ask(undoing);
            if (below(2) == 0) d_.ask(d_.reversal_of(undoing));
        } else {
            if (below(3) == 0)
                d_.issuer = [](const Sent& m) {
                    return m.mti() == "0420" ? Does{Does::Kind::decline, "12", MacState::verified, {}}
                                             : Does{};
                };
            d_.ask(d_.reversal_of(sold.asked));
            d_.issuer = [](const Sent&) { return Does{}; };
        }
    }

    void two_people(acquirer::OperatorCommand command) {
        const auto proposed = d_.operate(std::move(command), "maker1", Role::operator_);
        if (!proposed.done) return;
        for (const auto& [name, value] : proposed.values)
            if (name == "proposal")
                d_.operate(acquirer::DecideProposal{value, acquirer::DecideProposal::To::approve, ""},
                           "checker1", Role::supervisor);
    }

    void dispute() {
        const std::string sale = any_sale().answer.rrn;
        two_people(acquirer::AddDispute{sale, "", "2.00", "chargeback", "CB", "the customer's bank says so"});
    }

    void resolve() {
        if (abnormal_.empty()) return;
        const std::string rrn = abnormal_.back();
        abnormal_.pop_back();
        using Way = acquirer::ResolveAbnormal::Way;
        constexpr Way ways[] = {Way::merchant_account, Way::cancel};
        two_people(acquirer::ResolveAbnormal{rrn, ways[below(2)], "", "agreed with the customer"});
    }

    void step() {
        if (sales_.empty()) return sell();
        switch (below(8)) {
            case 0:
            case 1:
                return refund();
            case 2:
                return refund_by_people();
            case 3:
                return undo();
            case 4:
                return dispute();
            case 5:
                return resolve();
            default:
                return sell();
        }
    }

    Desk& d_;
    std::mt19937 random_;
    std::vector<Sold> sales_;
    std::vector<std::string> abnormal_;
    int references_ = 0;
};

}  // namespace

TEST_CASE("totals: however a random day is grouped, it adds up to the same and to the accounts") {
    Kinds seen;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        INFO("seed " << seed);
        Desk d;
        Day day(d, seed);
        day.work();
        for (const auto& [kind, sum] : agreed(d, first_day)) {
            CHECK(sum.count > 0);
            seen[kind].count += sum.count;
        }
        // A second day moves money of the first one's transactions too; the first stays as it was.
        REQUIRE(d.operate(acquirer::CutOverDay{}, "admin1", Role::admin).done);
        const Kinds closed = agreed(d, first_day);
        day.work();
        CHECK(agreed(d, first_day) == closed);
        for (const auto& [kind, sum] : agreed(d, first_day.next())) seen[kind].count += sum.count;
    }
    // A world in which something never happens proves nothing about it.
    for (const char* kind : {"sale", "void", "void_taken_back", "reversal", "refund", "refund_taken_back",
                             "refund_by_merchant", "chargeback"}) {
        INFO(kind);
        CHECK(seen[kind].count > 0);
    }
}

TEST_CASE("totals: by reason, a refund without one stands apart, and a case's under its own") {
    Desk d;
    const Answer sold = d.sale(card_b);
    REQUIRE(d.ask(d.refund_of(sold, "000000001000"))->code == "00");
    const auto opened =
        d.operate(acquirer::OpenRefund{sold.rrn, "1121", "5.00", "quality", "r1"}, "maker1", Role::operator_);
    REQUIRE(opened.done);
    const View view = totals(d, TotalsBy::reason, first_day);
    std::map<std::string, std::int64_t> refunds;
    for (const View& row : *view.find("totals")->items())
        if (*row.find("kind")->text() == "refund")
            refunds[*row.find("reason")->text()] = minor(row, "amount");
    CHECK(refunds == std::map<std::string, std::int64_t>{{"", 1'000}, {"quality", 500}});
}

TEST_CASE("totals: a day that the ledger does not have is an error and no empty list") {
    Desk d;
    const auto snapshot = d.store().snapshot();
    const auto status = d.status();
    for (const std::int32_t days : {-1, 1}) {
        const iso8583::BusinessDate other{first_day.date.plus_days(days)};
        const auto view =
            acquirer::view_totals({*snapshot, status, *d.configuration, d.now()}, TotalsBy::route, other);
        REQUIRE_FALSE(view.has_value());
        CHECK(view.error().what ==
              "day: " + other.date.iso() +
                  " is no business day of this ledger; they are 2026-11-21 to 2026-11-21");
    }
}
