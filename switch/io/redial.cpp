#include "switch/io/redial.hpp"

#include <algorithm>

namespace acquirer {

namespace {

// SplitMix64's finaliser: spreads neighbouring numbers.
std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9U;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

}  // namespace

std::int32_t reconnect_delay_ms(std::int32_t first_ms, std::int32_t longest_ms, std::uint32_t attempt,
                                std::uint64_t salt) {
    std::int64_t delay = first_ms;
    for (std::uint32_t i = 1; i < attempt && delay < longest_ms; ++i) delay *= 2;
    delay = std::min<std::int64_t>(delay, longest_ms);
    const auto quarter = static_cast<std::uint64_t>(delay / 4 + 1);
    return static_cast<std::int32_t>(delay - static_cast<std::int64_t>(mix(salt * 1024 + attempt) % quarter));
}

Redial::Redial(Reactor& reactor, RedialSetup setup, Calls calls)
    : reactor_(reactor),
      setup_(std::move(setup)),
      calls_(std::move(calls)),
      retry_(reactor.alarm([this] { connect(); })),
      attempt_(std::make_shared<Redial*>(this)) {}

void Redial::connect() {
    if (!attempt_) return;
    reactor_.connect(setup_.address, setup_.connect_timeout_ms, setup_.channel,
                     [weak = std::weak_ptr(attempt_)](iso8583::Result<std::shared_ptr<Stream>> result) {
                         const auto self = weak.lock();
                         if (!self) return;
                         if (!result) return (*self)->lost(result.error().what);
                         (*self)->calls_.connected(std::move(*result));
                     });
}

void Redial::lost(const std::string& why) {
    if (!attempt_) return;
    ++failures_;
    const std::int32_t delay = reconnect_delay_ms(setup_.first_ms, setup_.longest_ms, failures_, setup_.salt);
    calls_.failed(why, delay);
    retry_->set(Reactor::now().plus_ms(delay));
}

void Redial::stop() {
    attempt_.reset();
    retry_->cancel();
}

}  // namespace acquirer
