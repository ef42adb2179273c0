// Bookkeepers: two terminals whose people know what is in their batch and say so half by half (DE48), right
// or wrong by one; who sell for as much as DE4 has room for, so that a batch has more digits than DE48; who
// send a sale right behind a sign-off, another amount under the key of a sale whose PIN is still being looked
// at, and messages that do not say what they are.
#include "tests/simulation/actor.hpp"
#include "tests/simulation/batch_sums.hpp"
#include "tests/simulation/till.hpp"

namespace simulation {
namespace {

using iso8583::Field;
using peers::Outgoing;
using peers::Receipt;
using peers::Transaction;

constexpr std::uint32_t numbers[] = {10000101, 10000102};
constexpr std::int64_t think_ms_min = 200, think_ms_max = 2'500;
constexpr std::int64_t patience_ms = 9'000;
constexpr std::int64_t amount_max = 999'999'999'999;

struct Manners {
    bool big = false;          // amounts of twelve digits
    bool signs_off = false;    // and sells behind it
    bool says_little = false;  // leaves DE3 out
    bool one_key = false;      // another amount under the key of what is on its way
};

class Bookkeeper {
  public:
    Bookkeeper(const Scene& scene, Till& till, Manners manners)
        : world_(scene.world),
          till_(till),
          manners_(manners),
          ticks_(scene, "bookkeeper " + till.terminal().config().terminal.str()) {
        till_.on_answer = [this](Till::Asked& asked) { answered(asked); };
    }
    void start() {
        ticks_.start(think_ms_min, think_ms_max, [this](Chance& chance) { think(chance); });
    }
    void stop() { ticks_.stop(); }

  private:
    void think(Chance& chance) {
        if (waiting_ != nullptr && world_.now().instant.ms - since_.ms < patience_ms) return;
        waiting_ = nullptr;
        if (!till_.terminal().has_keys() || must_sign_on_) return ask(till_.terminal().sign_on(till_.utc()));
        if (must_upload_) return ask(till_.terminal().batch_upload_end(1, till_.utc()));
        const std::uint32_t what = chance.below(100);
        if (what < 50) return ask(sale(chance));
        if (what < 60) return refund(chance);
        if (what < 80) return settle(chance);
        if (what < 87 && manners_.signs_off) return sell_behind_a_sign_off(chance);
        if (what < 94 && manners_.says_little) return leave_out_what_it_is(chance);
        if (manners_.one_key) another_amount_under_its_key(chance);
    }

