#include "switch/admin/commands.hpp"

#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

const std::vector<CommandInfo>& commands() {
    static const std::vector<CommandInfo> all = [] {
        std::vector<CommandInfo> list = look_commands();
        for (auto&& group : {refund_commands(), way_out_commands(), changing_commands()})
            list.insert(list.end(), group.begin(), group.end());
        return list;
    }();
    return all;
}

const CommandInfo* find_command(std::string_view name) {
    for (const CommandInfo& command : commands())
        if (command.name == name) return &command;
    return nullptr;
}

}  // namespace acquirer::admin
