#include "switch/core/operator_command.hpp"

namespace acquirer {

std::string_view name(Role role) {
    switch (role) {
        case Role::viewer:
            return "viewer";
        case Role::operator_:
            return "operator";
        case Role::supervisor:
            return "supervisor";
        case Role::security_officer:
            return "security_officer";
        case Role::admin:
            return "admin";
    }
    return "?";
}

iso8583::Result<Role> parse_role(std::string_view text) {
    for (const Role role :
         {Role::viewer, Role::operator_, Role::supervisor, Role::security_officer, Role::admin})
        if (name(role) == text) return role;
    return iso8583::parse_error("a role is one of viewer, operator, supervisor, security_officer, admin");
}

}  // namespace acquirer
