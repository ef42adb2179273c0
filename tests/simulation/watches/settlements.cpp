// What terminals of the UnionPay profile are told about their batches (R5): both halves of DE48 are compared,
// each by the lowest twelve digits of its sums. The sums are those of the records, reckoned here; a batch in
// which anything stands that has a story of its own is not judged.
#include <map>
#include <optional>

#include "tests/simulation/batch_sums.hpp"
#include "tests/simulation/watch.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace acquirer;
using iso8583::Field;

class Settlements final : public Watch {
  public:
    explicit Settlements(World& world) : world_(world) {}

    void offering(std::size_t /*shard*/, const Event& event) override {
        const auto* arrived = std::get_if<RequestArrived>(&event);
        if (arrived == nullptr || arrived->request.profile != Profile::unionpay_pos ||
            arrived->mac != MacState::verified)
            return;
        if (arrived->request.kind == RequestKind::batch_upload_end)
            upload_ended_.insert({arrived->request.terminal, arrived->request.batch});
        if (arrived->request.kind == RequestKind::settlement)
            asked_[{arrived->from.link.value, arrived->request.stan.str()}] = arrived->request.batch;
    }

    void changed(const ledger::TransactionRecord* before, const ledger::TransactionRecord& now) override {
        if (before == nullptr) batches_[now.terminal][now.batch].push_back(now.rrn);
    }

    void released(const Effect& effect) override {
        const auto* reply = std::get_if<SendReply>(&effect);
        if (reply == nullptr || reply->fields.mti().message_class() != 5 ||
            reply->to.profile != Profile::unionpay_pos || reply->fields.get(Field::response_code) != "00")
            return;
        const auto asked = asked_.find({reply->to.link.value, std::string(reply->fields.get(Field::stan))});
        const auto terminal = iso8583::TerminalId::parse(reply->fields.get(Field::terminal));
        if (asked == asked_.end() || !terminal) return;
        const auto said = Said::parse(std::string(reply->fields.get(Field::additional_data)));
        // A batch that is closed is answered as it was, by whoever sent it: one that the end of its upload
        // has closed, with that one's numbers and codes, however right it is now.
        if (said && said->codes() == "22" && reply->fields.has(Field::rrn) &&
            upload_ended_.contains({*terminal, asked->second}))
            return;
        if (!said || !closed_.insert({*terminal, asked->second}).second) return;
        const auto sums = sums_of_batch(world_.checkers(), batches_[*terminal][asked->second]);
        if (said->codes() != "11") closed_.erase({*terminal, asked->second});
        if (!sums) return;
        const auto judge = [&](const char* half, const HalfOfBatch& claimed, const HalfOfBatch& ours,
                               char code) {
            const bool agree = claimed == ours.lowest_digits();
            if (agree != (code == '1'))
                world_.checkers().broken("R5",
                                         "terminal " + terminal->str() + " batch " + asked->second.str() +
                                             ": its " + half + " half is answered " + code + " and is " +
                                             (agree ? "right" : "wrong"),
                                         world_.now().instant);
        };
        judge("domestic", said->domestic, sums->domestic, said->codes()[0]);
        judge("foreign", said->foreign, sums->foreign, said->codes()[1]);
    }
    void crashed() override { asked_.clear(); }

  private:
    /// DE48 of an 0510.
    struct Said {
        HalfOfBatch domestic, foreign;
        std::string text;
        static std::optional<Said> parse(const std::string& text) {
            if (text.size() != 2 * HalfOfBatch::digits + 2 || !iso8583::all_digits(text)) return std::nullopt;
            return Said{HalfOfBatch::parse(text), HalfOfBatch::parse(text.substr(HalfOfBatch::digits + 1)),
                        text};
        }
        [[nodiscard]] std::string codes() const {
            return std::string(1, text[HalfOfBatch::digits]) + text[2 * HalfOfBatch::digits + 1];
        }
    };

    World& world_;
    std::map<std::pair<std::uint64_t, std::string>, iso8583::BatchNumber> asked_;  // by link and DE11
    std::map<iso8583::TerminalId, std::map<iso8583::BatchNumber, std::vector<iso8583::Rrn>>> batches_;
    using BatchOfTerminal = std::pair<iso8583::TerminalId, iso8583::BatchNumber>;
    std::set<BatchOfTerminal> closed_;
    std::set<BatchOfTerminal> upload_ended_;  // by a 0320 that may have been in time; the answer may be lost
};

}  // namespace

std::unique_ptr<Watch> watch_settlements(World& world) { return std::make_unique<Settlements>(world); }

}  // namespace simulation
