#include "tests/simulation/notice_watch.hpp"

#include "ledger/number_plan.hpp"
#include "switch/core/notices.hpp"

namespace simulation {

using ledger::NoticeKind;

void NoticeWatch::written(const std::vector<ledger::Notice>& notices, iso8583::Instant at) {
    for (const ledger::Notice& n : notices) {
        const std::string words = "notice " + std::to_string(n.number) + " (" +
                                  std::string(ledger::name(n.kind)) + " of " + n.rrn.str() + ")";
        const ledger::TransactionRecord* refund = checkers_.record(n.rrn);
        if (refund == nullptr || refund->noticed == 0)
            checkers_.broken("notices", words + " was delivered before its refund was durable", at);
        checkers_.logged(n.card, at);
        const std::size_t shard = n.number % newest_.size();
        std::uint64_t& newest = newest_[shard];
        if (n.number <= newest) {
            checkers_.reached("notice delivered twice");
            continue;
        }
        if (n.number != ledger::plan_of_shard(shard, newest_.size()).number_after(newest))
            checkers_.broken("notices", words + " came behind notice " + std::to_string(newest), at);
        newest = n.number;
        std::vector<NoticeKind>& told = told_[n.rrn];
        if (!told.empty() && told.back() == n.kind)
            checkers_.broken("notices", words + " says nothing new", at);
        told.push_back(n.kind);
        checkers_.reached("notice " + std::string(ledger::name(n.kind)));
    }
}

void NoticeWatch::check_end(std::uint64_t waiting, iso8583::Instant at) {
    if (waiting != 0)
        checkers_.broken("notices", std::to_string(waiting) + " notices were not delivered", at);
    for (const auto& [rrn, r] : checkers_.records()) {
        const std::string words = "refund " + rrn.str() + " (" + std::string(ledger::name(r.state)) + ")";
        if (acquirer::notice_due(r) != NoticeKind::none)
            checkers_.broken("notices", words + ": nobody was told", at);
        const auto told = told_.find(rrn);
        const NoticeKind last = told == told_.end() ? NoticeKind::none : told->second.back();
        if (last != static_cast<NoticeKind>(r.noticed))
            checkers_.broken(
                "notices", words + ": the last that was delivered is " + std::string(ledger::name(last)), at);
    }
}

std::string NoticeWatch::told(const iso8583::Rrn& refund) const {
    std::string words;
    if (const auto told = told_.find(refund); told != told_.end())
        for (const NoticeKind kind : told->second)
            words += (words.empty() ? "" : " ") + std::string(ledger::name(kind));
    return words;
}

}  // namespace simulation
