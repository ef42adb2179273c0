// Fuzzes TLS channels: two ends and a wire between them on which bytes are cut, flipped, dropped, doubled and
// invented. Whatever arrives, one end never hears what the other has not said, in another order, or after a
// failure; and a failure is a sentence.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "iso8583/values/ensure.hpp"
#include "switch/io/tls.hpp"
#include "tests/peers/tls_identity.hpp"

namespace {

using namespace acquirer;
using iso8583::Bytes;
using iso8583::ByteView;

constexpr std::size_t steps_max = 200;
constexpr std::size_t said_max = 1 << 16;

struct End {
    explicit End(TlsContext& context) : channel(context.channel()) { take(channel->begin()); }
    void take(ByteView bytes) { wire.insert(wire.end(), bytes.begin(), bytes.end()); }
    [[nodiscard]] bool works() const { return channel->failure().empty(); }

    void hear(ByteView bytes, const End& other) {
        if (!works() || ended) return;
        const ByteChannel::Fed fed = channel->feed(bytes);
        heard.insert(heard.end(), fed.plain.begin(), fed.plain.end());
        take(fed.to_send);
        ENSURE(heard.size() <= other.said.size());
        ENSURE(std::equal(heard.begin(), heard.end(), other.said.begin()));
        ENSURE(fed.plain.empty() || channel->ready());
    }
    void say(std::uint8_t what, std::size_t size) {
        if (!works() || finished || said.size() + size > said_max) return;
        const Bytes plain(size, what);
        said.insert(said.end(), plain.begin(), plain.end());
        take(channel->seal(plain));
    }
    void finish() {
        if (!works() || std::exchange(finished, true)) return;
        take(channel->finish());
    }
    void end_wire() {
        if (!works() || std::exchange(ended, true)) return;
        channel->wire_ended();
        ENSURE(channel->peer_finished() || !works());
    }

    std::unique_ptr<ByteChannel> channel;
    Bytes wire, said, heard;
    bool finished = false, ended = false;
};

struct Contexts {
    Contexts() {
        const tls_peers::Identity authority("fuzz authority"), server("switch.test", authority),
            client("terminal.test", authority);
        const std::string ca = authority.certificate_path();
        servers =
            TlsContext::open(TlsContext::Side::server,
                             {server.certificate_path(), server.key_path(), ca, {"terminal.test"}, false})
                .value();
        clients = TlsContext::open(TlsContext::Side::client,
                                   {client.certificate_path(), client.key_path(), ca, {"switch.test"}, false})
                      .value();
    }
    std::shared_ptr<TlsContext> servers, clients;
};

/// One step of the script: what becomes of the bytes on their way.
void step(std::uint8_t what, std::uint8_t how, std::span<const std::uint8_t> more, End& from, End& to) {
    Bytes wire;
    switch (what % 8) {
        case 0:  // all of it arrives
            wire.swap(from.wire);
            return to.hear(wire, from);
        case 1: {  // a piece
            const std::size_t size = std::min<std::size_t>(how, from.wire.size());
            wire.assign(from.wire.begin(), from.wire.begin() + static_cast<std::ptrdiff_t>(size));
            from.wire.erase(from.wire.begin(), from.wire.begin() + static_cast<std::ptrdiff_t>(size));
            return to.hear(wire, from);
        }
        case 2:  // a bit flips
            if (!from.wire.empty())
                from.wire[(std::size_t{how} * 37) % from.wire.size()] ^=
                    static_cast<std::uint8_t>(1U << how % 8);
            return;
        case 3:  // some is lost
            from.wire.resize(from.wire.size() - std::min<std::size_t>(how, from.wire.size()));
            return;
        case 4:
            return from.say(how, std::size_t{how} * 29);
        case 5:  // somebody else's bytes
            return to.hear({more.data(), std::min<std::size_t>(how, more.size())}, from);
        case 6:
            return how % 2 == 0 ? from.finish() : to.end_wire();
        default:  // once more what was there
            wire = from.wire;
            return to.hear(wire, from);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Contexts contexts;
    End client(*contexts.clients), server(*contexts.servers);
    const std::span<const std::uint8_t> script(data, size);
    for (std::size_t at = 0, steps = 0; at + 1 < size && steps < steps_max; at += 2, ++steps) {
        const bool from_client = (script[at] & 0x80) == 0;
        step(script[at], script[at + 1], script.subspan(at + 2), from_client ? client : server,
             from_client ? server : client);
    }
    return 0;
}
