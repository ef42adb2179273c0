// Where what people see of routes, merchants and terminals comes from: the files, or somebody's change.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledger/party.hpp"
#include "ledger/stored_records.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

/// An operator's change of a merchant, terminal or route; nothing when it stands as configured.
iso8583::Result<std::optional<ledger::OverrideRecord>> override_of(const ViewContext& context,
                                                                   ledger::OverrideKind kind,
                                                                   std::string_view id);
/// "file", or "checker1 at 2026-11-21T14:00:00.000+08:00".
std::string source(const ViewContext& context, const std::optional<ledger::OverrideRecord>& change);
/// The same of a merchant, or of the range of terminals that begins with `id`: who added it.
iso8583::Result<std::string> party_source(const ViewContext& context, ledger::PartyKind kind,
                                          std::string_view id);
/// DE41 of a number of a range.
std::string eight_digits(std::uint32_t number);

}  // namespace acquirer
