// The switch's end of the control protocol: a line becomes an operator's command for the core, or a read for
// the worker. Roles: the peer's uid by the configuration's [[operator]]; with demo = true `as` chooses one of
// the demo's people instead, and without it the demo shows everything and changes nothing (viewer).
//
// Ownership: owns its list of operators; a reload calls operators_replaced. Thread: the core's; a read it
// hands out runs on the worker and refers to nothing of this object.
#pragma once

#include <memory>

#include "ledger/audit_log.hpp"
#include "switch/admin/control_protocol.hpp"
#include "switch/admin/store_requests.hpp"
#include "switch/config/config.hpp"
#include "switch/io/control_port.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer::admin {

/// Who asks, by the kernel's word and the configuration.
struct Person {
    std::string name;
    std::vector<Role> roles;
};
/// The demo's people: maker1, maker2, checker1, checker2, security1, admin1.
std::vector<Person> demo_people();

/// Whether a merchant or a range of terminals may be added to what is configured and stored, or taken back:
/// by the checks of the configuration. The version of the configuration that it was held against, or a
/// sentence.
class PartyCheck {
  public:
    virtual ~PartyCheck() = default;
    virtual iso8583::Result<std::uint32_t> may_add(const ledger::PartyRecord& party) = 0;
    virtual iso8583::Result<std::uint32_t> may_remove(ledger::PartyKind kind, const std::string& id) = 0;
};

class OperatorsControl final : public ControlHandler {
  public:
    /// Who somebody is: his Unix user's account alone; in the demo also the one he names (`--as`), and
    /// everybody may look.
    enum class People : std::uint8_t { accounts, demo };
    /// `parties`: none: nothing can be added.
    OperatorsControl(std::vector<OperatorAccount> operators, People people, AuditCheck audit,
                     PartyCheck* parties = nullptr);

    ControlDecision decide(const ControlRequest& request) override;
    std::string refuse(const std::string& why) override;
    /// Policies are read here, where the files are known; without it there are none.
    void judge_policies_by(JudgePolicy judge) { judge_policy_ = std::move(judge); }
    void operators_replaced(std::vector<OperatorAccount> operators) { operators_ = std::move(operators); }

  private:
    [[nodiscard]] iso8583::Result<Person> person_of(const ControlRequest& request,
                                                    const Request& parsed) const;

    std::vector<OperatorAccount> operators_;
    People people_;
    /// What two requests need beside the core: the difference of a policy to the one in force.
    [[nodiscard]] ControlDecision decide_policy(const Request& request, const Person& person) const;

    AuditCheck audit_;
    JudgePolicy judge_policy_;
    PartyCheck* parties_;
};

/// The command of a request that changes something; nothing for a read.
std::optional<OperatorCommand> operator_command(const Request& request);
/// A read over what the worker was given.
ViewResult run_read(const Request& request, const ViewContext& context, const AuditCheck& audit);

}  // namespace acquirer::admin
