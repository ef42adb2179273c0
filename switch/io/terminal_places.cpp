#include "switch/io/terminal_places.hpp"

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Instant;
using iso8583::IpAddress;

namespace {
constexpr std::int64_t minute_us = 60'000'000;
}

TerminalPlaces::Address& TerminalPlaces::known(const IpAddress& network, Instant now) {
    if (addresses_.size() >= addresses_max + bounds_.links_max && !addresses_.contains(network))
        std::erase_if(addresses_, [&](const auto& entry) {
            const Address& a = entry.second;
            return a.links == 0 && a.shut_until <= now;  // what it did wrong is forgotten
        });
    Address& address = addresses_[network];
    address.network = network;
    return address;
}

void TerminalPlaces::unrank(Address& address) {
    by_links_.erase({address.links, address.network});
    by_unverified_.erase({address.unverified.size(), address.network});
}

void TerminalPlaces::rank(Address& address) {
    if (address.links != 0) by_links_.insert({address.links, address.network});
    if (!address.unverified.empty()) by_unverified_.insert({address.unverified.size(), address.network});
}

TerminalPlaces::Arrival TerminalPlaces::arrive(LinkId link, const IpAddress& from, Instant now) {
    Address& address = known(from.network(), now);
    if (address.shut_until > now && !address.has_verified()) return {Refused::address_shut, {}};
    Arrival arrival;
    if (address.links >= bounds_.address_links_max) {
        if (address.unverified.empty()) return {Refused::share_taken, {}};
        arrival.makes_room = address.unverified.front();
    } else if (size() >= bounds_.links_max) {
        if (by_unverified_.empty()) return {Refused::all_taken, {}};
        arrival.makes_room = addresses_.at(by_unverified_.rbegin()->second).unverified.front();
    }
    unrank(address);
    ++address.links;
    ++unverified_;
    links_[link.value] = {&address, address.unverified.insert(address.unverified.end(), link)};
    rank(address);
    return arrival;
}

void TerminalPlaces::verified(LinkId link) {
    Place& place = links_.at(link.value);
    if (!place.unverified) return;
    unrank(*place.address);
    place.address->unverified.erase(*place.unverified);
    place.unverified.reset();
    --unverified_;
    rank(*place.address);
}

bool TerminalPlaces::left(LinkId link, Left how, Instant now) {
    const auto at = links_.find(link.value);
    ENSURE(at != links_.end());
    Address& address = *at->second.address;
    unrank(address);
    --address.links;
    const bool was_verified = !at->second.unverified;
    if (!was_verified) {
        address.unverified.erase(*at->second.unverified);
        --unverified_;
    }
    links_.erase(at);
    rank(address);
    if (how != Left::sent_nonsense || was_verified) {
        if (address.links == 0 && address.bad.is_full(now) && address.shut_until <= now)
            addresses_.erase(IpAddress(address.network));
        return false;
    }
    const std::int64_t burst = bounds_.bad_links_per_minute_max;
    if (address.bad.take(burst, minute_us / burst, now)) return false;
    const bool was_shut = address.shut_until > now;
    address.shut_until = now.plus_ms(shut_ms);
    return !was_shut;
}

}  // namespace acquirer
