// What the reports share: their head, groups, shares. An inner face of reports.hpp.
#pragma once

#include <map>
#include <string>

#include "ledger/totals.hpp"
#include "switch/views/report_days.hpp"
#include "switch/views/reports.hpp"

namespace acquirer::report {

/// Name, time, currency and scope.
View head(const ViewContext& context, std::string_view name, const ListQuery& query);
/// What was read, for a report of days.
void put_read(View& view, const DaysRead& read);
std::string major(const ViewContext& context, std::int64_t minor);
/// "12.5"; empty when there is no whole.
std::string percent(std::int64_t part, std::int64_t whole);
/// What stands on the books of a sale now; 0 of one that was declined, voided or reversed.
std::int64_t booked_minor(const ledger::TransactionRecord& sale);

inline void add(ledger::Total& total, std::int64_t minor) {
    ++total.count;
    total.amount_minor += minor;
}
inline void add(ledger::Total& total, const ledger::Total& more) {
    total.count += more.count;
    total.amount_minor += more.amount_minor;
}

/// Groups by name; beyond report_groups_max all others are one.
template <typename Group>
class Groups {
  public:
    static constexpr const char* others = "(others)";
    Group& at(const std::string& name) {
        if (const auto known = all_.find(name); known != all_.end()) return known->second;
        return all_[all_.size() < report_groups_max ? name : std::string(others)];
    }
    [[nodiscard]] const std::map<std::string, Group>& all() const { return all_; }

  private:
    std::map<std::string, Group> all_;
};

}  // namespace acquirer::report