    void ask(Outgoing out) {
        ticks_.did();
        waiting_ = &till_.ask(std::move(out));
        since_ = world_.now().instant;
    }
    Outgoing sale(Chance& chance, const peers::SaleOptions& options = {}) {
        const char* card = chance.permille(500) ? cards_a[0] : cards_b[0];
        const std::int64_t amount = manners_.big && chance.permille(700)
                                        ? amount_max - chance.between(0, 1'000'000)
                                        : chance.between(1, 40'000);
        return till_.terminal().sale(iso8583::Pan::parse(card).value(), amount, till_.utc(), options);
    }
    void refund(Chance& chance) {
        if (!last_) return;
        ask(till_.terminal().refund(*last_, chance.between(1, last_->amount), till_.utc()));
    }

    /// What its records say, or one of four things that are not so.
    void settle(Chance& chance) {
        std::vector<iso8583::Rrn> own;
        for (const auto& [rrn, r] : world_.checkers().records())
            if (r.terminal == till_.terminal().config().terminal && r.batch == till_.terminal().batch())
                own.push_back(rrn);
        auto sums = sums_of_batch(world_.checkers(), own);
        if (!sums) sums.emplace();
        switch (chance.below(10)) {
            case 0:
                ++sums->domestic.debit;
                break;
            case 1:
                ++sums->foreign.debits;
                break;
            case 2:
                ++sums->foreign.credit;
                break;
            case 3:
                std::swap(sums->domestic, sums->foreign);
                break;
            default:
                break;
        }
        iso8583::FieldValues fields = till_.terminal().settlement({}, till_.utc()).fields;
        fields.set(Field::additional_data, sums->de48());
        ask(till_.terminal().custom(Transaction::settlement, std::move(fields)));
    }

    /// Both in one go: the second is on the wire before the first has been read.
    void sell_behind_a_sign_off(Chance& chance) {
        Outgoing behind = sale(chance);
        ticks_.did();
        till_.ask(till_.terminal().sign_off(till_.utc()));
        ask(std::move(behind));
        must_sign_on_ = true;
    }

    void leave_out_what_it_is(Chance& chance) {
        Outgoing whole = sale(chance);
        if (last_ && chance.permille(300)) whole = till_.terminal().refund(*last_, 1, till_.utc());
        whole.fields.erase(Field::processing_code);
        Outgoing out = till_.terminal().custom(whole.transaction, std::move(whole.fields));
        out.pan = whole.pan;
        untold_ = out.stan;
        ask(std::move(out));
    }

    void another_amount_under_its_key(Chance& chance) {
        peers::SaleOptions options;
        options.pin = "1234";
        const Outgoing first = sale(chance, options);
        iso8583::FieldValues fields = first.fields;
        fields.set(Field::amount_transaction, iso8583::Amount(77, iso8583::Currency::of(156)).field());
        Outgoing second = till_.terminal().custom(Transaction::sale, std::move(fields));
        second.pan = first.pan;
        ask(first);
        till_.ask(std::move(second));
    }

    void answered(Till::Asked& asked) {
        const peers::Outcome& outcome = asked.answers.back();
        const std::string code = outcome.code.str();
        const Transaction what = asked.sent().transaction;
        if (code == "77" || code == "A0") must_sign_on_ = true;
        if (asked.answers.size() == 1) {
            if (what == Transaction::sign_on && code == "00") must_sign_on_ = false;
            if (what == Transaction::settlement && code == "00") must_upload_ = outcome.needs_upload;
            if (what == Transaction::batch_upload_end) must_upload_ = false;
            if (what == Transaction::sale && outcome.receipt) last_ = outcome.receipt;
        }
        if (untold_ && asked.sent().stan == *untold_ && code == "40")
            world_.checkers().broken("R25",
                                     "a message without DE3 is answered 40: it does not say what it is",
                                     world_.now().instant);
        if (waiting_ == &asked) waiting_ = nullptr;
    }

    World& world_;
    Till& till_;
    Manners manners_;
    Ticks ticks_;
    Till::Asked* waiting_ = nullptr;  // the till keeps it for asked_max requests
    iso8583::Instant since_;
    std::optional<Receipt> last_;
    std::optional<iso8583::Stan> untold_;
    bool must_sign_on_ = false, must_upload_ = false;
};

class Bookkeepers final : public Actor {
  public:
    explicit Bookkeepers(Scene& scene) {
        if (!scene.swarm.has("bookkeepers", 300)) return;
        Manners manners;
        manners.big = scene.swarm.has("sums of 13 digits", 300);
        manners.signs_off = scene.swarm.has("sales behind sign-offs", 500);
        manners.says_little = scene.swarm.has("messages without DE3", 500);
        manners.one_key = scene.swarm.has("two amounts under one key", 500);
        for (const std::uint32_t number : numbers)
            bookkeepers_.push_back(std::make_unique<Bookkeeper>(
                scene,
                scene.world.add_till(std::make_unique<Till>(scene.world, till_config(scene.world, number))),
                manners));
    }
    void start() override {
        for (const auto& bookkeeper : bookkeepers_) bookkeeper->start();
    }
    void calm() override {
        for (const auto& bookkeeper : bookkeepers_) bookkeeper->stop();
    }

  private:
    std::vector<std::unique_ptr<Bookkeeper>> bookkeepers_;
};

const ActorKind here("bookkeepers", make<Bookkeepers>);

}  // namespace
}  // namespace simulation
