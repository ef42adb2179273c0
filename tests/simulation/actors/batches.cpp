// Batches: makers submit files of refunds (R100), good ones, bad ones and the same again; checkers approve
// and reject; people pause, resume and cancel in the middle, whenever they like, and sometimes as the wrong
// person.
#include <map>

#include "ledger/file_books.hpp"
#include "tests/simulation/actor.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

constexpr std::int64_t event_ms_min = 800;
constexpr std::int64_t event_ms_max = 8'000;
constexpr std::size_t remembered_max = 8;
constexpr std::uint32_t lines_max = 6;
constexpr const char* note = "as the shop's list says";

class Batches final : public Actor {
  public:
    explicit Batches(Scene& scene) : world_(scene.world), ticks_(scene, "batches") {
        present_ = scene.swarm.has("batches", 500);
        impatient_ = scene.swarm.has("impatient batches", 300);
    }
    void start() override {
        if (present_) ticks_.start(event_ms_min, event_ms_max, [this](Chance& chance) { happen(chance); });
    }
    /// What was paused goes on, or its end would be nobody's.
    void calm() override {
        ticks_.stop();
        for (const std::string& id : batches_)
            say("maker1", Role::operator_, ChangeBatch{id, ChangeBatch::To::resume, false, ""});
    }
    /// I1 for lines: one reference is one refund, however often it was submitted and wherever the process
    /// died.
    void judge() override {
        std::map<std::string, iso8583::Rrn> by_reference;
        for (const auto& [rrn, r] : world_.checkers().records()) {
            if (r.batch_line.batch.empty() || r.reference.empty()) continue;
            const auto [known, is_new] = by_reference.emplace(r.merchant.str() + " " + r.reference, rrn);
            if (!is_new)
                world_.checkers().broken(
                    "R100", "line " + r.reference + " is refund " + known->second.str() + " and " + rrn.str(),
                    world_.now().instant);
        }
    }

  private:
    void happen(Chance& chance) {
        const std::uint32_t what = chance.below(100);
        if (what < 35 || batches_.empty()) return submit(chance);
        const std::string id = chance.pick(batches_);
        const std::string checker = chance.permille(900) ? "checker1" : "maker1";
        if (what < 70)
            return say(checker, Role::supervisor, DecideBatch{id, DecideBatch::To::approve, "", ""});
        if (what < 75)
            return say(checker, Role::supervisor, DecideBatch{id, DecideBatch::To::reject, "", note});
        if (what < (impatient_ ? 85U : 78U))
            return say("maker2", Role::operator_, ChangeBatch{id, ChangeBatch::To::pause, false, note});
        if (what < 95)
            return say("maker2", Role::operator_,
                       ChangeBatch{id, ChangeBatch::To::resume, chance.permille(400), ""});
        say("maker1", Role::operator_, ChangeBatch{id, ChangeBatch::To::cancel, false, note});
    }

    void say(const std::string& user, Role role, OperatorCommand command,
             std::function<void(const OperatorAnswer&)> answered = {}) {
        ticks_.did();
        world_.operate(std::move(command), user, role, [answered](const OperatorAnswer& answer) {
            if (answered) answered(answer);
        });
    }

    std::string line(Chance& chance, const TransactionRecord& sale, std::uint32_t number) {
        const std::int64_t most = sale.amount.minor_units();
        const std::int64_t minor = chance.permille(900) ? chance.between(1, (most + 2) / 3) : most + 1;
        const std::string date = chance.permille(950) ? sale.local_date.mmdd() : "0229";
        const std::string reason = chance.permille(970) ? "quality" : "no such reason";
        return "L-" + std::to_string(number) + "," + sale.rrn.str() + "," + date + "," +
               iso8583::Amount(minor, sale.amount.currency()).major() + "," + reason + "\n";
    }

    /// Of one merchant's sales, now and then with one of another's.
    void submit(Chance& chance) {
        std::vector<iso8583::Rrn> sales;
        for (const auto& [rrn, r] : world_.checkers().records())
            if (r.kind == TransactionKind::sale && r.state == State::approved) sales.push_back(rrn);
        if (sales.empty()) return;
        if (!last_text_.empty() && chance.permille(250)) return send(last_merchant_, last_text_, reference_);
        const std::string merchant = world_.checkers().record(chance.pick(sales))->merchant.str();
        std::string text = "line_ref,rrn,date,amount,reason\n";
        const std::uint32_t lines = 1 + chance.below(lines_max);
        for (std::uint32_t n = 0; n < lines; ++n) {
            const TransactionRecord* sale = world_.checkers().record(chance.pick(sales));
            if (sale->merchant.str() == merchant || chance.permille(100)) text += line(chance, *sale, n);
        }
        last_text_ = std::move(text);
        last_merchant_ = merchant;
        if (chance.permille(850)) ++reference_;
        send(merchant, last_text_, reference_);
    }

    void send(const std::string& merchant, const std::string& text, std::uint32_t reference) {
        const std::string digest = ledger::digest_text(ledger::Sha256().finish(iso8583::as_bytes(text)));
        say("maker1", Role::operator_, JudgeLines{merchant, text.substr(text.find('\n') + 1), 2});
        say("maker1", Role::operator_, PutFile{digest, text.size(), 0, text});
        say("maker1", Role::operator_,
            SubmitBatch{merchant, "batch-" + std::to_string(reference), digest, "refunds.csv"},
            [this](const OperatorAnswer& answer) {
                if (!answer.done) return;
                if (batches_.size() == remembered_max) batches_.erase(batches_.begin());
                batches_.push_back(answer.values.front().second);
            });
    }

    World& world_;
    Ticks ticks_;
    std::vector<std::string> batches_;  // by number, the newest last
    std::string last_text_, last_merchant_;
    std::uint32_t reference_ = 0;
    bool present_ = false, impatient_ = false;
};

const ActorKind here("batches", make<Batches>);

}  // namespace
}  // namespace simulation
