// What `man refundctl` says beside its commands, which are those of the table.
#pragma once

#include "iso8583/command_line/command_shape.hpp"

namespace acquirer::admin {

command_line::Manual refundctl_manual();

}  // namespace acquirer::admin
