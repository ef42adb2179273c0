// Effects as text: whole, for the hash that two runs of one seed must share, and masked, for people.
#pragma once

#include <string>

#include "switch/core/effect.hpp"

namespace simulation {

/// Every value of the effect. Contains clear card data: for hashing only, never for output.
[[nodiscard]] std::string whole_text(const acquirer::Effect& effect);
/// One line without card data.
[[nodiscard]] std::string masked_text(const acquirer::Effect& effect);
/// MTI, DE3, DE4, DE11, DE37, DE39 of a message, what of it is there.
[[nodiscard]] std::string message_text(const iso8583::FieldValues& fields);

}  // namespace simulation
