// The MAC of a message that came in, in the form in which the HSM is asked about it. Shared by terminal and
// issuer sessions. Pure. Source: docs/wire.md, MAC of both profiles.
#pragma once

#include <optional>

#include "hsm_sim/port.hpp"
#include "iso8583/field_set.hpp"
#include "iso8583/message.hpp"

namespace acquirer {

/// The MAC field of a message, only when nothing follows it: what stands after the MAC is not covered by it,
/// so such a MAC counts as missing.
std::optional<iso8583::Field> closing_mac_field(const iso8583::FieldSet& present);

struct MessageMac {
    hsm::Mac mac{};
    iso8583::Bytes input;  // what it covers: MTI … last field before it
};
/// Of a message that decoded whole; nothing when there is none, when it does not close the message, has not
/// eight bytes, or is written in hex with small letters: one message has one MAC, not 2^n of them.
std::optional<MessageMac> closing_mac(const iso8583::Message& message);

}  // namespace acquirer
