// The authorizations of a card at a merchant under one authorization code (DE38): how a void or completion
// that does not name an RRN finds its authorization (ruling 35). Bytes: docs/ledger_format.md.
//
// Free functions over a store's reader and the overlay of a turn. Thread: the core's. A list that cannot be
// read is damage, and said.
#pragma once

#include <string>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/pan.hpp"
#include "ledger/ledger.hpp"

namespace ledger {

/// So many of one card, merchant and code are kept; an issuer gives the same code to one card that often
/// within a few weeks only by mistake.
inline constexpr std::size_t authorizations_of_card_max = 16;

std::string authorizations_key(const iso8583::MerchantId& merchant, const iso8583::PanToken& token,
                               const iso8583::AuthorizationCode& code);

/// Newest last. A damaged list becomes the ledger's error().
std::vector<iso8583::Rrn> authorizations_of(Ledger& ledger, const std::string& key);
/// Adds one, and forgets the oldest beyond the bound.
void remember_authorization(Ledger& ledger, const std::string& key, const iso8583::Rrn& rrn);
/// It is not stored any more; a list without any goes.
void forget_authorization(Ledger& ledger, const std::string& key, const iso8583::Rrn& rrn);

}  // namespace ledger
